"""Coming back after a long time: all is there, once and in order, and one can speak meanwhile.

Short here; `make storm` runs the long one, on ejabberd as well. `SAT_BACKLOG` sets the size.
"""

import os
import secrets
import time
from contextlib import ExitStack
from functools import partial
from random import Random

import pytest

from sat.bridge.blocking import Client
from tests.testbed import Daemon, Ejabberd, Prosody, Server
from tests.testbed.processes import wait_until
from tests.testbed.proxy import Proxy
from tests.testbed.stranger import Stranger

LONG = "SAT_BACKLOG" in os.environ
SERVERS = {"prosody": Prosody}
if LONG:
    SERVERS["ejabberd"] = partial(Ejabberd, archive="sqlite")
#: Messages that wait, and those that another program of alice's sent meanwhile.
WAITING, SENT = map(int, os.environ.get("SAT_BACKLOG", "600 100").split())

#: Bytes from the server that are more than a login, and less than the first part of what waits.
BEGINNING = 60_000


def burst(person: Stranger, to: str, first: int, count: int, more: str = "") -> None:
    """Let somebody send numbered messages, and wait until the server has them.

    :param more: what each says beyond its number
    """
    before = sum(one["what"] == "pong" for one in tuple(person.seen))
    person.tell("burst", to, first, count, more)
    person.tell("pong")
    assert wait_until(
        lambda: sum(one["what"] == "pong" for one in tuple(person.seen)) > before, 120
    ), "the server doesn't take them"


def history(daemon: Daemon, profile: str, peer: str) -> list[dict]:
    """Return all messages of a conversation, oldest first."""
    pages: list[dict] = []
    with Client(str(daemon.socket)) as client:
        before: dict[str, object] = {}
        while page := client.call("message.list", profile=profile, peer=peer, limit=500, **before):
            assert isinstance(page, list)
            pages[:0] = page
            before = {"before": page[0]["id"]}
    return pages


def numbers(messages: list[dict], direction: str) -> list[int]:
    """Return the numbers of what came or went, in the order of the history."""
    found = [one["body"] for one in messages if one["direction"] == direction]
    return [int(body.split()[1]) for body in found if body.startswith("b ")]


@pytest.mark.parametrize("make", SERVERS.values(), ids=SERVERS)
def test_thousands_wait_while_alice_speaks(make, daemon):
    with make() as server:
        for name in ("alice", "bob"):
            server.add_user(name, secrets.token_hex(12))
        server.befriend("alice", "bob")
        found = come_back(server, daemon, WAITING, SENT)
        assert numbers(found, "in") == [*range(1, WAITING + 1)]
        assert numbers(found, "out") == [*range(1, SENT + 1)]
        assert len(found) == WAITING + SENT + len(("before", "meanwhile"))
        assert len({one["id"] for one in found}) == len(found)


def come_back(server: Server, daemon: Daemon, waiting: int, sent: int) -> list[dict]:
    """Let alice come back to what waits, and speak at once; return what is there in the end."""
    alice, bob = "alice", "bob"
    own, peer = server.jid(alice), server.jid(bob)
    with Proxy(server.ports["c2s"], Random(1)) as proxy, ExitStack() as stack:
        daemon.profile(alice, server, at=proxy.address)
        friend = stack.enter_context(Stranger(server, bob))
        friend.tell("send", own, "before")
        assert wait_until(lambda: len(history(daemon, alice, peer)) == 1, 30)
        daemon.jp("profile", "disconnect", alice)
        with Stranger(server, alice) as phone:
            # It is nobody whom messages go to: they wait.
            phone.tell("hide")
            burst(phone, peer, 1, sent // 2)
            burst(friend, own, 1, waiting // 2)
            burst(phone, peer, sent // 2 + 1, sent - sent // 2)
            burst(friend, own, waiting // 2 + 1, waiting - waiting // 2)
        # Something of it comes, and then nothing, until alice has spoken.
        proxy.down.stall_after(BEGINNING)
        daemon.jp("profile", "connect", alice)
        done = daemon.jp("-p", alice, "message", "send", peer, "meanwhile")
        assert done.returncode == 0
        friend.expect("message", body="meanwhile", timeout=30)
        unread = daemon.json("-p", alice, "conversation", "get", peer)[0]["unread"]
        assert unread < waiting, "catching up was over before"
        proxy.down.go_on()

        def all_there() -> bool:
            return len(history(daemon, alice, peer)) >= waiting + sent + 2

        assert wait_until(all_there, 120), len(history(daemon, alice, peer))
        # Nothing comes a second time.
        time.sleep(1)
        return history(daemon, alice, peer)
