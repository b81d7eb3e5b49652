"""A disk that fills up while messages arrive: nothing is acknowledged that is not stored."""

import os
import uuid

import pytest

from tests.e2e.test_backlog import WAITING, burst, history, numbers
from tests.testbed import Daemon
from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger

pytestmark = pytest.mark.any_server

#: Messages that wait in the archive.
ARCHIVED = max(700, WAITING * 2 // 3)
#: What each takes on the disk beyond its words, about.
AROUND = 190


def test_a_full_disk_loses_nothing(server, people, small_disk):
    alice, bob = people("alice", "bob")
    with Daemon() as sender, Daemon(home=small_disk / "home") as daemon:
        sender.profile(bob, server)
        daemon.profile(alice, server)
        filler = small_disk / "filler"
        # All that is left but a little, which the first messages take.
        left = os.statvfs(small_disk)
        filler.write_bytes(bytes(left.f_bavail * left.f_bsize - 200 * 1024))
        expected = []
        for number in range(60):
            body = f"{number} " + uuid.uuid4().hex * 400
            expected.append(body)
            sender.jp("-p", bob, "message", "send", server.jid(alice), body)

        def full() -> bool:
            return daemon.json("daemon", "status")[0]["storage"]["state"] == "full"

        assert wait_until(full, 20), daemon.sat("status").stdout
        assert "full" in daemon.sat("status").stdout
        refused = daemon.jp(
            "-p", alice, "message", "send", server.jid(bob), "x" * 10000, check=False
        )
        assert refused.returncode == 1
        assert "disk" in refused.stderr
        filler.unlink()

        def bodies() -> list[str]:
            listed = daemon.json("-p", alice, "message", "list", server.jid(bob), "--limit", "500")
            return [message["body"] for message in listed if message["direction"] == "in"]

        wait_until(lambda: len(bodies()) >= len(expected), 30)
        assert bodies() == expected
        assert daemon.json("daemon", "status")[0]["storage"]["state"] == "ok"


@pytest.mark.parametrize("words", [160, 2048], ids=["short", "long"])
def test_a_disk_that_fills_while_the_archive_is_read(server, people, small_disk, words):
    alice, bob = people("alice", "bob")
    own, peer = server.jid(alice), server.jid(bob)
    with Daemon(home=small_disk / "home") as daemon, Stranger(server, bob) as friend:
        daemon.profile(alice, server)
        friend.tell("send", own, "before")
        assert wait_until(lambda: len(history(daemon, alice, peer)) == 1, 30)
        daemon.jp("profile", "disconnect", alice)
        burst(friend, own, 1, ARCHIVED, " " + uuid.uuid4().hex * (words // 32))
        filler = small_disk / "filler"
        left = os.statvfs(small_disk)
        room = (words + AROUND) * ARCHIVED
        filler.write_bytes(bytes(left.f_bavail * left.f_bsize - room))
        daemon.jp("profile", "connect", alice)

        def storage() -> dict:
            return daemon.json("daemon", "status")[0]["storage"]

        assert wait_until(lambda: storage()["state"] == "full", 60), storage()
        assert "full" in storage()["sentence"]
        there = len(numbers(history(daemon, alice, peer), "in"))
        assert 0 < there < ARCHIVED
        filler.unlink()
        assert wait_until(lambda: storage()["state"] == "ok", 60), storage()
        assert wait_until(lambda: len(history(daemon, alice, peer)) > ARCHIVED, 60)
        found = history(daemon, alice, peer)
        assert numbers(found, "in") == [*range(1, ARCHIVED + 1)]
        assert len(found) == ARCHIVED + 1
        assert daemon.json("profile", "get", alice)[0]["connection"]["phase"] == "online"
