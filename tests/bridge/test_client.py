"""The asyncio client against a peer that speaks the wire."""

import asyncio
from datetime import UTC, datetime

import pytest

from sat.bridge.client import UnknownEvent, connect
from sat.bridge.errors import CommandError
from sat.bridge.events import PresenceChanged
from sat.bridge.model import Contact, Presence
from tests.bridge.lineserver import NOTHING, LineServer, Refusal

BOB = {"profile": "alice", "jid": "bob@x", "groups": ["a"], "newer_field": 1}
TS = "2026-11-21T07:00:00Z"


@pytest.fixture
def server(tmp_path):
    with LineServer(tmp_path / "bridge.sock") as running:
        yield running


async def test_a_call_returns_the_type_of_the_contract(reactor, server):
    server.answers["roster.list"] = [BOB]
    client = await open_(server)
    assert client.hello.epoch == "e1"
    contacts = await wait(client.call("roster.list", list[Contact], profile="alice"))
    assert contacts == [Contact(profile="alice", jid="bob@x", groups=("a",))]
    assert server.called("roster.list") == [{"profile": "alice"}]
    with pytest.raises(CommandError, match="does not expect"):
        await wait(client.call("roster.list", Contact))
    await wait(client.close())


async def test_a_slow_call_does_not_hold_up_a_fast_one(reactor, server):
    slow = []

    def hold(session, params):
        slow.append((session, server.requests[-1]["id"]))
        return NOTHING

    server.answers |= {"a.slow": hold, "a.fast": 2}
    client = await open_(server)
    first = asyncio.ensure_future(client.call("a.slow", int))
    assert await wait(client.call("a.fast", int)) == 2
    assert not first.done()
    (session, id_) = slow[0]
    session.send({"jsonrpc": "2.0", "id": id_, "result": 1})
    assert await wait(first) == 1
    await wait(client.close())


async def test_events_are_of_their_classes(reactor, server):
    def attach(session, params):
        session.event(profile="alice", type="presence.changed", ts=TS, origin=None,
                      data={"profile": "alice", "jid": "bob@x/1", "show": "away"})  # fmt: skip
        session.event(prev=7, seq=9, profile="", type="moon.changed", ts=TS, data={"phase": 1},
                      origin={"session": "s", "txn": "t"})  # fmt: skip
        return {"mode": "snapshot", "epoch": "e1", "seq": 7, "state": {"roster": [BOB]}}

    server.answers["state.attach"] = attach
    client = await open_(server)
    attached = await wait(client.attach(scopes=["roster"], resume=("e0", 3)))
    assert (attached.mode, attached.seq, bytes(attached.state)[:9]) == ("snapshot", 7, b'{"roster"')
    assert server.called("state.attach") == [
        {"mode": "state", "scopes": ["roster"], "resume": {"epoch": "e0", "seq": 3}}
    ]
    events = client.events()
    first = await wait(anext(events))
    assert first.event == PresenceChanged(Presence(profile="alice", jid="bob@x/1", show="away"))
    assert (first.seq, first.ts) == (None, datetime(2026, 11, 21, 7, tzinfo=UTC))
    second = await wait(anext(events))
    assert second.event == UnknownEvent("moon.changed", {"phase": 1})
    assert (second.seq, second.prev, second.origin.txn) == (9, 7, "t")
    await wait(client.close())
    with pytest.raises(StopAsyncIteration):
        await wait(anext(events))


async def test_an_error_is_raised_and_the_session_goes_on(reactor, server):
    def refuse(session, params):
        raise Refusal("denied.level", "No.", needed="admin")

    server.answers |= {"a.b": refuse, "c.d": 1}
    client = await open_(server)
    with pytest.raises(CommandError) as caught:
        await wait(client.call("a.b", int))
    assert (caught.value.name, caught.value.data) == ("denied.level", {"needed": "admin"})
    assert await wait(client.call("c.d", int)) == 1
    await wait(client.close())


async def test_the_daemons_end_fails_what_waits(reactor, server):
    server.answers["a.b"] = lambda session, params: server.end(session) or NOTHING
    client = await open_(server)
    with pytest.raises(CommandError) as caught:
        await wait(client.call("a.b", int))
    assert caught.value.exit_code == 3
    with pytest.raises(CommandError):
        await wait(client.call("a.b", int))
    with pytest.raises(CommandError):
        await wait(anext(client.events()))
    await wait(client.close())


async def test_no_daemon_and_a_refused_hello(reactor, server, tmp_path):
    with pytest.raises(CommandError) as caught:
        await wait(connect(str(tmp_path / "none")))
    assert caught.value.exit_code == 3

    def refuse(session, params):
        raise Refusal("usage.api", "This daemon speaks 2.0.")

    server.answers["session.hello"] = refuse
    with pytest.raises(CommandError, match="speaks 2"):
        await open_(server)


def wait(awaitable):
    """Await something of asyncio in a test that is a Deferred's coroutine."""
    from twisted.internet.defer import Deferred

    return Deferred.fromFuture(asyncio.ensure_future(asyncio.wait_for(awaitable, 5)))


def open_(server):
    return wait(connect(str(server.path), name="test 1"))
