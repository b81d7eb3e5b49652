"""All profiles of the daemon: the calls ``profile.*``."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec
from sqlalchemy import select
from twisted.internet.defer import gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from sat.backend import schema
from sat.backend.core import Core
from sat.backend.live import LiveProfile
from sat.backend.passwords import Kind
from sat.backend.schema import Prepared
from sat.backend.search import scrub
from sat.backend.settings import Settings, read
from sat.backend.store import Reader
from sat.backend.tasks import start
from sat.backend.transaction import Transaction
from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.events import ProfileChanged, ProfileRemoved
from sat.bridge.model import Connection, Level, Phase, Profile, Removed
from sat.bridge.secret import SecretText
from sat.xmpp.stanza import JID

_log = Logger("sat.profiles")
_ALL = Prepared(select(schema.profile).order_by(schema.profile.c.id))
_ADD = Prepared("INSERT INTO profile (name, data, ca) VALUES (:name, :data, :ca)")
_SCRUB = [
    Prepared(f"DELETE FROM {table} WHERE {column} = :{key}")  # noqa: S608 - names of our own
    for table, column, key in (
        ("message", "profile_id", "id"),
        ("conversation", "profile_id", "id"),
        ("contact", "profile_id", "id"),
        ("question", "profile_id", "id"),
        ("room", "profile_id", "id"),
        ("transfer", "profile_id", "id"),
        ("stream", "profile_id", "id"),
        ("archive", "profile_id", "id"),
        ("login", "profile_id", "id"),
        ("roster", "profile_id", "id"),
        ("profile", "id", "id"),
        # Another profile of that name may come: what was allowed for this one is not for it.
        ("token_profile", "profile", "name"),
        ("txn", "profile", "name"),
        ("event", "profile", "name"),
    )
]
_MAX_NAME = 64


class Profiles:
    """The profiles, by name."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.live: dict[str, LiveProfile] = {}
        self._making: set[str] = set()
        self._on_new: Callable[[LiveProfile], None] = lambda live: None

    def attach(self, on_new: Callable[[LiveProfile], None]) -> None:
        """Let ``on_new`` give each profile its plugins."""
        self._on_new = on_new

    def load(self) -> None:
        """Take up all profiles of the database; none is connected."""
        for id_, _, data, ca in self._core.store.read_now(lambda r: r.all(_ALL)):
            profile = msgspec.json.decode(data, type=Profile)
            self._take_up(id_, profile, ca)

    async def begin(self) -> None:
        """Tell what the last run of the daemon left, and connect the profiles that are set to."""
        for live in list(self.live.values()):
            if live.profile.connection.phase is not Phase.OFFLINE:
                await live.change(connection=Connection())
            await live.files.close_unfinished()
            live.rooms.begin()
        for live in list(self.live.values()):
            if live.profile.autoconnect:
                try:
                    await live.connect()
                except CommandError as error:  # others must not wait for it
                    _log.warn("{name}: {error}", name=live.name, error=error)

    async def end(self) -> None:
        """Close every stream, all at once: a server that does not answer delays no other."""
        for live in self.live.values():
            live.files.give_up()
        await gatherResults([start(live.disconnect()) for live in self.live.values()])
        for live in self.live.values():
            live.plugins.close()

    def choose(self, name: str | None) -> str:
        """Return the profile that a call means: the named one, the default, or the only one.

        :raises CommandError: if there is no such profile, or none can be chosen
        """
        if name is not None:
            return self.find(name).name
        if len(self.live) == 1:
            return next(iter(self.live))
        default = next((one.name for one in self.live.values() if one.profile.default), None)
        if default is not None:
            return default
        if not self.live:
            raise CommandError(
                "unknown.profile",
                "there is no profile yet; make one with: jp profile create NAME --jid JID",
            )
        raise CommandError(
            "usage.profile",
            f"which profile? There are {', '.join(sorted(self.live))}: give one with -p, or make "
            "one the default with: jp profile default NAME",
        )

    # ---- calls

    @command("profile.create", level=Level.ADMIN, per_profile=False)
    async def create(
        self,
        name: str,
        jid: JID,
        password: SecretText | None = None,
        server: str | None = None,
        direct_tls: bool = False,
        ca: str | None = None,
        allow_plain: bool = False,
        resource: str | None = None,
        autoconnect: bool = True,
        certificate: SecretText | None = None,
        pin: str | None = None,
        proxy: SecretText | None = None,
    ) -> Profile:
        """Make a profile for an account that exists on its server.

        :param name: a short name, for ``-p``
        :param jid: the account's address
        :param password: kept in the keyring, or in a file for its owner alone; it may be missing
            where there is a certificate
        :param server: HOST or HOST:PORT, where it is not found by the address (SRV records)
        :param direct_tls: begin with TLS (XEP-0368), never with STARTTLS; without it, what the
            domain's SRV records say
        :param ca: certificates in PEM to trust in place of the system's
        :param allow_plain: let the password be sent as it is, within TLS, if the server offers
            nothing better
        :param resource: a fixed resource; the server chooses one where it is missing
        :param autoconnect: connect whenever the daemon starts
        :param certificate: the account's own certificate and its key, in PEM, to log in with
            (XEP-0178); kept where the password is
        :param pin: the one certificate of the server that is trusted, as sha256: and its digits
        :param proxy: socks5://HOST:PORT, or with USER:PASSWORD@, through which to connect
        :raises usage.name: if it can't be a name
        :raises usage.jid: if the address has no local part
        :raises failed.exists: if there is a profile of that name
        :raises usage.ca: if it holds no certificate
        :raises usage.password: if there is neither password nor certificate
        :raises usage.certificate: if it isn't one with its key
        :raises usage.pin: if it is none
        :raises usage.proxy: if it is none
        """
        self.check_new(name, jid)
        given = {
            "server": server,
            "ca": ca,
            "certificate": certificate.reveal() if certificate else None,
            "pin": pin,
            "proxy": proxy.reveal() if proxy else None,
            "password": password.reveal() if password else None,
        }
        settings = read({key: text for key, text in given.items() if text is not None})
        if not settings.secrets.keys() & {Kind.PASSWORD, Kind.CERTIFICATE}:
            raise CommandError("usage.password", "an account needs a password, or a certificate")
        profile = Profile(
            name=name,
            jid=jid.userhost(),
            direct_tls=direct_tls,
            allow_plain=allow_plain,
            resource=resource or jid.resource,
            autoconnect=autoconnect,
        )
        profile = msgspec.structs.replace(profile, **settings.fields)
        ca = settings.texts.get("ca")

        def add(tx: Transaction) -> tuple[int, Profile]:
            new = msgspec.structs.replace(profile, rev=tx.rev)
            data = msgspec.json.encode(new)
            row = tx.run(_ADD, name=name, data=data, ca=ca).lastrowid
            tx.emit(name, ProfileChanged(new))
            return cast(int, row), new

        self._making.add(name)
        try:
            await self._keep(name, settings)
            _, created = await self._core.journal.commit(
                add, before_events=lambda made: self._take_up(made[0], made[1], ca)
            )
        except BaseException:
            await self._core.passwords.delete(name)
            raise
        finally:
            self._making.discard(name)
        return created

    def check_new(self, name: str, jid: JID) -> None:
        """Refuse what no profile can be made of.

        :raises CommandError: ``usage.name``, ``usage.jid`` or ``failed.exists``
        """
        check_name(name)
        if not jid.user:
            raise CommandError("usage.jid", f"{jid.full()} is no account: it needs NAME@HOST")
        if name in self.live or name in self._making:
            raise CommandError(
                "failed.exists",
                f"there is a profile {name} already: take another name, or change that one with: "
                f"jp profile set {name} KEY=VALUE",
            )

    @command("profile.list", level=Level.READ, per_profile=False)
    async def all(self, call: Call) -> list[Profile]:
        """Return all profiles, by name."""
        return [self.live[name].profile for name in sorted(self.live) if call.grant.shows(name)]

    @command("profile.get", level=Level.READ, per_profile=False)
    async def get(self, call: Call, name: str) -> Profile:
        """Return one profile.

        :param name: its name
        :raises unknown.profile: if there is none
        """
        if not call.grant.shows(name):
            raise CommandError("unknown.profile", f"there is no profile {name} for this session")
        return self.find(name).profile

    @command("profile.set", level=Level.ADMIN, per_profile=False)
    async def set(self, name: str, values: dict[str, str]) -> Profile:
        """Change settings of a profile; those of its connection count from the next one on.

        :param name: its name
        :param values: by name: autoconnect, allow_plain, direct_tls (yes or no), server, resource
            (empty for none), ca (PEM, empty for none), password, certificate (PEM with the key,
            empty for none), pin (sha256:DIGITS, empty for none), proxy (socks5://HOST:PORT, empty
            for none)
        :raises unknown.profile: if there is none
        :raises usage.setting: if there is no such setting
        :raises usage.pin: if the pin is none
        :raises usage.proxy: if the proxy is none
        :raises usage.certificate: if the certificate isn't one with its key
        """
        live = self.find(name)
        settings = read(values)
        await self._keep(name, settings)
        if Kind.CERTIFICATE in settings.secrets:
            await live.trust.forget_floor()
        live.ca = settings.texts.get("ca", live.ca)
        await live.change(wait=False, **settings.fields)
        return live.profile

    @command("profile.connect", level=Level.ADMIN, per_profile=False)
    async def connect(self, name: str, timeout: float = 30.0) -> Profile:
        """Connect a profile, and return when it is online.

        :param name: its name
        :param timeout: how many seconds to wait at most; the daemon goes on trying
        :raises unknown.profile: if there is none
        :raises denied.password: if the server refuses the password
        :raises offline.profile: if it can't be reached now
        :raises timeout.connect: if it takes longer
        """
        live = self.find(name)
        live.trust.begin_anew()
        await live.connect()
        settled = start(live.settled())
        settled.addTimeout(timeout, cast(IReactorTime, self._core.reactor))
        try:
            await settled
        except Exception as error:
            raise CommandError(
                "timeout.connect", f"{name} is not online after {timeout:g} s; it goes on trying"
            ) from error
        state = live.connection_state
        if state.phase == "online":
            return live.profile
        sentence = state.sentence or f"{name} was disconnected meanwhile"
        raise CommandError(_error_name(state.reason), sentence, {"reason": state.reason})

    @command("profile.disconnect", level=Level.ADMIN, per_profile=False)
    async def disconnect(self, name: str) -> Profile:
        """Close a profile's stream, and stay offline until it is connected again.

        :param name: its name
        :raises unknown.profile: if there is none
        """
        live = self.find(name)
        await live.disconnect()
        return live.profile

    @command("profile.default", level=Level.ADMIN, per_profile=False)
    async def default(self, name: str) -> Profile:
        """Let a profile be the one that is meant where none is named.

        :param name: its name
        :raises unknown.profile: if there is none
        """
        chosen = self.find(name)
        for live in self.live.values():
            if live.profile.default and live is not chosen:
                await live.change(wait=False, default=False)
        await chosen.change(wait=False, default=True)
        return chosen.profile

    @command("profile.delete", level=Level.ADMIN, per_profile=False)
    async def delete(self, name: str) -> None:
        """Delete a profile with its history, password and events; the account stays as it is.

        :param name: its name
        :raises unknown.profile: if there is none
        """
        live = self.find(name)
        await live.disconnect()
        await live.files.stop()
        await live.rooms.forget_passwords()

        def remove(tx: Transaction) -> None:
            # Overwritten, not just taken off the list of pages in use.
            tx.connection.execute("PRAGMA secure_delete = ON")
            scrub(tx.connection, live.id)
            for statement in _SCRUB:
                tx.run(statement, id=live.id, name=name)
            tx.connection.execute("PRAGMA secure_delete = OFF")
            tx.emit(name, ProfileRemoved(Removed(profile=name, name=name, rev=tx.rev)))

        await self._core.journal.commit(remove, before_events=lambda _: self._drop(live))
        self._core.cache.forget(name)
        await self._core.passwords.delete(name)

    # ----

    def snapshot(self, reader: Reader, wanted: frozenset[str] | None) -> list[Profile]:
        """Read all profiles, or those named."""
        return [
            msgspec.json.decode(data, type=Profile)
            for _, name, data, _ in reader.all(_ALL)
            if wanted is None or name in wanted
        ]

    async def _keep(self, name: str, settings: Settings) -> None:
        for kind, secret in settings.secrets.items():
            await self._core.passwords.set(name, secret, kind)

    def find(self, name: str) -> LiveProfile:
        """Return a profile.

        :raises CommandError: ``unknown.profile`` if there is none
        """
        live = self.live.get(name)
        if live is None:
            known = ", ".join(sorted(self.live)) or "none"
            raise CommandError("unknown.profile", f"there is no profile {name}; there are: {known}")
        return live

    def _take_up(self, id_: int, profile: Profile, ca: str | None) -> None:
        live = LiveProfile(self._core, id_, profile, ca)
        self.live[profile.name] = live
        self._on_new(live)

    def _drop(self, live: LiveProfile) -> None:
        self.live.pop(live.name, None)
        live.plugins.close()
        self._core.hub.forget(live.name)
        self._core.journal.forget_recent()


def _error_name(reason: str) -> str:
    """Name the error of a connection by its root, so that jp's exit code is right."""
    root = reason.partition(".")[0]
    if root in ("denied", "timeout"):
        return reason
    if not root:
        return "offline.profile"
    return f"offline.{reason}" if root == "network" else f"failed.{reason}"


def check_name(name: str) -> None:
    """Refuse what can't be a profile's name.

    :raises CommandError: ``usage.name``
    """
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    if not plain.isalnum() or len(name) > _MAX_NAME or name.startswith(("-", ".")):
        raise CommandError(
            "usage.name",
            f"{name!r} can't be a profile's name: use at most {_MAX_NAME} letters, digits, - and _",
        )
