"""What a person means, as calls to a scripted daemon: once each, and no more than needed."""

import asyncio
import base64
import os

import msgspec
import pytest

from sat.bridge.errors import CommandError
from sat.bridge.model import Conversation, Question
from sat.frontends.core.actions import Actions
from sat.frontends.core.commands.line import CommandLine, Context
from sat.frontends.core.commands.running import learn
from sat.frontends.core.commands.running import run as run_command
from tests.bridge.lineserver import NOTHING, Refusal
from tests.frontends.core.support import BOB, NOW, Attached, message, run, until

CONVERSATION = {"profile": "alice", "peer": "bob@x", "rev": 1}
SENT = msgspec.to_builtins(message(9))
TRANSFER = {
    "id": "t", "profile": "alice", "peer": "bob@x", "direction": "out", "name": "f", "size": 4,
    "ts": "2026-01-01T00:00:00Z",
}  # fmt: skip


def without_txn(calls):
    return [{name: one for name, one in call.items() if name != "txn"} for call in calls]


def start_with(server, **state):
    server.answers["state.attach"] = {
        "mode": "snapshot", "epoch": "e1", "seq": 7, "state": msgspec.to_builtins(state),
    }  # fmt: skip


def test_a_message_is_sent_once_though_the_session_is_lost(server):
    def send(session, params):
        if len(server.called("message.send")) == 1:
            server.end(session)
            return NOTHING
        return SENT

    server.answers["message.send"] = send

    async def story():
        async with Attached() as held:
            assert (await Actions(held).send(*BOB, "hi")).id == "9"

    run(story())
    first, second = server.called("message.send")
    assert first == second and first["txn"]
    assert without_txn([first]) == [{"profile": "alice", "to": "bob@x", "body": "hi"}]


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_nothing_is_no_message(server, text):
    async def story():
        async with Attached() as held:
            with pytest.raises(CommandError, match="empty"):
                await Actions(held).send(*BOB, text)

    run(story())
    assert not server.called("message.send")


def test_a_failed_message_is_sent_again_as_a_new_one(server):
    server.answers["message.send"] = SENT

    async def story():
        async with Attached() as held:
            await Actions(held).retry(message(3, body="once more"))

    run(story())
    assert server.called("message.send")[0]["body"] == "once more"


def test_what_was_looked_at_is_marked_in_few_calls(server):
    start_with(server, conversations=[Conversation(**CONVERSATION, read="5", unread=50)])
    held_back = []

    def read(session, params):
        if not held_back:
            held_back.append((session, server.requests[-1]["id"]))
            return NOTHING
        return CONVERSATION

    server.answers["conversation.read"] = read

    async def story():
        async with Attached() as held:
            actions = Actions(held)
            actions.read_to(*BOB, "5")
            actions.read_to(*BOB, "3")
            await asyncio.sleep(0)
            for number in range(6, 41):
                actions.read_to(*BOB, f"{number:x}")
                await asyncio.sleep(0.001)
            await until(lambda: held_back)
            session, id_ = held_back[0]
            session.send({"jsonrpc": "2.0", "id": id_, "result": CONVERSATION})
            await until(lambda: len(server.called("conversation.read")) == 2)
            await actions.flush()

    run(story())
    assert [one["up_to"] for one in server.called("conversation.read")] == ["6", "28"]


def test_a_draft_is_kept_a_moment_after_the_last_key(server):
    server.answers["conversation.draft"] = CONVERSATION
    server.answers["message.send"] = SENT

    async def story():
        async with Attached() as held:
            actions = Actions(held, pause=0.05)
            for end in range(1, 6):
                actions.draft(*BOB, "hello"[:end])
            await until(lambda: server.called("conversation.draft"))
            actions.draft(*BOB, "")
            await asyncio.sleep(0)
            actions.draft("alice", "carol@x", "left")
            await actions.flush()

    run(story())
    told = [(one["peer"], one["text"]) for one in server.called("conversation.draft")]
    assert [told[0], told[-1]] == [("bob@x", "hello"), ("carol@x", "left")]
    # What was kept is taken back, unless the daemon says first that there is none.
    assert told[1:-1] in ([], [("bob@x", "")])


