"""What a network may do to a connection: it ends with a sentence, comes back, and loses nothing."""

from random import Random

import pytest

from tests.e2e.refusals import bodies
from tests.testbed.processes import wait_until
from tests.testbed.proxy import Proxy


@pytest.fixture
def proxy(server):
    with Proxy(server.ports["c2s"], Random(1)) as running:
        yield running


@pytest.fixture
def pair(server, daemon, people, proxy):
    """Two friends; what alice says and hears goes through the proxy."""
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server, at=proxy.address)
    daemon.profile(bob, server)
    return alice, bob


def flip_what_comes(proxy):
    proxy.down.corrupt_after(3)


def flip_what_goes(proxy):
    proxy.up.corrupt_after(40)


def end_within_a_record(proxy):
    proxy.down.cut_after(11)


def reset_within_a_record(proxy):
    proxy.up.cut_after(11, reset=True)


@pytest.mark.parametrize(
    "harm", [flip_what_comes, flip_what_goes, end_within_a_record, reset_within_a_record]
)
def test_a_broken_connection_is_made_again(server, daemon, pair, proxy, harm):
    alice, bob = pair
    daemon.jp("-p", alice, "message", "send", server.jid(bob), "before", "--wait", "acknowledged")
    with daemon.follow() as follower:
        before = proxy.accepted
        harm(proxy)
        daemon.jp("-p", alice, "message", "send", server.jid(bob), "while")
        daemon.jp("-p", bob, "message", "send", server.jid(alice), "back")
        told = follower.wait_for(
            "profile.changed",
            lambda data: data["name"] == alice and data["connection"]["phase"] == "waiting",
            timeout=30,
        )
        assert told["data"]["connection"]["sentence"]
    assert wait_until(lambda: proxy.accepted > before, 30)
    daemon.jp("-p", alice, "message", "send", server.jid(bob), "after", "--wait", "acknowledged")
    for profile, peer in ((alice, bob), (bob, alice)):

        def all_there(profile=profile, peer=peer) -> bool:
            return set(bodies(daemon, profile, server.jid(peer))) == {
                *("before", "while", "back", "after")
            }

        assert wait_until(all_there, 30), bodies(daemon, profile, server.jid(peer))
    assert "Traceback" not in daemon.log.read_text()


def test_a_slow_link_only_takes_longer(server, daemon, pair, proxy):
    alice, bob = pair
    proxy.delay(0.3)
    sent = [f"slow {number}" for number in range(5)]
    for body in sent:
        daemon.jp("-p", alice, "message", "send", server.jid(bob), body)
    daemon.jp("-p", bob, "message", "send", server.jid(alice), "back")

    def arrived() -> list[str]:
        return [one for one in bodies(daemon, bob, server.jid(alice)) if one in sent]

    assert wait_until(lambda: arrived() == sent, 30), arrived()
    assert wait_until(lambda: "back" in bodies(daemon, alice, server.jid(bob)), 30)
    assert proxy.accepted == 1
