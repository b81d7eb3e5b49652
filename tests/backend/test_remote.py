"""Frontends of other machines: let in by a code once, then by a token; nobody else."""

import hashlib
import json
import socket
import ssl as standard
from urllib.parse import parse_qs, urlsplit

import pytest
from twisted.internet.endpoints import SSL4ClientEndpoint, connectProtocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.threads import deferToThread
from twisted.protocols.tls import TLSMemoryBIOProtocol

from sat.backend import pairings
from sat.backend.backup import restore
from sat.backend.pairings import CODE_TIME
from sat.bridge import tls
from tests.backend.frontend import Frontend
from tests.backend.support import house, pause, until
from tests.testbed.processes import free_ports

YEAR = 365 * 86400.0


class Elsewhere:
    """Another machine, which has got an invitation.

    :param url: the invitation
    """

    def __init__(self, home, url: str) -> None:
        self._home = home
        parts = urlsplit(url)
        self.address = parts.hostname, parts.port
        query = parse_qs(parts.query)
        self.pin, self.code = query["pin"][0], query["code"][0]
        self.opened: list[Frontend] = []

    async def connect(self) -> Frontend:
        """Open a connection, and see that it is the daemon's."""
        endpoint = SSL4ClientEndpoint(self._home.reactor, *self.address, CertificateOptions())
        frontend = await connectProtocol(endpoint, Frontend(self._home.reactor))
        self.opened.append(frontend)
        assert isinstance(frontend.transport, TLSMemoryBIOProtocol)
        return frontend

    async def pair(self, name: str = "phone") -> str:
        """Turn the code into a token."""
        frontend = await self.connect()
        token = (await frontend.call("session.pair", code=self.code, name=name))["token"]
        shown = frontend.transport.getPeerCertificate()
        digest = shown.digest("sha256").replace(b":", b"").decode().lower()
        assert digest == self.pin
        return token

    async def enter(self, token: str) -> Frontend:
        """Open a session with a token."""
        frontend = await self.connect()
        frontend.hello = await frontend.call("session.hello", api="1", token=token)
        return frontend

    async def close(self) -> None:
        for frontend in self.opened:
            await frontend.close()


async def invite(home, **how) -> Elsewhere:
    """Let the daemon listen, and invite another machine."""
    port = free_ports(1)[0]
    await home.call("option.set", name="remote.listen", value=f"127.0.0.1:{port}")
    await until(home.reactor, lambda: home.daemon._remote._port)
    return Elsewhere(home, (await home.call("pair.open", **how))["url"])


