"""Accounts made and changed on their server, and passwords: ``profile.register|password|check``."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections import deque
from functools import partial
from typing import cast

import msgspec

from sat.backend.core import Core
from sat.backend.passwords import Kind
from sat.backend.profiles import Profiles
from sat.backend.server import split_server
from sat.backend.settings import read
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.model import Form, Level, Profile
from sat.bridge.secret import SecretText
from sat.xmpp.account import Account
from sat.xmpp.dial import Dial
from sat.xmpp.errors import Fault
from sat.xmpp.reactor import Clock
from sat.xmpp.register import Registration, new_password
from sat.xmpp.resolve import SystemResolver
from sat.xmpp.sasl import saslprep
from sat.xmpp.socks import Proxy
from sat.xmpp.stanza import JID, Iq, NotConnected, StanzaError, parse_jid

#: Seconds that a server has for each of its answers.
_STEP = 30.0
#: So many wrong passwords for one profile in so many seconds are taken for guesses.
_WRONG, _WRONG_TIME = 10, 60.0


class Accounts:
    """What is done to accounts on their servers."""

    def __init__(self, core: Core, profiles: Profiles) -> None:
        self._core = core
        self._profiles = profiles
        self._wrong: dict[str, deque[float]] = {}

    @command("profile.register", level=Level.ADMIN, per_profile=False)
    async def register(
        self,
        name: str,
        jid: JID,
        password: SecretText,
        fields: dict[str, str] | None = None,
        server: str | None = None,
        direct_tls: bool = False,
        ca: str | None = None,
        pin: str | None = None,
        proxy: SecretText | None = None,
    ) -> Profile:
        """Make an account on a server that lets programs do so, and a profile for it (XEP-0077).

        :param name: a short name for the profile, for ``-p``
        :param jid: the address that the account is to have
        :param password: the one that it is to have
        :param fields: what else the server wants to know, by the names of its form's fields
        :param server: HOST or HOST:PORT, where it is not found by the address (SRV records)
        :param direct_tls: begin with TLS (XEP-0368), never with STARTTLS
        :param ca: certificates in PEM to trust in place of the system's
        :param pin: the one certificate of the server that is trusted, as sha256: and its digits
        :param proxy: socks5://HOST:PORT, or with USER:PASSWORD@, through which to connect
        :raises usage.name: if it can't be a name
        :raises failed.exists: if there is a profile of that name
        :raises usage.form: if the server wants to know more; the error's data has its ``form``
        :raises denied.register: if the server doesn't make accounts so
        :raises denied.exists: if there is an account of that address
        :raises timeout.register: if it isn't known whether the account was made
        """
        self._profiles.check_new(name, jid)
        given = {"server": server, "ca": ca, "pin": pin}
        given["proxy"] = proxy.reveal() if proxy else None
        settings = read({key: text for key, text in given.items() if text is not None})
        host, port = split_server(server)
        digits = cast("str | None", settings.fields.get("pin"))
        account = Account(
            jid=parse_jid(jid.userhost()),
            password=password.reveal(),
            host=host,
            port=port,
            direct_tls=direct_tls,
            ca=settings.texts.get("ca"),
            pin=digits.partition(":")[2] if digits else None,
            proxy=Proxy.parse(proxy.reveal()) if proxy else None,
        )
        await self._make(account, fields or {})
        try:
            return await self._profiles.create(
                name,
                jid,
                password,
                server=server,
                direct_tls=direct_tls,
                ca=ca,
                pin=pin,
                proxy=proxy,
            )
        except CommandError as error:
            raise CommandError(
                error.name,
                f"the account {jid.userhost()} was made, but no profile for it: {error.sentence}; "
                f"make that with: jp profile create {name} --jid {jid.userhost()}",
            ) from error

    async def _make(self, account: Account, fields: dict[str, str]) -> None:
        reactor = cast(Clock, self._core.reactor)
        dial = Dial(
            account,
            reactor,
            self._core.random,
            SystemResolver(reactor),
            _STEP,
            partial(Registration, fields=fields),
        )
        try:
            link = await dial.run()
        except Fault as fault:
            data: dict[str, object] = {}
            if isinstance(fault.about, Form):
                data["form"] = msgspec.to_builtins(fault.about)
            root = fault.reason.partition(".")[0]
            known = root in ("denied", "timeout", "usage")
            name = fault.reason if known else f"failed.{fault.reason}"
            raise CommandError(name, fault.sentence, data) from None
        link.stream.end(Fault("", ""))

    @command("profile.password", level=Level.ADMIN, per_profile=False)
    async def password(self, name: str, password: SecretText) -> None:
        """Change the password of a profile's account on its server, and here (XEP-0077).

        The old one is kept until the server has agreed. If its answer gets lost, both are kept, and
        the next login finds out which one is right.

        :param name: the profile's name
        :param password: the new one
        :raises unknown.profile: if there is none
        :raises offline.profile: if it isn't connected
        :raises denied.password: if the server doesn't take the new password
        :raises timeout.password: if it isn't known whether the server took it
        """
        live = self._profiles.find(name)
        live.require_online()
        if not password.reveal():
            raise CommandError("usage.password", "an empty text can't be a password")
        await self._core.passwords.set(name, password, Kind.NEXT)
        query = new_password(live.jid.user or "", password.reveal())
        request = Iq(type="set", to=parse_jid(live.jid.host), extensions=[query])
        try:
            await live.request(request, _STEP)
        except StanzaError as error:
            await self._core.passwords.delete(name, (Kind.NEXT,))
            why = error.text or error.condition.replace("-", " ")
            raise CommandError(
                "denied.password",
                f"the server didn't change the password ({why}); the old one stays",
                {"condition": error.condition},
            ) from None
        except (NotConnected, TimeoutError):
            raise CommandError(
                "timeout.password",
                f"whether the server of {name} changed the password isn't known, for its answer "
                "didn't come: the old and the new one are kept, and the next login finds out",
            ) from None
        await live.trust.password_changed(password)

    @command("profile.check", level=Level.ADMIN, per_profile=False)
    async def check(self, name: str, password: SecretText) -> None:
        """Compare a password with the one that is kept for a profile; return if it is the same.

        It is for programs which ask a person who they are before they let them use a profile. The
        server is not asked.

        :param name: the profile's name
        :param password: the one to compare
        :raises unknown.profile: if there is none
        :raises unknown.password: if none is kept
        :raises denied.password: if it is another one
        :raises denied.guessing: if too many were wrong within a minute
        """
        live = self._profiles.find(name)
        kept = await self._core.passwords.all(live.name, (Kind.PASSWORD, Kind.NEXT))
        if not kept:
            raise CommandError(
                "unknown.password",
                f"no password is kept for {name}; set it with: "
                f"jp profile set {name} --password-stdin",
            )
        now = cast(Clock, self._core.reactor).seconds()
        wrong = self._wrong.setdefault(name, deque(maxlen=_WRONG))
        if len(wrong) == _WRONG and wrong[0] > now - _WRONG_TIME:
            raise CommandError(
                "denied.guessing",
                f"too many wrong passwords were tried for {name}: try again in a minute",
                {"retry_after": wrong[0] + _WRONG_TIME - now},
            )
        given = _digest(password)
        if not any(hmac.compare_digest(given, _digest(one)) for one in kept.values()):
            wrong.append(now)
            raise CommandError(
                "denied.password", f"this is not the password that is kept for {name}"
            )
        wrong.clear()


def _digest(password: SecretText) -> bytes:
    """Return what is compared of a password, in a time that tells nothing, not even its length."""
    text = password.reveal()
    with contextlib.suppress(ValueError):  # no server takes such a one, but it may be kept
        text = saslprep(text)
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
