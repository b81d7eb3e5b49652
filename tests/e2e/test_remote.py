"""jp on one machine, the daemon on another: over ssh and over TLS, on two homes of this one.

`make storm` sends a file of 100 MB; `SAT_FILE_SIZE` sets its size, in bytes.
"""

import asyncio
import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sat.bridge.errors import CommandError
from sat.bridge.model import Option
from sat.bridge.remote import RemoteClient, find
from sat.bridge.remote_client import connect
from tests.bench.measure import pss
from tests.testbed import Daemon, Prosody
from tests.testbed.daemon import ROOT
from tests.testbed.elsewhere import pair_up, through_ssh
from tests.testbed.processes import end_process, free_ports, wait_until

pytestmark = pytest.mark.any_server

FILE_SIZE = int(os.environ.get("SAT_FILE_SIZE", "10000000"))
#: How much more a daemon may take while it sends a file of any size, in MB.
MEMORY = 8


@pytest.fixture(params=["ssh", "tls"])
def remote(request, daemon, elsewhere):
    """A home from which the daemon of another one is reached."""
    if request.param == "ssh":
        through_ssh(elsewhere, request.getfixturevalue("ssh"))
    else:
        pair_up(daemon, elsewhere, "--level", "admin")
    return elsewhere


def test_what_is_done_from_afar_is_seen_here(server, daemon, pair, remote):
    alice, bob = pair
    with daemon.follow("-p", alice) as here, remote.follow("-p", alice) as there:
        here.wait_for("presence.changed")
        there.wait_for("presence.changed")
        peer = server.jid(bob)
        id_ = remote.jp("-p", alice, "message", "send", peer, "from afar").stdout.strip()
        seen = [one.wait_for("message.added", lambda m: m["id"] == id_) for one in (here, there)]
        assert seen[0] == seen[1]
    (told,) = remote.json("-p", bob, "message", "list", server.jid(alice))
    assert told["body"] == "from afar"
    assert remote.jp("ping", peer, "-p", alice).stdout


def test_a_program_on_asyncio_is_attached_from_afar(daemon, remote, monkeypatch):
    for name in ("SAT_HOME", "SAT_SSH"):
        if name in remote.environment:
            monkeypatch.setenv(name, remote.environment[name])
    place = find(remote.environment["SAT_REMOTE"])

    async def story() -> None:
        async with await connect(place, name="program 1.0") as one:
            attached = await one.attach(profiles=[])
            assert "heartbeat" in one.hello.features and attached.mode == "snapshot"
            await one.call("option.set", Option, name="csi.delay", value=12.0)
            async for received in one.events():
                assert received.event.data.name == "csi.delay"
                break
            with pytest.raises(CommandError, match="there is no method"):
                await one.call("no.such", object)
        assert daemon.json("option", "get", "csi.delay")[0]["value"] == 12.0

    asyncio.run(story())


