"""Logging in by SASL2 with tokens, making accounts, and changing passwords, on a real Prosody."""

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.testbed import Daemon, Prosody
from tests.testbed.processes import wait_until


@pytest.fixture(scope="module")
def modern() -> Iterator[Prosody]:
    """A server that knows SASL2, Bind 2 and tokens, and makes accounts."""
    with Prosody(
        {"alice": "correct horse"},
        sasl2=True,
        modules=("register",),
        password_hash="SHA-256",
        debug=True,
    ) as running:
        yield running


def secrets(daemon: Daemon) -> dict[str, str]:
    """Return what the daemon keeps in its file of secrets."""
    (file,) = daemon.home.rglob("secrets*.json")
    kept: dict[str, str] = json.loads(file.read_text())
    return kept


def mechanisms(server: Prosody) -> list[str]:
    """Return the mechanisms of the logins so far, in order."""
    lines = server.log.read_text(errors="replace").splitlines()
    marks = [line.partition("mechanism='")[2] for line in lines if "<authenticate" in line]
    return [mark.partition("'")[0] for mark in marks]


def test_a_token_is_got_used_and_replaced_by_the_password(modern: Prosody, daemon: Daemon) -> None:
    daemon.profile("alice", modern)
    (profile,) = daemon.json("profile", "list")
    assert "/sat" in profile["connection"]["jid"]
    assert wait_until(lambda: "alice/token" in secrets(daemon), 10)
    first = secrets(daemon)["alice/token"]
    assert first.startswith("HT-SHA-256-EXPR ")
    assert mechanisms(modern) == ["SCRAM-SHA-256"]
    assert daemon.jp("-p", "alice", "roster", "list").returncode == 0

    daemon.stop()
    daemon.start()
    daemon.jp("profile", "connect", "alice")
    assert secrets(daemon)["alice/token"] == first
    assert mechanisms(modern)[-1] == "HT-SHA-256-EXPR"

    # The server forgets its tokens: the password is used, and there is a new token.
    daemon.jp("profile", "disconnect", "alice")
    for folder in (modern.folder / "data").rglob("fast_tokens"):
        shutil.rmtree(folder)
    daemon.jp("--timeout", "30", "profile", "connect", "alice", check=False)
    assert wait_until(
        lambda: daemon.json("profile", "get", "alice")[0]["connection"]["phase"] == "online", 20
    )
    assert wait_until(lambda: secrets(daemon).get("alice/token", first) != first, 10)


def test_an_account_is_made_and_its_password_changed(modern: Prosody, daemon: Daemon) -> None:
    jid = modern.jid("newcomer")
    register = (
        *("profile", "register", "new", "--jid", jid, "--server", modern.address),
        *("--ca", str(modern.ca), "--password-stdin"),
    )
    daemon.jp(*register, input="first secret\n")
    daemon.jp("profile", "connect", "new")
    daemon.jp("profile", "password", "new", "--password-stdin", input="second secret\n")
    assert secrets(daemon)["new"] == "second secret"
    daemon.jp("profile", "disconnect", "new")
    daemon.jp("profile", "connect", "new")

    again = daemon.jp("profile", "register", "other", *register[3:], input="x\n", check=False)
    assert again.returncode == 7
    assert "already" in again.stderr