async def test_a_frontend_of_another_machine(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile()
        elsewhere = await invite(home, level="send")
        token = await elsewhere.pair()
        remote = await elsewhere.enter(token)
        assert (remote.hello["level"], remote.hello["profiles"]) == ("send", None)
        await remote.call("state.attach")
        sent = await remote.call(
            "message.send", to="bob@server.test", body="from afar", wait="sent"
        )
        for frontend in (remote, home.frontend):
            await frontend.expect("message.added", id=sent["id"])
        assert (await remote.refused("pair.list")).name == "denied.level"
        (pairing,) = await home.call("pair.list")
        assert (pairing["name"], pairing["level"], pairing["profiles"]) == ("phone", "send", None)
        assert pairing["used"] is not None
        await elsewhere.close()
        (stored,) = home.rows("SELECT digest FROM token")
        assert stored == (hashlib.sha256(token.encode()).digest(),)


async def test_a_token_for_one_profile_shows_no_other(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile("alice", connect=False)
        await home.profile("work", connect=False)
        elsewhere = await invite(home, level="files", profiles=["work"])
        remote = await elsewhere.enter(await elsewhere.pair())
        assert remote.hello["profiles"] == {"work": "files"}
        state = (await remote.call("state.attach"))["state"]
        assert [one["name"] for one in state["profiles"]] == ["work"]
        assert [one["name"] for one in await remote.call("profile.list")] == ["work"]
        status = await remote.call("daemon.status")
        assert [one["name"] for one in status["profiles"]] == ["work"]
        assert (await remote.refused("profile.get", name="alice")).name == "unknown.profile"
        assert (await remote.refused("roster.list", profile="alice")).name == "denied.profile"
        assert await remote.call("roster.list") == []
        assert (await remote.refused("profile.connect", name="work")).name == "denied.level"
        # The next profile of that name is another one.
        await home.call("profile.delete", name="work")
        await home.profile("work", connect=False)
        again = await elsewhere.enter(token=await again_token(home, elsewhere))
        assert await again.call("profile.list") != []
        (first, *_) = await home.call("pair.list")
        assert first["profiles"] == {}
        await elsewhere.close()


async def again_token(home, elsewhere) -> str:
    invitation = await home.call("pair.open", level="read", profiles=["work"])
    elsewhere.code = parse_qs(urlsplit(invitation["url"]).query)["code"][0]
    return await elsewhere.pair("again")


async def test_a_token_that_is_revoked_loses_its_session(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        elsewhere = await invite(home, level="admin")
        token = await elsewhere.pair()
        remote = await elsewhere.enter(token)
        await remote.call("state.attach")
        other = await elsewhere.enter(await again_admin(home, elsewhere))
        (pairing,) = [one for one in await home.call("pair.list") if one["name"] == "phone"]
        await home.call("pair.revoke", id=pairing["id"])
        await until(reactor, lambda: remote.lost)
        again = await elsewhere.connect()
        refusal = await again.refused("session.hello", api="1", token=token)
        assert refusal.name == "denied.token"
        await until(reactor, lambda: again.lost)
        assert await other.call("profile.list") == []  # the others stay
        refusal = await home.refused("pair.revoke", id=pairing["id"])
        assert refusal.name == "unknown.pairing"
        await elsewhere.close()


async def again_admin(home, elsewhere) -> str:
    url = (await home.call("pair.open", level="admin"))["url"]
    elsewhere.code = parse_qs(urlsplit(url).query)["code"][0]
    return await elsewhere.pair("other")


async def test_a_code_is_good_for_once_and_not_for_long(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        elsewhere = await invite(home)
        await elsewhere.pair()
        second = await elsewhere.connect()
        code = elsewhere.code
        assert (await second.refused("session.pair", code=code, name="x")).name == "denied.code"
        url = (await home.call("pair.open"))["url"]
        elsewhere.code = parse_qs(urlsplit(url).query)["code"][0]
        codes = home.daemon._pairings._codes
        for key, one in list(codes.items()):
            codes[key] = type(one)(one.grant, one.expires - CODE_TIME)
        third = await elsewhere.connect()
        code = elsewhere.code
        assert (await third.refused("session.pair", code=code, name="x")).name == "denied.code"
        await elsewhere.close()


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
async def test_a_clock_that_jumps_makes_no_code_good_or_bad(reactor, tmp_path, monkeypatch, jump):
    async with house(reactor, tmp_path) as home:
        elsewhere = await invite(home)
        home.clock_is_off = jump
        assert await elsewhere.pair()
        monkeypatch.setattr(pairings, "CODE_TIME", 0.2)
        home.clock_is_off = 0.0
        elsewhere = await invite(home)
        home.clock_is_off = jump
        await pause(reactor, 0.5)
        late = await elsewhere.connect()
        refusal = await late.refused("session.pair", code=elsewhere.code, name="x")
        assert refusal.name == "denied.code"
        for one in (elsewhere, late):
            await one.close()


async def test_nobody_guesses_for_long(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        elsewhere = await invite(home)
        for number in range(tls.MAX_FAILURES):
            guest = await elsewhere.connect()
            refusal = await guest.refused("session.hello", api="1", token=f"guess {number}")
            assert refusal.name == "denied.token"
        late = await elsewhere.connect()
        refusal = await late.refused("session.pair", code=elsewhere.code, name="x")
        assert refusal.name == "denied.often"
        await elsewhere.close()


async def test_many_tries_on_one_connection_are_one(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        elsewhere = await invite(home)
        guest = await elsewhere.connect()
        calls = [guest.call("session.hello", api="1", token=f"guess {n}") for n in range(50)]
        for call in calls:
            call.addErrback(lambda failure: failure.value.name)
        names = [await call for call in calls]
        assert set(names) <= {"denied.token", "daemon.gone"}
        assert home.daemon._remote._door.guard._failures["127.0.0.1"][1:] == []
        await elsewhere.close()


async def test_whoever_says_nothing_or_too_much_is_sent_away(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(tls, "PATIENCE", 0.3)
    async with house(reactor, tmp_path) as home:
        elsewhere = await invite(home)
        silent = await elsewhere.connect()
        await until(reactor, lambda: silent.lost)
        loud = await elsewhere.connect()
        loud.transport.write(b"x" * (tls.MAX_STRANGE_LINE + 1))
        await until(reactor, lambda: loud.lost)
        assert [one["error"]["data"]["name"] for one in loud.complaints] == ["usage.line"]
        # Whoever has shown a token may be silent, and say much.
        remote = await elsewhere.enter(await elsewhere.pair())
        await home.forbid("nothing", 0.5)
        refusal = await remote.refused("roster.list", profile="x" * tls.MAX_STRANGE_LINE)
        assert refusal.name == "unknown.profile"
        await elsewhere.close()


async def test_of_too_many_strangers_the_oldest_goes(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(tls, "MAX_STRANGERS", 3)
    async with house(reactor, tmp_path) as home:
        elsewhere = await invite(home)
        strangers = [await elsewhere.connect() for _ in range(4)]
        await until(reactor, lambda: strangers[0].lost)
        assert not any(one.lost for one in strangers[1:])
        token = await elsewhere.pair()
        assert (await elsewhere.enter(token)).hello["session"]
        await elsewhere.close()


async def test_a_client_without_tls_or_with_an_old_one_gets_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        elsewhere = await invite(home)

        def clear() -> bytes:
            with socket.create_connection(elsewhere.address, timeout=10) as plain:
                plain.sendall(b'{"id":1,"method":"session.hello","params":{"api":"1"}}\n')
                got = b""
                while part := plain.recv(1000):
                    got += part
                return got

        assert b"jsonrpc" not in await deferToThread(clear)

        def old() -> None:
            context = standard.SSLContext(standard.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, standard.CERT_NONE
            context.maximum_version = standard.TLSVersion.TLSv1_2
            with socket.create_connection(elsewhere.address, timeout=10) as plain:
                context.wrap_socket(plain)

        with pytest.raises(standard.SSLError):
            await deferToThread(old)
        assert await home.call("profile.list") == []


async def test_nobody_listens_until_somebody_says_so(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        refusal = await home.refused("pair.open")
        assert refusal.name == "failed.listen" and "remote.listen" in refusal.sentence
        for wrong in ("nonsense", "127.0.0.1", "127.0.0.1:70000", "a b:1"):
            refusal = await home.refused("option.set", name="remote.listen", value=wrong)
            assert refusal.name == "usage.value"
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            where = f"127.0.0.1:{taken.getsockname()[1]}"
            await home.call("option.set", name="remote.listen", value=where)
            await until(reactor, lambda: home.daemon._remote._sentence)
            refusal = await home.refused("pair.open")
            assert refusal.name == "failed.listen" and "in use" in refusal.sentence
        elsewhere = await invite(home)
        remote = await elsewhere.enter(await elsewhere.pair())
        # Listening no more, it still serves who is there.
        await home.call("option.set", name="remote.listen", value="")
        await until(reactor, lambda: home.daemon._remote._port is None)
        assert await remote.call("profile.list") == []
        assert (await home.refused("pair.open")).name == "failed.listen"
        await elsewhere.close()


async def test_an_unknown_profile_is_not_invited_for(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await invite(home)
        assert (await home.refused("pair.open", profiles=["no"])).name == "unknown.profile"


async def test_the_certificate_is_the_owners_and_stays(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        first = await invite(home)
        path = home.root / "bridge.pem"
        assert path.stat().st_mode & 0o777 == 0o600
        second = await invite(home)
        assert second.pin == first.pin
        token = await second.pair()
        assert json.dumps(token) not in path.read_text()


def test_addresses_are_counted_by_who_has_them():
    class Clock:
        now = 0.0

        def seconds(self) -> float:
            return self.now

    clock = Clock()
    guard = tls.Guard(clock)  # type: ignore[arg-type]
    for number in range(tls.MAX_FAILURES):
        guard.failed(f"2001:db8::{number:x}")
        guard.failed("192.0.2.1")
    assert guard.blocks("2001:db8::ffff") and guard.blocks("192.0.2.1")
    assert not guard.blocks("2001:db8:0:1::1") and not guard.blocks("192.0.2.2")
    clock.now = 61.0
    assert not guard.blocks("192.0.2.1")


async def test_a_backup_lets_nobody_in_who_was_revoked_since(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        elsewhere = await invite(home)
        token = await elsewhere.pair()
        copy = tmp_path / "copy.db"
        with copy.open("wb") as file:
            await home.call("daemon.backup", file.fileno())
        (pairing,) = await home.call("pair.list")
        await home.call("pair.revoke", id=pairing["id"])
        await elsewhere.close()
        await home.stop()
        restore(str(copy), home.paths)
        await home.start()
        assert await home.call("pair.list") == []
        await until(reactor, lambda: home.daemon._remote._port)
        again = await elsewhere.connect()
        refusal = await again.refused("session.hello", api="1", token=token)
        assert refusal.name == "denied.token"
        await elsewhere.close()