def test_a_draft_that_is_sent_is_forgotten(server):
    start_with(server, conversations=[Conversation(**CONVERSATION, draft="hel")])
    server.answers |= {"conversation.draft": CONVERSATION, "message.send": SENT}

    async def story():
        async with Attached() as held:
            actions = Actions(held, pause=100.0)
            actions.draft(*BOB, "hel")
            actions.draft(*BOB, "hello")
            await actions.send(*BOB, "hello")
            await actions.flush()

    run(story())
    assert [one["text"] for one in server.called("conversation.draft")] == [""]


def test_a_frontend_ends_without_its_daemon(server):
    async def story():
        async with Attached(delays=(1000.0,)) as held:
            actions = Actions(held, pause=100.0)
            actions.draft(*BOB, "hel")
            server.end(server.sessions[-1])
            await until(lambda: not held.is_attached)
            await actions.flush()
            # Nobody is waited for who isn't there.
            assert not held.is_attached

    run(story())
    assert server.called("conversation.draft") == []


@pytest.mark.parametrize("remote", [False, True])
def test_a_file_is_handed_over(server, tmp_path, monkeypatch, remote):
    path = tmp_path / "é.txt"
    path.write_bytes(b"held")
    server.answers |= {"file.send": TRANSFER, "blob.open": "b1", "blob.write": None}

    async def story():
        async with Attached() as held:
            if remote:
                monkeypatch.setattr(type(held), "passes_files", False)
            assert (await Actions(held).send_file(*BOB, str(path))).id == "t"

    run(story())
    (call,) = server.called("file.send")
    assert (call["name"], call["size"], call["to"]) == ("é.txt", 4, "bob@x")
    if remote:
        assert call["blob"] == "b1"
        (piece,) = server.called("blob.write")
        assert base64.b64decode(piece["data"]) == b"held"
    else:
        (passed,) = server.sessions[-1].descriptors
        assert os.pread(passed, 10, 0) == b"held"


@pytest.mark.parametrize("name", ["none", "folder"])
def test_what_is_no_file_is_told(server, tmp_path, name):
    (tmp_path / "folder").mkdir()

    async def story():
        async with Attached() as held:
            with pytest.raises(CommandError, match=name):
                await Actions(held).send_file(*BOB, str(tmp_path / name))

    run(story())
    assert not server.called("file.send")


@pytest.mark.parametrize("remote", [False, True])
def test_a_file_is_fetched(server, tmp_path, monkeypatch, remote):
    def piece(_session, params):
        return base64.b64encode(b"fetched"[params["offset"] :][:4]).decode()

    found = {"url": "https://x.example/f", "size": 7, "media_type": "image/png"}
    server.answers |= {"file.fetch": found, "blob.open": "b1", "blob.read": piece}
    server.answers["blob.close"] = None

    async def story():
        async with Attached() as held:
            if remote:
                monkeypatch.setattr(type(held), "passes_files", False)
            with (tmp_path / "file").open("w+b") as file:
                got = await Actions(held).fetch_file(message(3), 1, file.fileno(), 1000)
            assert (got.size, got.media_type) == (7, "image/png")

    run(story())
    (call,) = server.called("file.fetch")
    assert (call["profile"], call["id"], call["number"], call["limit"]) == ("alice", "3", 1, 1000)
    if remote:
        assert call["blob"] == "b1"
        assert (tmp_path / "file").read_bytes() == b"fetched"
        assert server.called("blob.close") == [{"id": "b1"}]
    else:
        (passed,) = server.sessions[-1].descriptors
        assert os.path.samefile(f"/proc/self/fd/{passed}", tmp_path / "file")


