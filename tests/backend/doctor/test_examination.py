"""The doctor against a server that the test plays, with a clock and a DNS of the test's."""

import datetime as dt
import os
from random import SystemRandom

import pytest
from twisted.internet.defer import Deferred

from sat.backend.doctor import clock
from sat.backend.doctor.finding import Severity
from sat.backend.doctor.home import newest
from sat.backend.doctor.server import Examination
from sat.bridge.paths import Home
from sat.xmpp.account import Account
from sat.xmpp.resolve import LookupFailed
from sat.xmpp.stanza import parse_jid
from tests.hostile.server import HostileServer
from tests.xmpp.names import Hosts, Table, service

YEAR = dt.timedelta(days=365)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def begin(reactor, server, *, now=_now, resolver=None, port=True, **settings):
    """Begin an examination; return it, and what it will return."""
    account = Account(
        parse_jid(f"{server.user}@{server.domain}"),
        server.password,
        ca=server.ca,
        **({"host": "127.0.0.1", "port": server.port} if port else {}),
        **settings,
    )
    examination = Examination(
        "alice", account, reactor, resolver or Table(), SystemRandom(), now, step=10
    )
    return Deferred.fromCoroutine(examination.run())


async def knocked(server) -> None:
    """See the doctor knock: it goes as far as TLS, and leaves."""
    peer = await server.accept()
    await peer.log_in(before="mechanisms")
    peer.send("<stream:features/>")
    await peer.gone()


async def interviewed(server, time: str | None) -> None:
    """Log the doctor in, and tell it the time."""
    peer = await server.accept()
    await peer.log_in()
    peer.serve()
    if time is not None:
        told = f"<time xmlns='urn:xmpp:time'><tzo>Z</tzo><utc>{time}</utc></time>"
        peer.on(
            "<iq type='get'><time xmlns='urn:xmpp:time'/></iq>",
            lambda iq: f"<iq type='result' id='{iq.get('id')}' from='server.test'>{told}</iq>",
        )
    await peer.gone()
    await peer.forbid("<presence/>")


def only(findings, check):
    (found,) = [one for one in findings if one.check == check]
    return found


@pytest.mark.parametrize(
    ("shift", "severity", "words"),
    [
        (YEAR, Severity.ERROR, "behind of that of server.test by 1 year"),
        (-YEAR, Severity.ERROR, "ahead of that of server.test by 1 year"),
        (dt.timedelta(minutes=10), Severity.WARNING, "by 10 minutes"),
        (dt.timedelta(seconds=5), Severity.OK, "agrees"),
    ],
)
async def test_clock_is_compared_with_the_servers(reactor, tmp_path, shift, severity, words):
    async with HostileServer(reactor, tmp_path) as server:
        examined = begin(reactor, server)
        await knocked(server)
        await interviewed(server, f"{_now() + shift:%Y-%m-%dT%H:%M:%SZ}")
        found = only(await examined, "clock")
    assert found.severity is severity
    assert words in found.cause
    assert bool(found.remedy) == (severity is not Severity.OK)


@pytest.mark.parametrize("time", [None, "yesterday", "0000-00-00T00:00:00Z"])
async def test_server_that_tells_no_time_tells_nothing(reactor, tmp_path, time):
    async with HostileServer(reactor, tmp_path) as server:
        examined = begin(reactor, server)
        await knocked(server)
        await interviewed(server, time)
        checks = [one.check for one in await examined]
    assert "clock" not in checks
    assert "login" in checks


@pytest.mark.parametrize(
    ("kind", "now", "words"),
    [
        ("early", _now, "behind by at least 1 day"),
        ("expired", lambda: _now() + YEAR, "ahead by 1 year"),
    ],
)
async def test_clock_is_told_by_a_certificate(reactor, tmp_path, kind, now, words):
    async with HostileServer(reactor, tmp_path, certificate=kind) as server:
        examined = begin(reactor, server, now=now)
        peer = await server.accept()
        await peer.log_in(before="tls")
        peer.start_tls()
        findings = await examined
        assert words in only(findings, "clock").cause
        assert only(findings, "certificate").severity is Severity.ERROR
        assert len(server.peers) == 1, "it must not log in there"


async def test_one_bad_server_of_two_is_a_warning(reactor, tmp_path):
    async with HostileServer(reactor, tmp_path) as server:
        with Hosts(reactor) as hosts:
            hosts.names["h1.test"] = ["127.0.0.1"]
            table = Table([service("h1.test", 1, 1), service("h1.test", server.port, 2)])
            examined = begin(reactor, server, resolver=table, port=False)
            await knocked(server)
            await interviewed(server, None)
            findings = await examined
    bad = [one for one in findings if one.check == "connect" and one.severity != Severity.OK]
    assert [one.severity for one in bad] == [Severity.WARNING]
    assert "port 1" in bad[0].cause


async def test_no_dns_at_all(reactor, tmp_path):
    async with HostileServer(reactor, tmp_path) as server:
        silent = LookupFailed("doesn't answer")
        table = Table(silent, silent)
        with Hosts(reactor) as hosts:
            findings = await begin(reactor, server, resolver=table, port=False)
            assert hosts.asked == ["server.test"]
    errors = [one for one in findings if one.severity is Severity.ERROR]
    assert "DNS doesn't answer" in errors[0].cause
    assert "resolv.conf" in errors[0].remedy


async def test_silent_server_is_named_in_time(reactor, tmp_path):
    async with HostileServer(reactor, tmp_path) as server:
        account = Account(
            parse_jid("alice@server.test"), "x", host="127.0.0.1", port=server.port, ca=server.ca
        )
        examination = Examination(
            "alice", account, reactor, Table(), SystemRandom(), _now, step=0.2
        )
        (found,) = [one for one in await examination.run() if one.severity is Severity.ERROR]
    assert found.check == "connect"
    assert found.remedy


def test_clock_is_told_by_the_homes_own_files(tmp_path):
    home = Home({"SAT_HOME": str(tmp_path)})
    assert newest(home) is None
    database = tmp_path / "sat.db"
    database.touch()
    written = newest(home)
    assert written is not None
    assert clock.by_files(written, _now()) is None
    later = (_now() + YEAR).timestamp()
    os.utime(database, (later, later))
    found = clock.by_files(newest(home), _now())
    assert found is not None and "behind by at least 1 year" in found.cause


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (dt.timedelta(seconds=59), "1 minute"),
        (dt.timedelta(seconds=30), "30 seconds"),
        (dt.timedelta(hours=5), "5 hours"),
        (dt.timedelta(days=40), "40 days"),
        (YEAR, "1 year"),
        (20 * YEAR, "20 years"),
    ],
)
def test_spans_are_written_for_people(time, words):
    assert clock.span(time) == words
