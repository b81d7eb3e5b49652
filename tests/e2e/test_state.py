"""A frontend that was there all along and one that comes later see the same."""

import asyncio

import pytest
from twisted.internet.defer import Deferred

from sat.bridge.client import connect
from sat.frontends.core.state import State, apply, from_snapshot
from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger

# A snapshot leaves out transfers that have ended: who saw the end may show them on.
PARTS = ("profiles", "conversations", "roster", "questions", "options")


def wait(awaitable):
    """Await something of asyncio in a test that is a Deferred's coroutine."""
    return Deferred.fromFuture(asyncio.ensure_future(asyncio.wait_for(awaitable, 20)))


@pytest.fixture
def attach(reactor, daemon):
    """A function that attaches a frontend to the daemon, until the end of the test."""
    clients = []

    async def attach() -> "Frontend":
        client = await wait(connect(str(daemon.socket), name="test 1"))
        clients.append((client, asyncio.get_running_loop()))
        return Frontend(client, await wait(client.attach()))

    yield attach
    for client, loop in clients:
        loop.run_until_complete(client.close())


class Frontend:
    """What every frontend does: attach, and let events change the state."""

    def __init__(self, client, attached) -> None:
        self.client = client
        self.seq: int = attached.seq
        self.state: State = from_snapshot(bytes(attached.state))
        self._events = client.events()

    async def follow(self, condition) -> None:
        while not condition(self):
            received = await wait(anext(self._events))
            self.state = apply(self.state, received.event, received.seq)
            if received.seq is not None:
                assert received.prev == self.seq
                self.seq = received.seq


async def test_the_state_by_events_is_the_state_by_snapshot(attach, server, daemon, pair):
    alice, bob = pair
    early = await attach()
    (daemon.home / "f").write_bytes(b"content")
    for line in (
        ("-p", alice, "message", "send", server.jid(bob), "one", "--wait", "received"),
        ("-p", bob, "message", "send", server.jid(alice), "two", "--wait", "received"),
        ("-p", alice, "conversation", "read", server.jid(bob)),
        ("-p", bob, "conversation", "draft", server.jid(alice), "half a"),
        ("-p", alice, "roster", "add", f"new-{alice}@{server.host}", "--name", "N"),
        ("-p", alice, "roster", "add", f"old-{alice}@{server.host}"),
        ("-p", alice, "roster", "remove", f"old-{alice}@{server.host}"),
        ("-p", alice, "file", "send", "f", server.jid(bob)),
        ("option", "set", "ping.timeout", "3"),
        ("-p", alice, "presence", "set", "away", "out"),
        ("profile", "default", bob),
        ("profile", "disconnect", bob),
    ):
        daemon.jp(*line)
    late = await attach()
    await early.follow(lambda one: one.seq >= late.seq)
    # Whatever came between the two is told to both.
    await late.follow(lambda one: one.seq >= early.seq)
    for part in PARTS:
        assert getattr(early.state, part) == getattr(late.state, part), part
    assert early.state.conversations[alice, server.jid(bob)].unread == 0
    assert early.state.conversations[bob, server.jid(alice)].draft == "half a"
    assert [one.done for one in early.state.transfers.values()] == [7]


async def test_a_deleted_profile_is_gone_with_all_that_it_had(attach, server, daemon, pair):
    alice, bob = pair
    frontend = await attach()
    daemon.jp("-p", alice, "message", "send", server.jid(bob), "one", "--wait", "received")
    daemon.jp("profile", "delete", alice)
    await frontend.follow(lambda one: alice not in one.state.profiles)
    late = await attach()
    await frontend.follow(lambda one: one.seq >= late.seq)
    for part in PARTS:
        assert getattr(frontend.state, part) == getattr(late.state, part), part
    assert not [key for key in frontend.state.conversations if key[0] == alice]


def test_what_is_read_is_known_to_the_accounts_other_programs(server, daemon, people):
    """Of several conversations, and by a program that isn't ours (XEP-0490)."""
    alice, bob, carol = people("alice", "bob", "carol")
    for name in (alice, bob, carol):
        daemon.profile(name, server)
    daemon.jp("option", "set", "displayed.delay", "0")
    peers = sorted(server.jid(name) for name in (bob, carol))
    with Stranger(server, alice, "other") as other:
        for name in (bob, carol):
            daemon.jp("-p", name, "message", "send", server.jid(alice), "read me")
        assert wait_until(lambda: len(daemon.json("-p", alice, "conversation", "list")) == 2, 30)
        for peer in peers:
            daemon.jp("-p", alice, "conversation", "read", peer)

        def kept() -> list[str]:
            other.seen.clear()
            other.tell("items", "urn:xmpp:mds:displayed:0")
            return other.expect("items")["ids"]

        assert wait_until(lambda: kept() == peers, 30), kept()