def test_a_frontend_that_stays_is_attached_from_afar(daemon, remote):
    done = subprocess.run(
        [sys.executable, "-m", "tests.frontends.core.story"],
        env=remote.environment, capture_output=True, text=True, timeout=90, cwd=ROOT,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("offline.profile\n20 ['me']\n", "")
    assert daemon.json("conversation", "list", "-p", "me")[0]["draft"] == "begun"


def test_what_refuses_a_program_on_asyncio(daemon, elsewhere, ssh, monkeypatch):
    async def refused(**remote: str) -> CommandError:
        with pytest.raises(CommandError) as caught:
            await connect(remote)
        return caught.value

    async def story() -> None:
        pin = "0" * 64
        (port,) = free_ports(1)
        error = await refused(url=f"sat://127.0.0.1:{port}/?pin={pin}")
        assert (error.name, "refused" in error.sentence) == ("offline.remote", True)
        pair_up(daemon, elsewhere)
        (listed,) = json.loads((elsewhere.home / "remotes.json").read_text()).values()
        other = listed["url"].partition("pin=")[0] + "pin=" + pin
        assert (await refused(url=other)).name == "denied.pin"
        error = await refused(**{**listed, "token": "guessed"})
        assert error.name == "denied.token"
        monkeypatch.setenv("SAT_SSH", ssh.client)
        error = await refused(url=f"ssh://127.0.0.1:{port}")
        assert (error.name, "127.0.0.1" in error.sentence) == ("offline.remote", True)
        monkeypatch.setenv("SAT_SSH", "/nonexistent")
        assert (await refused(url="ssh://127.0.0.1")).name == "failed.ssh"
        assert (await refused(url="http://127.0.0.1")).name == "usage.remote"

    asyncio.run(story())


def test_the_system_notices_a_machine_that_is_gone(daemon, elsewhere):
    """Both ends ask the system to look: their line has a timer though nothing is on its way."""
    pair_up(daemon, elsewhere)
    (listed,) = json.loads((elsewhere.home / "remotes.json").read_text()).values()
    with RemoteClient(listed) as one:
        one.call("profile.list")
        port = urlsplit(listed["url"]).port

        def timers() -> list[str]:
            lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
            ends = [line.split() for line in lines if f":{port:04X} " in line]
            # Fields 3 and 5: the state (1: established), the timer (2: keep-alive).
            return [end[5].partition(":")[0] for end in ends if end[3] == "01"]

        assert wait_until(lambda: timers() == ["02", "02"], 30), timers()


def memory_of(pid: int, process: subprocess.Popen[bytes]) -> float:
    """Return the most memory that a daemon takes until a process has ended, in MB."""
    most = 0.0
    while process.poll() is None:
        most = max(most, pss(pid))
        time.sleep(0.1)
    return most


def test_a_file_of_another_machine_is_sent_and_fetched_again(daemon, remote):
    """It is in no folder at all, so that nobody who is not passed it can open it.

    Nor does the daemon hold it in memory, however large it is.
    """
    piece = os.urandom(1_000_000)
    with (
        Prosody({"alice": "a", "bob": "b"}, upload_limit=2 * FILE_SIZE) as server,
        tempfile.TemporaryFile() as file,
        tempfile.TemporaryFile() as output,
    ):
        daemon.profile("alice", server)
        digest = hashlib.sha256()
        for start in range(0, FILE_SIZE, len(piece)):
            part = start.to_bytes(8, "big") + piece[8 : FILE_SIZE - start]
            digest.update(part)
            file.write(part)
        file.flush()
        path = f"/proc/self/fd/{file.fileno()}"
        before, began = pss(daemon.pid), time.monotonic()
        sending = subprocess.Popen(
            remote.command("jp", "--json", "file", "send", path, server.jid("bob")),
            stdin=subprocess.DEVNULL,
            stdout=output,
            env=remote.environment,
            cwd=remote.home,
            pass_fds=[file.fileno()],
        )
        try:
            most = memory_of(daemon.pid, sending)
        finally:
            end_process(sending)
        print(
            f"{FILE_SIZE / 1e6:.0f} MB in {time.monotonic() - began:.1f} s; "
            f"the daemon: {before:.0f} MB before, at most {most:.0f} MB meanwhile"
        )
        output.seek(0)
        told = [json.loads(line) for line in output]
        assert (sending.returncode, told[-1]["state"]) == (0, "done"), told[-1]
        assert (told[-1]["name"], told[-1]["size"]) == (path.rpartition("/")[2], FILE_SIZE)
        (stored,) = [
            path
            for path in server.folder.rglob("*")
            if path.is_file() and path.stat().st_size == FILE_SIZE
        ]
        with stored.open("rb") as there:
            assert hashlib.file_digest(there, "sha256").digest() == digest.digest()
        assert most - before < MEMORY
        (message,) = daemon.json("message", "list", server.jid("bob"))
        remote.jp("file", "fetch", message["id"], "--to", "fetched")
        with (remote.home / "fetched").open("rb") as here:
            assert hashlib.file_digest(here, "sha256").digest() == digest.digest()


def test_the_token_is_the_owners_alone_and_is_not_shown(daemon, elsewhere):
    pair_up(daemon, elsewhere)
    kept = elsewhere.home / "remotes.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    (listed,) = elsewhere.json("remote", "list")
    assert listed["name"] == "home" and "token" not in listed
    assert elsewhere.jp("profile", "list").returncode == 0
    elsewhere.jp("remote", "remove", "home")
    gone = elsewhere.jp("profile", "list", check=False)
    assert gone.returncode == 6 and "jp remote add" in gone.stderr


def test_who_is_revoked_is_out_at_once(daemon, elsewhere):
    pair_up(daemon, elsewhere)
    follower = elsewhere.follow()
    listed = daemon.sat("pair", "list").stdout
    assert "jp on " in listed and "send" in listed
    daemon.sat("pair", "revoke", listed.split()[0])
    assert wait_until(lambda: follower._process.poll() is not None, 30)
    refused = elsewhere.jp("profile", "list", check=False)
    assert refused.returncode == 7 and "sat pair" in refused.stderr
    assert daemon.sat("pair", "list").stdout == ""


def refused(elsewhere: Daemon, code: int, *words: str, **environment: str) -> None:
    """See a command end with a code, and a sentence that has these words."""
    elsewhere.environment |= environment
    done = elsewhere.jp("profile", "list", check=False)
    assert done.returncode == code, done
    assert done.stderr.splitlines()[-1].startswith("jp: ")
    for word in words:
        assert word in done.stderr


def test_what_can_not_be_reached_is_told(daemon, elsewhere):
    refused(elsewhere, 6, "remote", SAT_REMOTE="nobody")
    refused(elsewhere, 2, "address", SAT_REMOTE="http://example.org")
    pin = "0" * 64
    (port,) = free_ports(1)
    refused(elsewhere, 4, "refused", SAT_REMOTE=f"sat://127.0.0.1:{port}/?pin={pin}")


def test_whoever_answers_in_the_daemons_place_is_told_nothing(daemon, elsewhere):
    pair_up(daemon, elsewhere)
    (listed,) = elsewhere.json("remote", "list")
    other = listed["url"].partition("pin=")[0] + "pin=" + "0" * 64
    refused(elsewhere, 7, "another answers", SAT_REMOTE=other)
    elsewhere.environment["SAT_REMOTE"] = listed["url"]
    assert elsewhere.jp("profile", "list").returncode == 0


def test_what_can_not_be_reached_by_ssh_is_told(elsewhere, ssh):
    refused(elsewhere, 2, "address", SAT_REMOTE="ssh://-oProxyCommand=x")
    pin = "0" * 64
    refused(elsewhere, 4, "can't be reached", SAT_REMOTE=f"sat://127.0.0.1:{ssh.port}/?pin={pin}")
    (port,) = free_ports(1)
    refused(
        elsewhere,
        4,
        "ssh to 127.0.0.1 ended with 255",
        SAT_REMOTE=f"ssh://127.0.0.1:{port}",
        SAT_SSH=ssh.client,
    )
    refused(elsewhere, 1, "can't be run", SAT_SSH="/nonexistent")


def test_a_broken_pipe_and_an_end_of_input(daemon):
    """`sat bridge-stdio` by hand: as any program may speak the bridge through ssh."""
    hello = '{"jsonrpc":"2.0","id":1,"method":"session.hello","params":{"api":"1"}}\n'
    call = '{"jsonrpc":"2.0","id":2,"method":"profile.list"}\n'
    answered = daemon.sat("bridge-stdio", input=hello + call).stdout.splitlines()
    assert len(answered) == 2
    assert '"result":[]' in answered[1]
    daemon.stop()
    # It starts one as everything does.
    assert '"level":"admin"' in daemon.sat("bridge-stdio", input=hello).stdout
