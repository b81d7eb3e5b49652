"""One daemon a home."""

import os
import subprocess
import sys

from sat.bridge.lock import HomeLock, holder

_HOLD = """
import sys
from sat.bridge.lock import HomeLock
lock = HomeLock(sys.argv[1])
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


def test_the_lock_is_one_process_and_tells_its_pid(tmp_path):
    path = str(tmp_path / "lock")
    assert holder(path) is None
    other = subprocess.Popen(
        [sys.executable, "-c", _HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout.readline() == "True\n"
        assert holder(path) == other.pid
        assert not HomeLock(path).acquire()
        other.kill()
    assert holder(path) is None
    mine = HomeLock(path)
    assert mine.acquire()
    assert holder(path) == os.getpid()
    mine.release()
    assert holder(path) is None
    assert os.stat(path).st_mode & 0o7777 == 0o600


def test_asking_for_the_holder_does_not_keep_a_daemon_from_starting(tmp_path):
    path = str(tmp_path / "lock")
    mine = HomeLock(path)
    mine.acquire()
    mine.release()
    asking = subprocess.Popen(
        [sys.executable, "-c", f"from sat.bridge.lock import holder\nwhile 1: holder({path!r})"]
    )
    try:
        for _ in range(50):
            lock = HomeLock(path)
            assert lock.acquire()
            lock.release()
    finally:
        asking.kill()
        asking.wait()
