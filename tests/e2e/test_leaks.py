"""Frontends come and go, and are killed, by the thousand: the daemon stays as it is."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from sat.bridge import blocking
from tests.testbed import Daemon
from tests.testbed.daemon import ROOT
from tests.testbed.processes import end_process, wait_until

pytestmark = pytest.mark.any_server

TIMES = 1000
#: Megabytes by which the daemon may grow in the last of the rounds.
GROWTH = 0.5
#: How often it may take a thousand until nothing is new to it.
ROUNDS = 5
#: Descriptors that may be opened by threads that have not been needed before.
READERS = 12
#: Frontends that a process holds when it is killed.
EACH = 50

MANY = """
import sys
from sat.bridge import blocking
sessions = [blocking.Client(sys.argv[1]) for _ in range(int(sys.argv[2]))]
for session in sessions:
    session.call("state.attach")
print("attached", flush=True)
sys.stdin.read()
"""


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def anonymous(pid: int) -> float:
    """Return the memory that is a process' own, in MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no such line")


def sessions(daemon: Daemon) -> int:
    with blocking.Client(str(daemon.socket)) as client:
        status = client.call("daemon.status")
    return status["sessions"]


def attach_and_leave(daemon: Daemon, times: int) -> None:
    for _ in range(times):
        with blocking.Client(str(daemon.socket)) as client:
            client.call("state.attach")


def attach_and_cut(daemon: Daemon, times: int) -> None:
    """Be gone in the middle of a line, and of what is to be read."""
    call = b'{"jsonrpc":"2.0","id":2,"method":"state.attach"}\n'
    hello = b'{"jsonrpc":"2.0","id":1,"method":"session.hello","params":{"api":"1"}}\n'
    for _ in range(times):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(daemon.socket))
            line.sendall(hello + call + call[:20])
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def attach_and_be_killed(daemon: Daemon, times: int) -> None:
    for _ in range(times // EACH):
        process = subprocess.Popen(
            [sys.executable, "-c", MANY, daemon.socket, str(EACH)],
            env={**daemon.environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert process.stdout.readline() == b"attached\n"
            process.send_signal(signal.SIGKILL)
            process.wait()
        finally:
            end_process(process)
            process.stdin.close()
            process.stdout.close()


@pytest.mark.parametrize("how", [attach_and_leave, attach_and_cut, attach_and_be_killed])
def test_nothing_is_left_of_frontends(daemon, how):
    pid = daemon.pid
    grown, opened = [], []
    # What leaks, leaks every time; what is made once, or lies in the allocator's stock, does not.
    for _ in range(ROUNDS):
        before, held = descriptors(pid), anonymous(pid)
        how(daemon, TIMES)
        assert wait_until(lambda: sessions(daemon) == 1, 30)
        assert wait_until(lambda before=before: descriptors(pid) <= before + READERS, 30)
        grown.append(anonymous(pid) - held)
        opened.append(descriptors(pid) - before)
        if grown[-1] <= GROWTH and opened[-1] <= 0:
            break
    else:
        raise AssertionError(f"{TIMES} frontends left {grown} MB and {opened} descriptors")
    assert "rror" not in daemon.log.read_text()


def test_a_hundred_frontends_are_told_the_same(daemon, server, people):
    alice, bob = people("alice", "bob")
    for name in (alice, bob):
        daemon.profile(name, server)
    attached = [blocking.Client(str(daemon.socket)) for _ in range(100)]
    try:
        for one in attached:
            one.call("state.attach", profiles=[bob], types=["message.added"])
        for number in range(20):
            attached[number].call(
                "message.send", profile=alice, to=server.jid(bob), body=f"{number}"
            )
        told = []
        for one in attached:
            events = one.events(30)
            told.append([next(events) for _ in range(20)])
        assert [event["data"]["body"] for event in told[0]] == [f"{n}" for n in range(20)]
        as_text = {json.dumps(events[1:]) for events in told}
        assert len(as_text) == 1, "all the same, but for the first one's place"
    finally:
        for one in attached:
            one.close()
