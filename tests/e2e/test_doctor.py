"""`sat doctor` names the cause and the remedy, whatever is wrong."""

import datetime as dt
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.testbed import Daemon, Prosody
from tests.testbed.certificates import DAY, Authority
from tests.testbed.processes import free_ports

YEAR = 365 * DAY


def examine(daemon: Daemon, *arguments: str) -> SimpleNamespace:
    """Run it; `errors` and `warnings` hold findings by their check."""
    done = daemon.sat("doctor", "--json", *arguments, check=False, timeout=120)
    assert done.stderr == "", done
    found = [json.loads(line) for line in done.stdout.splitlines()]
    by_severity = {
        severity: {one["check"]: one for one in found if one["severity"] == severity}
        for severity in ("ok", "warning", "error")
    }
    assert done.returncode == (1 if by_severity["error"] else 0), done
    for one in found:
        assert one["cause"] and bool(one["remedy"]) == (one["severity"] != "ok"), one
    return SimpleNamespace(
        ok=by_severity["ok"],
        warnings=by_severity["warning"],
        errors=by_severity["error"],
        text=done.stdout,
    )


def profile(daemon: Daemon, jid: str, server: str, password: str, *more: str | Path) -> None:
    """Make a profile that nobody connects."""
    daemon.jp(
        *("profile", "create", "alice", "--jid", jid, "--server", server, "--password-stdin"),
        *more,
        input=password,
    )


def test_a_good_account(server, daemon, people):
    (alice,) = people("alice")
    daemon.profile(alice, server, connect=False)
    daemon.jp("profile", "set", alice, "resource=desk")
    daemon.jp("profile", "connect", alice)
    found = examine(daemon, alice)
    assert found.errors == {}
    assert {"home.folders", "home.database", "daemon", "clock", "connect", "login"} <= set(found.ok)
    assert not any(name.startswith(("feature.management", "state")) for name in found.warnings)
    assert server.passwords[alice] not in found.text
    # The daemon's own session is as it was.
    assert daemon.json("profile", "get", alice)[0]["connection"]["phase"] == "online"
    assert daemon.sat("doctor").stdout.count("→") == len(found.warnings)


@pytest.mark.any_server
def test_without_a_daemon(server, daemon, people):
    (alice,) = people("alice")
    daemon.profile(alice, server)
    daemon.stop()
    found = examine(daemon)
    assert found.errors == {}
    assert "sat start" in found.warnings["daemon"]["remedy"]
    assert "login" in found.ok
    assert daemon.pid is None


@pytest.mark.any_server
def test_an_empty_home(daemon):
    daemon.stop()
    shutil.rmtree(daemon.home)
    daemon.home.mkdir()
    found = examine(daemon)
    assert set(found.warnings) == {"daemon", "profiles"}
    done = daemon.sat("doctor", "nobody", check=False)
    assert done.returncode == 6 and "no profile nobody" in done.stderr, done


@pytest.mark.any_server
def test_an_unknown_host(daemon):
    profile(daemon, "alice@no-such-host.invalid", "no-such-host.invalid", "x")
    found = examine(daemon)
    assert set(found.errors) == {"dns"}
    assert "no-such-host.invalid isn't known" in found.errors["dns"]["cause"]
    assert "address" in found.errors["dns"]["remedy"]


def test_a_wrong_port(server, daemon, people):
    (alice,) = people("alice")
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    profile(daemon, server.jid(alice), address, server.passwords[alice], "--ca", server.ca)
    found = examine(daemon)
    assert set(found.errors) == {"connect"}
    assert f"refuses connections at port {port}" in found.errors["connect"]["cause"]
    assert "server=HOST:PORT" in found.errors["connect"]["remedy"]


def test_an_unknown_authority(server, daemon, people):
    (alice,) = people("alice")
    profile(daemon, server.jid(alice), server.address, server.passwords[alice])
    found = examine(daemon)
    assert set(found.errors) == {"certificate"}
    assert "no authority that is trusted" in found.errors["certificate"]["cause"]
    assert "--ca FILE" in found.errors["certificate"]["remedy"]
    assert "login" not in found.ok


class Misnamed(Authority):
    """Issues certificates for another host than it is asked for."""

    def issue(self, host: str, **given) -> tuple[Path, Path]:
        return super().issue(host, **{**given, "names": ("other.test",)})


@pytest.mark.any_server
def test_a_certificate_for_another_name(daemon, tmp_path):
    with Prosody({"alice": "secret"}, authority=Misnamed(tmp_path)) as server:
        profile(daemon, server.jid("alice"), server.address, "secret", "--ca", server.ca)
        found = examine(daemon)
    assert set(found.errors) == {"certificate"}
    assert "is for other.test, not for localhost" in found.errors["certificate"]["cause"]
    assert "login" not in found.ok


def test_a_wrong_password(server, daemon, people):
    (alice,) = people("alice")
    profile(daemon, server.jid(alice), server.address, "a wrong one", "--ca", server.ca)
    found = examine(daemon)
    assert set(found.errors) == {"login"}
    assert "doesn't accept the password" in found.errors["login"]["cause"]
    assert "profile set alice --password-stdin" in found.errors["login"]["remedy"]
    assert "a wrong one" not in found.text


class Off(Authority):
    """Issues certificates of another year, as they look to a clock that is off by one."""

    shift = YEAR

    def issue(self, host: str, **given) -> tuple[Path, Path]:
        now = dt.datetime.now(dt.UTC) + self.shift
        return super().issue(host, **given, not_before=now - DAY, not_after=now + DAY)


class Past(Off):
    shift = -YEAR


@pytest.mark.any_server
@pytest.mark.parametrize(
    ("kind", "severity", "cause"),
    [(Off, "errors", "clock is behind by at least 1 year"), (Past, "warnings", "ahead by 1 year")],
)
def test_a_clock_that_is_off_by_a_year(daemon, tmp_path, kind, severity, cause):
    with Prosody({"alice": "secret"}, authority=kind(tmp_path)) as server:
        profile(daemon, server.jid("alice"), server.address, "secret", "--ca", server.ca)
        found = examine(daemon)
    assert cause in getattr(found, severity)["clock"]["cause"]
    assert "timedatectl set-ntp true" in getattr(found, severity)["clock"]["remedy"]
    assert "certificate" in found.errors
    assert "login" not in found.ok


@pytest.mark.any_server
def test_features_that_are_missing(daemon):
    with Prosody({"alice": "secret"}, without=("smacks", "mam", "carbons")) as server:
        profile(daemon, server.jid("alice"), server.address, "secret", "--ca", server.ca)
        found = examine(daemon)
    missing = {name for name in found.warnings if name.startswith("feature.")}
    assert missing == {"feature.management", "feature.archive", "feature.carbons"}
    assert "may be lost" in found.warnings["feature.management"]["cause"]


@pytest.mark.any_server
def test_a_damaged_database(daemon):
    daemon.stop()
    (daemon.home / "sat.db").write_bytes(b"no database" * 1000)
    found = examine(daemon)
    assert set(found.errors) == {"home.database"}
    assert "sat restore FILE" in found.errors["home.database"]["remedy"]


@pytest.mark.any_server
def test_a_daemon_that_does_not_answer(daemon):
    daemon.socket.unlink()
    found = examine(daemon)
    assert set(found.errors) == {"daemon"}
    assert str(daemon.pid) in found.errors["daemon"]["cause"]
