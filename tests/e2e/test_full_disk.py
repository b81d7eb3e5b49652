"""A disk that fills up while messages arrive: nothing is acknowledged that is not stored."""

import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import Daemon
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.any_server

SIZE = 6 * 1024 * 1024


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 6 MiB."""
    folder = Path(tempfile.mkdtemp(prefix="sat-disk-"))
    root = [] if os.getuid() == 0 else ["sudo", "-n"]
    options = f"size={SIZE},uid={os.getuid()},mode=700"
    mounted = subprocess.run(
        [*root, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.fail(
            f"a small disk can't be mounted ({mounted.stderr.strip()}): run the tests as root, or "
            f"let sudo run mount without a password"
        )
    yield folder
    subprocess.run([*root, "umount", "-l", str(folder)], check=True)
    folder.rmdir()


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
