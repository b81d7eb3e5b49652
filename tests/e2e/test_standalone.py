"""The daemon inside the process of a frontend: all is done as with a daemon of its own."""

import contextlib
import signal
import subprocess
import sys

import pytest

from tests.testbed import Daemon
from tests.testbed.daemon import ROOT
from tests.testbed.processes import end_process, wait_until

pytestmark = pytest.mark.any_server

PROGRAM = """
import asyncio
from sat.bridge.events import MessageAdded
from sat.bridge.model import Message
from sat.standalone import Standalone

async def talk(daemon):
    async with await daemon.open("program 1.0") as session:
        await session.attach(types=["message.added"])
        await session.call(
            "message.send", Message, profile={profile!r}, to={to!r}, body="from a program"
        )
        async for received in session.events():
            if isinstance(received.event, MessageAdded) and received.event.data.direction == "in":
                print(received.event.data.body)
                return

with Standalone() as daemon, daemon.connect("program 1.0") as client:
    client.call("profile.connect", name={profile!r})
    asyncio.run(talk(daemon))
with Standalone() as daemon, daemon.connect() as client:
    print([one["body"] for one in client.call("message.list", profile={profile!r}, peer={to!r})])
print("no daemon:", end=" ", flush=True)
try:
    daemon.connect()
except Exception as error:
    print(error)
"""


@pytest.fixture
def home():
    """A home whose daemon is inside the programs that are run."""
    place = Daemon()
    yield place
    place.remove()


def standalone(home: Daemon, *arguments: str, **how) -> str:
    return home.sat("standalone", "jp", *arguments, **how).stdout


def follow(home: Daemon, *arguments: str):
    return started(home, home.command("sat", "standalone", "jp", "event", "follow", *arguments))


@contextlib.contextmanager
def started(home: Daemon, command: list[str]):
    process = subprocess.Popen(
        command,
        env={**home.environment, "PYTHONPATH": str(ROOT)},
        cwd=home.home,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert wait_until(home.socket.exists, 30)
        yield process
    finally:
        end_process(process)
        process.stdout.close()


def test_a_message_is_sent_and_received(server, daemon, people, home):
    alice, bob = people("alice", "bob")
    daemon.profile(bob, server)
    standalone(
        home,
        *("profile", "create", alice, "--jid", server.jid(alice), "--password-stdin"),
        *("--server", server.address, "--ca", server.ca),
        input=server.passwords[alice],
    )
    with daemon.follow("-p", bob) as seen:
        standalone(home, "message", "send", server.jid(bob), "Salut", "--wait", "acknowledged")
        seen.wait_for("message.added", lambda message: message["body"] == "Salut", 30)
    daemon.jp("message", "send", server.jid(alice), "toi aussi", "--wait", "acknowledged")
    with follow(home, "--type", "message.added", "--limit", "1") as following:
        assert "toi aussi" in following.communicate(timeout=30)[0]
    assert following.returncode == 0 and home.pid is None
    texts = [
        message["body"] for message in home.json("message", "list", server.jid(bob))
    ]  # by a daemon of its own, of the same home
    assert texts == ["Salut", "toi aussi"]


def test_others_may_attach_as_long_as_it_runs(home):
    with follow(home) as following:
        assert wait_until(lambda: home.jp("profile", "list", check=False).returncode == 0, 30)
        assert home.pid == following.pid
        refused = home.sat("standalone", "jp", "profile", "list", check=False)
        assert refused.returncode == 1 and f"(pid {following.pid}) runs in" in refused.stderr
        home.sat("stop")
        assert following.wait(30) == 3, "its daemon has ended"
    assert home.pid is None


def test_a_signal_ends_both_in_order(home):
    with follow(home) as following:
        following.send_signal(signal.SIGTERM)
        assert following.wait(30) == 128 + signal.SIGTERM
    assert home.log.read_text().rstrip().endswith("ended") and home.pid is None


def test_a_home_that_cannot_be_used_is_told_of(home):
    standalone(home, "profile", "list")
    (home.home / "sat.db").write_bytes(b"no database" * 1000)
    refused = home.sat("standalone", "jp", "profile", "list", check=False)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert "sat restore" in refused.stderr
    assert home.pid is None


@pytest.mark.parametrize("words", [[], ["finch"]])
def test_a_frontend_is_wanted(home, words):
    refused = home.sat("standalone", *words, check=False)
    assert refused.returncode == 2 and "takes a frontend: jp" in refused.stderr


def test_a_program_has_it_by_import(server, daemon, people, home):
    alice, bob = people("alice", "bob")
    daemon.profile(bob, server)
    standalone(
        home,
        *("profile", "create", alice, "--jid", server.jid(alice), "--password-stdin"),
        *("--server", server.address, "--ca", server.ca),
        input=server.passwords[alice],
    )
    program = PROGRAM.format(profile=alice, to=server.jid(bob))
    with (
        daemon.follow("-p", bob) as seen,
        started(home, [sys.executable, "-c", program]) as running,
    ):
        seen.wait_for("message.added", lambda said: said["body"] == "from a program", 30)
        daemon.jp("message", "send", server.jid(alice), "to a program")
        output = running.communicate(timeout=30)[0]
    first, second, third = output.splitlines()
    assert first == "to a program"
    assert second == "['from a program', 'to a program']"
    assert third == "no daemon: The daemon of this program has ended."
