"""What becomes of an account while it is in use: a clear state, and never a loop."""

from random import Random

import pytest

from tests.e2e.refusals import refused
from tests.testbed import Daemon
from tests.testbed.processes import wait_until
from tests.testbed.proxy import Proxy


@pytest.fixture
def proxy(server):
    with Proxy(server.ports["c2s"], Random(1)) as running:
        yield running


@pytest.fixture
def alice(server, daemon, people, proxy):
    (name,) = people("alice")
    daemon.profile(name, server, at=proxy.address)
    return name


def connection(daemon: Daemon, name: str) -> dict:
    return daemon.json("profile", "get", name)[0]["connection"]


def has_stopped(daemon: Daemon, name: str, proxy: Proxy, reason: str | None, *words: str) -> None:
    """Check that the profile gave up with a sentence, and doesn't try again."""
    assert wait_until(lambda: connection(daemon, name)["phase"] == "failed", 30), connection(
        daemon, name
    )
    shown = connection(daemon, name)
    assert shown.get("retry_at") is None, shown
    assert reason in (None, shown["reason"]), shown
    assert [word for word in words if word not in shown["sentence"]] == [], shown
    tries = proxy.accepted
    assert not wait_until(lambda: proxy.accepted > tries or proxy.open > 0, 2)


def test_a_wrong_password_is_tried_once(server, daemon, people, proxy):
    (name,) = people("alice")
    server.passwords[name] = "no-such-one"
    daemon.profile(name, server, at=proxy.address, connect=False)
    done = daemon.jp("profile", "connect", name, check=False)
    refused(done, 7, "password", server.jid(name), "Check address and password")
    has_stopped(daemon, name, proxy, "denied.password")
    assert "no-such-one" not in done.stderr + daemon.log.read_text()


def test_a_password_that_is_changed_meanwhile(server, daemon, alice, proxy):
    server.set_password(alice, "another one")
    proxy.cut()
    has_stopped(daemon, alice, proxy, "denied.password", "password", server.jid(alice))


def test_an_account_that_is_deleted_meanwhile(server, daemon, alice, proxy):
    server.remove_user(alice)
    # ejabberd ends the stream with <conflict/> and “User removed”.
    said = {"Prosody": "password", "ejabberd": "User removed"}[server.name]
    has_stopped(daemon, alice, proxy, None, said)


def test_two_daemons_with_one_resource(server, daemon, alice, proxy):
    daemon.jp("profile", "set", alice, "resource=home")
    daemon.jp("profile", "disconnect", alice)
    daemon.jp("profile", "connect", alice)
    assert connection(daemon, alice)["jid"].endswith("/home")
    with Daemon() as other:
        other.profile(alice, server, connect=False)
        other.jp("profile", "set", alice, "resource=home")
        other.jp("profile", "connect", alice)
        has_stopped(daemon, alice, proxy, "stream.conflict", "Another program", "resource")
        assert connection(other, alice)["phase"] == "online"
