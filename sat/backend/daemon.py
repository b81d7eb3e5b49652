"""Wires the parts of the daemon together; nothing is decided here."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any, cast

from twisted.internet.interfaces import IListeningPort, IReactorFromThreads
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

import sat
from sat.backend.accounts import Accounts
from sat.backend.blobs import Blobs
from sat.backend.cache import Cache
from sat.backend.conversations import Conversations, latest
from sat.backend.core import Core
from sat.backend.descriptions import Descriptions
from sat.backend.disco_calls import DiscoCalls
from sat.backend.errors import translate
from sat.backend.files import Files, transfers
from sat.backend.hub import Hub
from sat.backend.journal import Journal
from sat.backend.live import LiveProfile
from sat.backend.loader import Loaded, Loader
from sat.backend.maintenance import Maintenance
from sat.backend.messages import Messages
from sat.backend.network import NetworkWatch
from sat.backend.options import Options
from sat.backend.pairings import Pairings
from sat.backend.passwords import Passwords
from sat.backend.plugins import PluginCalls
from sat.backend.presence import Presences
from sat.backend.profiles import Profiles
from sat.backend.questions import Questions, open_questions
from sat.backend.remote import Remote
from sat.backend.retention import Retention
from sat.backend.rooms.calls import RoomCalls
from sat.backend.rooms.store import rooms
from sat.backend.roster import Roster, contacts
from sat.backend.search import index_some
from sat.backend.store import Reader, Store, prepare
from sat.backend.tasks import go, spawn
from sat.backend.waiters import StateWaiters
from sat.bridge import heartbeat
from sat.bridge.command import CommandSpec, commands_of
from sat.bridge.describe import describe
from sat.bridge.dispatcher import Dispatcher
from sat.bridge.errors import CommandError
from sat.bridge.events import (
    CORE_EVENTS,
    ApiChanged,
    OptionChanged,
    PluginFailed,
    PluginLoaded,
    PluginUnloaded,
    RosterChanged,
    RosterRemoved,
    StorageChanged,
)
from sat.bridge.grant import EVERYTHING
from sat.bridge.lines import Gathering
from sat.bridge.model import Changed, PluginInfo, Status, Storage
from sat.bridge.paths import Home
from sat.bridge.session import OWN_CALLS, Session
from sat.bridge.trace import Trace
from sat.bridge.unix import adopt, listen
from sat.bridge.wire import API_VERSION, Doors, Line

#: How often the user's plugin folder is looked at, in seconds.
_LOOK = 1.0
_FULL = "the disk is full"
_log = Logger("sat.daemon")
_PLUGIN_EVENTS = {"loaded": PluginLoaded, "unloaded": PluginUnloaded, "failed": PluginFailed}


class Daemon:
    """The daemon of one home.

    :param reactor: Twisted's
    :param home: where everything is; its folders exist, and its lock is held
    :param stop: ends the process, after :meth:`end`
    :param network: tells of changes of the network: see :mod:`sat.backend.network`
    :param now: the time in seconds since 1970, as far as this machine knows it
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        home: Home,
        stop: Callable[[], None],
        network: socket.socket | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._reactor = reactor
        self._home = home
        self._storage = Storage()
        self._started = datetime.now(UTC)
        database = Path(home.database)
        prepare(database)
        self._store = store = Store(reactor, database)
        self._journal = journal = Journal(reactor, store, self._storage_changed, now=now)
        journal.answering = self._gathering = Gathering()
        self.hub = Hub(journal, store, now)
        self._plugins = Loader(Path(home.plugins))
        self._options = Options(journal, store.read_now(Options.stored))
        self._core = Core(
            reactor=reactor,
            random=SystemRandom(),
            now=now,
            store=store,
            journal=journal,
            hub=self.hub,
            options=self._options,
            passwords=Passwords(reactor, Path(home.secrets), use_keyring=home.root is None),
            plugins=self._plugins,
            waiters=StateWaiters(journal),
            blobs=Blobs(Path(home.data)),
            descriptions=Descriptions(store, journal),
            cache=Cache(Path(home.cache)),
        )
        self.profiles = Profiles(self._core)
        self.dispatcher = Dispatcher(self.profiles.choose, journal, translate)
        self._maintenance = Maintenance(store, journal, self._status, stop, self._core.blobs)
        self._remote = Remote(reactor, self._options, Path(home.certificate))
        self._pairings = Pairings(
            self._core, self._remote.address, self.profiles.find, self.hub.drop
        )
        self._retention = Retention(journal, reactor)
        self._trace = Trace(self.hub.session, self._spec)
        self._port: IListeningPort | None = None
        self._repeated: list[LoopingCall] = []
        self._ready = False
        self._network = (
            NetworkWatch(reactor, network, self._network_changed) if network is not None else None
        )

    def begin(self) -> None:
        """Load profiles and plugins, accept frontends, and connect."""
        self._add_calls()
        self._add_scopes()
        for event in (RosterChanged, RosterRemoved):
            self._journal.project(event, self._roster_changed)
        self._journal.project(OptionChanged, lambda _: self._remote.follow())
        self._journal.project(OptionChanged, self._option_changed)
        self.hub.attention.when_changed(self._attention_changed)
        self._journal.when_idle(index_some)
        self._journal.start()
        self._retention.begin()
        self.profiles.attach(self._give_plugins)
        self.profiles.load()
        self._plugins.attach(self._use_plugin, self._drop_plugin, self._plugin_changed)
        self._plugins.load_all()
        self._ready = True
        _log.info("sat {version}: frontends are accepted", version=sat.__version__)
        self._port = listen(
            self._reactor,
            self._home.socket,
            self._make_session,
            self._forget_session,
            self._gathering,
        )
        self._remote.begin(self._pairings, self._make_session, self._forget_session)
        self._repeat(self._plugins.look, _LOOK)
        self._repeat(self._beat, heartbeat.PERIOD)
        if self._network is not None:
            self._network.start()
        spawn(self.profiles.begin(), "connecting the profiles")

    def serve(self, connection: socket.socket) -> None:
        """Serve a frontend of this very process, at the other end of a connected socket."""
        adopt(
            self._reactor,
            connection,
            self._make_session,
            self._forget_session,
            self._gathering,
        )

    async def end(self) -> None:
        """Take no more calls, store and acknowledge what has arrived, and close every stream."""
        for repeated in self._repeated:
            if repeated.running:
                repeated.stop()
        self._retention.end()
        if self._network is not None:
            self._network.stop()
        if self._port is not None:
            await cast(Any, self._port).stopListening()
        await self._remote.end()
        self.dispatcher.close()
        await self.profiles.end()
        self._journal.stop()
        self._store.close()
        # Where the process goes on, nothing else ends them.
        for session in list(self.hub.sessions):
            session.drop()
        _log.info("ended")

    def _repeat(self, call: Callable[[], None], seconds: float) -> None:
        repeated = LoopingCall(call)
        repeated.clock = self._reactor
        repeated.start(seconds, now=False)
        self._repeated.append(repeated)

    def _beat(self) -> None:
        for session in list(self.hub.sessions):
            session.beat()

    # ---- calls

    def _add_calls(self) -> None:
        accounts, attention = Accounts(self._core, self.profiles), self.hub.attention
        owners = (self.profiles, accounts, self._options, self._maintenance, attention)
        others = (self._pairings, self._core.blobs, PluginCalls(self._plugins), self._trace)
        for owner in (*owners, *others):
            for spec in commands_of(type(owner)):
                self.dispatcher.add(spec, lambda _, owner=owner: owner)  # type: ignore[misc]
        services: dict[type, str] = {
            Messages: "messages",
            Conversations: "conversations",
            Roster: "roster",
            Presences: "presences",
            Questions: "questions",
            Files: "files",
            RoomCalls: "room_calls",
            DiscoCalls: "disco_calls",
        }
        for kind, attribute in services.items():
            for spec in commands_of(kind):
                self.dispatcher.add(spec, self._service(attribute))

    def _service(self, attribute: str) -> Callable[[str | None], object]:
        return lambda name: getattr(self.profiles.live[name or ""], attribute)

    def _describe(self) -> dict[str, object]:
        events = [*CORE_EVENTS.values(), *self._plugins.events()]
        return describe(self.dispatcher.specs, events)

    def _spec(self, name: str) -> CommandSpec | None:
        return OWN_CALLS.get(name) or self.dispatcher.find(name)

    def _make_session(self, line: Line, doors: Doors | None = None) -> Session:
        grant = EVERYTHING if doors is None else None
        session = Session(
            line, self.dispatcher, self.hub, grant, self._describe, go, doors, self._trace
        )
        self.hub.sessions.add(session)
        return session

    def _forget_session(self, session: Session) -> None:
        self.hub.sessions.discard(session)
        self._core.blobs.session_ended(session.id)
        self._trace.forget(session.id)

    def _status(self) -> Status:
        return Status(
            version=sat.__version__,
            pid=os.getpid(),
            started=self._started,
            home=self._home.data,
            epoch=self.hub.epoch,
            head=self.hub.head,
            sessions=len(self.hub.sessions),
            storage=self._storage,
            profiles=tuple(live.profile for _, live in sorted(self.profiles.live.items())),
            plugins=tuple(self._plugins.infos),
        )

    # ---- the state that frontends attach to

    def _add_scopes(self) -> None:
        self.hub.add_scope("profiles", self.profiles.snapshot)
        self.hub.add_scope("options", self._options.snapshot)
        self.hub.add_scope("conversations", self._each(lambda r, live: latest(r, live.id)))
        self.hub.add_scope("roster", self._each(lambda r, live: contacts(r, live.id, live.name)))
        self.hub.add_scope("rooms", self._each(lambda r, live: rooms(r, live.id)))
        self.hub.add_scope("transfers", self._each(lambda r, live: transfers(r, live.id)))
        self.hub.add_scope("questions", self._each(lambda r, live: open_questions(r, live.id)))

    def _each(
        self, read: Callable[[Reader, LiveProfile], Any]
    ) -> Callable[[Reader, frozenset[str] | None], list[object]]:
        def snapshot(reader: Reader, wanted: frozenset[str] | None) -> list[object]:
            found: list[object] = []
            for live in list(self.profiles.live.values()):
                if wanted is None or live.name in wanted:
                    found += read(reader, live)
            return found

        return snapshot

    def _roster_changed(self, event: RosterChanged | RosterRemoved) -> None:
        live = self.profiles.live.get(event.data.profile)
        if live is not None:
            live.roster.apply(event)

    def _option_changed(self, event: OptionChanged) -> None:
        for live in self.profiles.live.values():
            live.presences.advertise()

    def _attention_changed(self) -> None:
        for live in self.profiles.live.values():
            live.plugins.attention_changed()

    # ---- plugins

    def _give_plugins(self, live: LiveProfile) -> None:
        for loaded in self._plugins.loaded:
            try:
                live.plugins.add(loaded.kind, loaded.marks)
            except Exception as error:
                # The profile is there whatever a plugin thinks of it.
                live.plugins.remove(loaded.kind.name)
                self._plugins.fault(loaded.kind.name, "load", error)

    def _use_plugin(self, loaded: Loaded) -> None:
        name = loaded.kind.name
        for option, one in loaded.options.items():
            self._options.describe(
                option,
                one.default,
                minimum=one.minimum,
                maximum=one.maximum,
                choices=one.choices,
                help=one.help,
            )
        for spec in loaded.specs:
            self.dispatcher.add(
                spec,
                lambda profile: self.profiles.live[profile or ""].plugins.get(name),
                partial(self._command_raised, name, spec.name),
            )
        for live in self.profiles.live.values():
            live.plugins.add(loaded.kind, loaded.marks)

    def _command_raised(self, plugin: str, command: str, error: Exception) -> CommandError:
        self._plugins.fault(plugin, command, error)
        return CommandError(
            "failed.plugin",
            f"{command} failed by a fault of the plugin {plugin}: its author may mend it with what "
            "the log (sat logs) tells",
        )

    def _drop_plugin(self, loaded: Loaded) -> None:
        # A plugin that wanted another's command, and was refused for it, must not take it away.
        present = {id(spec) for spec in self.dispatcher.specs}
        for spec in loaded.specs:
            if id(spec) in present:
                self.dispatcher.remove(spec.name)
        for live in self.profiles.live.values():
            live.plugins.unload(loaded.kind.name)
        for option in loaded.options:
            self._options.forget(option)

    def _plugin_changed(self, what: str, info: PluginInfo) -> None:
        """Tell of a plugin that came or went; what is loaded at the start is no news."""
        if not self._ready:
            return
        kind = _PLUGIN_EVENTS[what]

        def tell(tx: Any) -> None:
            tx.emit("", kind(info))
            tx.emit("", ApiChanged(Changed(api=API_VERSION)))

        self._journal.commit(tell, wait=True)
        if what == "failed" and info.state == "loaded":
            return  # a handler's fault: what we can do is as before
        for live in self.profiles.live.values():
            live.presences.announce()

    # ---- the machine

    def _network_changed(self) -> None:
        for live in self.profiles.live.values():
            live.network_changed()

    def _storage_changed(self, sentence: str) -> None:
        """Read nothing while the disk is full: what can't be stored must stay with the server."""
        self._storage = Storage(state="full" if sentence else "ok", sentence=sentence)
        for live in self.profiles.live.values():
            if sentence:
                live.pause(_FULL)
            else:
                live.resume(_FULL)
        self.hub.tell("", StorageChanged(self._storage))
