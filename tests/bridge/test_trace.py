"""Watching calls: who is told, of what, and what never is."""

import contextlib
import json

import pytest

from sat.bridge.errors import CommandError
from sat.bridge.secret import SecretText
from sat.bridge.trace import DOTS, redacted
from tests.backend.support import house

SECRET = "correct horse battery staple"


async def watch(home):
    watcher = await home.attach(types=["bridge.traced"])
    await watcher.call("bridge.trace")
    return watcher


async def test_a_call_is_told_as_it_begins_and_as_it_ends(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        watcher = await watch(home)
        await home.call("option.get", name="remote.listen")
        begun = await watcher.expect("bridge.traced", method="option.get", state="begun")
        done = await watcher.expect("bridge.traced", method="option.get", state="done")
        assert begun["params"] == {"name": "remote.listen"}
        assert begun["client"] == "test 1"
        assert begun["session"] == home.frontend.hello["session"]
        assert done["id"] == begun["id"] and done["seconds"] >= 0 and done["error"] == ""
        await home.refused("option.get", name="no.such")
        await watcher.expect("bridge.traced", state="failed", error="unknown.option")
        await home.refused("no.such", password=SECRET)
        failed = await watcher.expect("bridge.traced", method="no.such", state="begun")
        assert failed["params"] == {}
        await watcher.call("bridge.trace", active=False)
        before = len(watcher.events)
        await home.call("option.list")
        await watcher.call("option.list")
        assert len(watcher.events) == before
        await watcher.close()


async def test_no_secret_is_told_whichever_way_it_is_said(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        watcher = await watch(home)
        jid = "alice@server.test"
        await home.call("profile.create", name="a", jid=jid, password=SECRET, autoconnect=False)
        await home.call("profile.set", name="a", values={"password": SECRET, "resource": "x"})
        for method, given in {
            "session.hello": {"api": "1", "token": SECRET},
            "session.pair": {"code": SECRET, "name": "x"},
            "question.answer": {"profile": "a", "id": "x", "values": {"word": [SECRET]}},
            "room.join": {"profile": "a", "room": "r@s.test", "password": SECRET},
            "profile.password": {"name": "nobody", "password": SECRET},
            "profile.register": {"name": "b", "jid": [], "password": SECRET},
            "option.get": {"name": 7, "of_a_later_version": SECRET},
            "profile.list": {"of_a_later_version": SECRET},
        }.items():
            with contextlib.suppress(CommandError):
                await home.call(method, **given)
            await watcher.expect("bridge.traced", method=method, state=lambda s: s != "begun")
        told = json.dumps(watcher.events, ensure_ascii=False)
        assert SECRET not in told and "horse" not in told
        assert told.count(DOTS) >= 5
        assert '"resource": "x"' in told
        invitation = await home.refused("pair.open")
        assert invitation.name == "failed.listen"
        await watcher.close()


async def test_only_who_asks_is_told_and_only_an_admin_may_ask(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        watcher = await watch(home)
        await home.call("option.list")
        await watcher.expect("bridge.traced", method="option.list", state="done")
        await home.forbid("bridge.traced", 0.0)
        described = await home.call("api.describe")
        (trace,) = [one for one in described["methods"] if one["name"] == "bridge.trace"]
        assert trace["level"] == "admin"
        later = await home.attach()
        await later.forbid("bridge.traced", 0.0)
        for one in (watcher, later):
            await one.close()


async def test_one_that_does_not_read_misses_some_and_is_told_how_many(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        watcher = await watch(home)
        watcher.transport.pauseProducing()
        for number in range(1500):
            await home.refused("option.get", name=f"{number} " + "x" * 250)
        watcher.transport.resumeProducing()
        # What is in between the two is read by now, so that it keeps up again.
        await watcher.call("option.list")
        await home.call("plugin.list")
        told = await watcher.expect("bridge.traced", method="plugin.list", state="begun")
        calls = [one for one in watcher.events if one["data"]["method"] == "option.get"]
        assert told["missed"] > 0 and len(calls) + told["missed"] == 3000
        await watcher.close()


@pytest.mark.parametrize(
    ("value", "name", "shown"),
    [
        (SecretText("x" * 1000), "", DOTS),
        ({"password": "x", "name": "y"}, "", {"password": DOTS, "name": "y"}),
        ([{"deep": {"api_key": "x"}}], "", [{"deep": {"api_key": DOTS}}]),
        ("x", "proxy", DOTS),
        ("x", "country_code", "x"),
        (b"1234", "data", "(4 bytes)"),
        ("x" * 1000, "body", "x" * 300 + "… (1000)"),
        ([[[[[["deep"]]]]]], "", [[[["…"]]]]),
        (list(range(1000)), "", list(range(20))),
        (None, "password", None),
        (True, "", True),
    ],
)
def test_what_is_shown_of_a_value(value, name, shown):
    assert redacted(value, name) == shown
