"""Profiles: making, setting, connecting and deleting them, and what deleting leaves."""

import json
import os
import stat
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from tests.backend.support import house, pause, until

SECRET = "correct horse"


def secrets(home) -> dict:
    """Return what the file of passwords holds."""
    path = Path(home.paths.secrets)
    return json.loads(path.read_text()) if path.exists() else {}


async def test_what_cannot_be_a_profile(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        good = {"name": "alice", "jid": "alice@server.test", "password": SECRET}
        for change, name in (
            ({"name": ""}, "usage.name"),
            ({"name": "a b"}, "usage.name"),
            ({"name": "../x"}, "usage.name"),
            ({"name": "-x"}, "usage.name"),
            ({"name": "x" * 65}, "usage.name"),
            ({"jid": "server.test"}, "usage.jid"),
            ({"jid": "@@"}, "usage.params"),
            ({"jid": "🙂@x"}, "usage.params"),
            ({"ca": "no certificate"}, "usage.ca"),
            ({"server": "host:port"}, "usage.server"),
            ({"server": "host:70000"}, "usage.server"),
        ):
            error = await home.refused("profile.create", **{**good, **change})
            assert error.name == name, (change, error)
        assert await home.call("profile.list") == []
        assert secrets(home) == {}
        await home.call("profile.create", **good, autoconnect=False)
        error = await home.refused("profile.create", **{**good, "password": "other"})
        assert error.name == "failed.exists"
        assert secrets(home) == {"alice": SECRET}


async def test_two_who_make_the_same_at_once(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        how = {"name": "alice", "jid": "alice@server.test", "autoconnect": False}
        first = home.call("profile.create", **how, password="first")
        error = await home.refused("profile.create", **how, password="second")
        assert error.name == "failed.exists"
        await first
        assert secrets(home) == {"alice": "first"}


async def test_a_password_is_in_its_file_alone(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile()
        await home.call("profile.set", name="alice", values={"password": "battery staple"})
        await home.call("profile.disconnect", name="alice")
        path = home.paths.secrets
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert secrets(home) == {"alice": "battery staple"}
        told = json.dumps(home.frontend.events) + json.dumps(await home.call("daemon.status"))
        assert SECRET not in told
        assert "battery staple" not in told
        await home.stop()
        for file in home.root.iterdir():
            if file.is_file() and str(file) != path:
                assert b"battery staple" not in file.read_bytes(), file
                assert SECRET.encode() not in file.read_bytes(), file
        await home.start()


async def test_a_wrong_password_is_told_and_not_tried_again(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        alice.server.password = "changed"
        connecting = Deferred.fromCoroutine(home.refused("profile.connect", name="alice"))
        peer = await alice.server.accept()
        await peer.log_in(before="session")
        error = await connecting
        assert error.name.startswith("denied.")
        told = await home.expect("profile.changed", connection={"phase": "failed"})
        assert told["connection"]["sentence"]
        await pause(reactor, 0.2)
        assert len(alice.server.peers) == 1


async def test_two_who_connect_the_same_make_one_connection(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        calls = [home.call("profile.connect", name="alice") for _ in range(3)]
        await alice.online()
        assert [(await call)["connection"]["phase"] for call in calls] == ["online"] * 3
        await home.call("message.send", to="bob@server.test", body="x")
        await alice.peer.expect("<message><body>x</body></message>")
        assert len(alice.server.peers) == 1


async def test_who_disconnects_last_is_offline(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        connecting = Deferred.fromCoroutine(home.refused("profile.connect", name="alice"))
        await home.call("profile.disconnect", name="alice")
        error = await connecting
        assert (error.name, error.sentence) == (
            "offline.profile",
            "alice was disconnected meanwhile",
        )
        await pause(reactor, 0.1)
        (found,) = await home.call("profile.list")
        assert found["connection"]["phase"] == "offline"


async def test_who_connects_last_is_online(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        disconnecting = home.call("profile.disconnect", name="alice")
        connecting = home.call("profile.connect", name="alice")
        await alice.online()
        await disconnecting
        assert (await connecting)["connection"]["phase"] == "online"


@pytest.mark.parametrize("known", [True, False])
async def test_profiles_connect_when_the_daemon_starts(reactor, tmp_path, known):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        await home.call("profile.set", name="alice", values={"autoconnect": "yes"})
        if not known:
            os.unlink(home.paths.secrets)
        await home.restart()
        if known:
            await alice.online()
            await home.expect("profile.changed", connection={"phase": "online"})
        else:
            await pause(reactor, 0.2)
            assert alice.server.peers == []
            error = await home.refused("profile.connect", name="alice")
            assert error.name == "denied.password"
            assert "profile set alice --password-stdin" in error.sentence


async def test_which_profile_is_meant(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        assert (await home.refused("roster.list")).name == "unknown.profile"
        await home.profile("alice", connect=False)
        assert await home.call("roster.list") == []
        await home.profile("bob", connect=False)
        assert (await home.refused("roster.list")).name == "usage.profile"
        await home.call("profile.default", name="bob")
        sent = await home.call("message.send", to="carol@server.test", body="x")
        assert sent["profile"] == "bob"
        await home.call("profile.default", name="alice")
        assert [one["default"] for one in await home.call("profile.list")] == [True, False]
        error = await home.refused("roster.list", profile="carol")
        assert error.name == "unknown.profile"
        assert "alice, bob" in error.sentence


async def test_one_profile_sees_nothing_of_another(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile("alice", connect=False)
        await home.profile("bob", connect=False)
        sent = await home.call(
            "message.send", to="carol@server.test", body="secret", profile="alice"
        )
        seen = {"profile": "bob"}
        assert (await home.refused("message.get", id=sent["id"], **seen)).name == "unknown.message"
        assert await home.call("message.list", peer="carol@server.test", **seen) == []
        assert await home.call("message.search", text="secret", **seen) == []
        assert await home.call("conversation.list", **seen) == []


async def test_a_deleted_profile_leaves_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await home.profile("bob", connect=False)
        alice.peer.send(
            "<message from='bob@server.test/x' type='chat'><body>zanzibar</body></message>"
            "<presence from='bob@server.test/x'/>"
            "<presence type='subscribe' from='eve@evil.test'/>"
        )
        await home.expect("question.added")
        await home.expect("message.added", body="zanzibar")
        await home.expect("presence.changed")
        mine = {"profile": "alice"}
        await home.call("message.send", to="bob@server.test", body="zanzibar too", txn="t1", **mine)
        await home.call("conversation.draft", peer="bob@server.test", text="zanzi", **mine)
        await home.call("message.send", to="x@server.test", body="zanzibar of bob", profile="bob")
        # What is indexed and what isn't yet.
        await until(
            reactor, lambda: home.rows("SELECT count(*) FROM message_fts_docsize") == [(3,)]
        )
        await home.call("message.send", to="bob@server.test", body="zanzibar three", **mine)
        await home.call("profile.delete", name="alice")
        await home.expect("profile.removed", name="alice")
        for table in ("contact", "conversation", "message", "question", "stream", "transfer"):
            left = home.rows(f"SELECT count(*) FROM {table} WHERE profile_id = 1")
            assert left == [(0,)], table
        assert home.rows("SELECT count(*) FROM txn WHERE profile = 'alice'") == [(0,)]
        assert home.rows("SELECT type FROM event WHERE profile = 'alice'") == [("profile.removed",)]
        assert home.rows(
            "SELECT count(*) FROM message_fts WHERE message_fts MATCH 'zanzibar OR zanzi*'"
        ) == [(1,)]
        assert secrets(home).keys() == {"bob"}
        # Nor what is in memory.
        epoch = home.frontend.hello["epoch"]
        other = await home.attach(mode="events", resume={"epoch": epoch, "seq": 0})
        await other.expect("profile.removed", name="alice")
        assert {event["type"] for event in other.events if event["profile"] == "alice"} == {
            "profile.removed"
        }
        await other.close()
        found = await home.call("message.search", text="zanzibar")
        assert [one["body"] for one in found] == ["zanzibar of bob"]
        again = await home.profile("alice", connect=False)
        assert await home.call("message.search", text="zanzibar", profile="alice") == []
        assert await home.call("conversation.list", profile="alice") == []
        assert again.name == "alice"


async def test_settings_of_a_profile(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        values = {"server": "[::1]:5222", "allow_plain": "yes", "resource": "desk", "ca": ""}
        changed = await home.call("profile.set", name="alice", values=values)
        assert (changed["server"], changed["allow_plain"]) == ("[::1]:5222", True)
        assert (changed["resource"], changed["ca"]) == ("desk", False)
        await home.restart()
        assert (await home.call("profile.get", name="alice"))["resource"] == "desk"
        for bad in ({"nothing": "1"}, {"allow_plain": "maybe"}, {"jid": "x@y"}):
            error = await home.refused("profile.set", name="alice", values=bad)
            assert error.name == "usage.setting"