def test_the_rest_are_calls(server):
    room = {"profile": "alice", "jid": "r@x", "nick": "n"}
    profile = {"name": "alice", "jid": "alice@x"}
    contact = {"profile": "alice", "jid": "bob@x"}
    option = {"name": "o", "kind": "boolean", "value": True, "default": True}
    question = Question(id="q", profile="alice", kind="x", sentence="?", ts=NOW)
    server.answers |= dict.fromkeys(("room.join", "room.leave", "room.nick", "room.subject"), room)
    server.answers |= dict.fromkeys(("profile.connect", "profile.disconnect"), profile)
    server.answers |= dict.fromkeys(("roster.add", "roster.update"), contact)
    server.answers |= dict.fromkeys(
        ("room.invite", "roster.remove", "presence.allow", "presence.deny", "presence.set",
         "presence.unsubscribe", "question.answer"), None
    )  # fmt: skip
    server.answers |= {"option.set": option, "conversation.read": CONVERSATION}

    async def story():
        async with Attached() as held:
            actions = Actions(held)
            await actions.join("alice", "r@x")
            await actions.leave("alice", "r@x")
            await actions.change_nick("alice", "r@x", "n")
            await actions.change_subject("alice", "r@x", "s")
            await actions.invite("alice", "r@x", "bob@x")
            await actions.add_contact(*BOB)
            await actions.change_contact(*BOB, groups=[])
            await actions.remove_contact(*BOB)
            await actions.allow(*BOB)
            await actions.deny(*BOB)
            await actions.unsubscribe(*BOB)
            await actions.show("alice", "away", "out")
            await actions.connect("alice")
            await actions.disconnect("alice")
            await actions.answer(question, {"yes": ["1"]})
            await actions.set_option("o", True)
            await actions.set_active(False)
            await actions.read_all(*BOB)

    run(story())
    called = {one["method"]: one["params"] for one in server.requests}
    assert without_txn([called["roster.update"]]) == [
        {"profile": "alice", "jid": "bob@x", "groups": []}
    ]
    assert without_txn([called["question.answer"]]) == [
        {"profile": "alice", "id": "q", "values": {"yes": ["1"]}}
    ]
    assert without_txn([called["room.join"]]) == [{"profile": "alice", "room": "r@x"}]


def test_a_refusal_is_one_sentence(server):
    def refuse(session, params):
        raise Refusal("denied.room", "The room lets nobody in.")

    server.answers["room.join"] = refuse

    async def story():
        async with Attached() as held:
            with pytest.raises(CommandError) as caught:
                await Actions(held).join("alice", "r@x")
            assert caught.value.sentence == "The room lets nobody in."

    run(story())


def test_command_lines_are_run(server):
    form = {"fields": [{"name": "late", "kind": "boolean"}]}
    start_with(
        server,
        profiles=[{"name": "alice", "jid": "alice@x"}],
        questions=[
            {"id": "q", "profile": "alice", "kind": "x", "sentence": "?", "form": form,
             "ts": "2026-01-01T00:00:00Z", "rev": 1}
        ],
    )  # fmt: skip
    room = {"profile": "alice", "jid": "r@x", "nick": "n", "sentence": "The nick was taken."}
    ping = {
        "name": "ping.send", "cli": "ping", "doc": "Ping.", "result": {"type": "number"},
        "params": [{"name": "peer", "required": True, "schema": {"type": "string"}}],
    }  # fmt: skip
    server.answers |= {
        "api.describe": {"methods": [ping], "types": {}}, "ping.send": 0.5, "message.send": SENT,
        "room.join": room, "question.answer": None, "roster.remove": None,
        "roster.list": [{"profile": "alice", "jid": "b\x1b[2J@x", "name": "", "groups": [],
                         "subscription": "both", "ask": False, "rev": 1}],
    }  # fmt: skip

    async def story():
        commands = CommandLine()
        async with Attached() as held:
            actions = Actions(held)
            await learn(commands, held)

            async def say(line):
                call = commands.read(line, Context("alice", "bob@x"))
                return await run_command(call, held, actions)

            assert await say("/ping") == "0.500"
            assert await say("/msg eve@x hi there") == ""
            assert await say("/join r@x") == "The nick was taken."
            assert await say("/question answer q late=yes") == ""
            assert await say("/remove") == ""
            listed = await say("/roster list")
            assert "b@x" in listed and "\x1b" not in listed
            for line, told in [
                ("/msg eve@x", "empty"), ("/question answer none", "there is none"),
                ("/join r@x --password-stdin", "needs a shell"),
                ("/question answer q late=maybe", "yes or no"), ("/send /none/such", "no file"),
            ]:  # fmt: skip
                with pytest.raises(CommandError, match=told):
                    await say(line)

    run(story())
    assert without_txn(server.called("question.answer")) == [
        {"profile": "alice", "id": "q", "values": {"late": ["true"]}}
    ]
    assert without_txn(server.called("roster.remove")) == [{"profile": "alice", "jid": "bob@x"}]
    assert server.called("ping.send") == [{"profile": "alice", "peer": "bob@x"}]
