"""A whole daemon between scripted servers and a frontend, in the reactor of the test.

A test reads like this::

    async with house(reactor, tmp_path) as home:
        alice = await home.profile("alice")
        alice.peer.send("<message from='bob@server.test/x' type='chat'><body>hi</body></message>")
        added = await home.expect("message.added", body="hi")
        await home.call("message.send", to="bob@server.test", body="hello")
        await alice.peer.expect("<message to='bob@server.test'><body>hello</body></message>")
        await alice.peer.forbid("<message type='error'/>")

It ends with nothing left: no thread, no socket, no timer, no file.
"""

import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sat.backend.daemon import Daemon
from sat.bridge.paths import Home
from tests.backend.frontend import Frontend, attach
from tests.hostile.peer import PATIENCE, Peer
from tests.hostile.server import HostileServer

BOB = "<item jid='bob@server.test' subscription='both'/>"
SM = "<sm xmlns='urn:xmpp:sm:3'/>"
_THREADS = ("writer", "PoolThread-readers")


def pause(reactor, seconds: float = 0.0) -> Deferred:
    """Let some time pass, or the reactor turn once."""
    return deferLater(reactor, seconds, lambda: None)


async def until(reactor, found: Callable[[], object], seconds: float = PATIENCE):
    """Wait until a function gives something true, and return it."""
    end = reactor.seconds() + seconds
    while not (value := found()):
        assert reactor.seconds() < end, "it didn't come to that"
        await pause(reactor, 0.01)
    return value


class Person:
    """A profile, its server, and the server's end of the present stream."""

    def __init__(self, home: "House", name: str, server: HostileServer, roster: str) -> None:
        self._home = home
        self.name = name
        self.server = server
        self.roster = roster
        self.jid = f"{server.user}@{server.domain}"
        self.peer: Peer

    async def online(
        self, *, serve: bool = True, acknowledge: bool = True, features: str = SM, **login
    ) -> Peer:
        """Let the next stream of the profile succeed, and return the server's end of it.

        :param serve: whether it answers as a friendly server does
        :param acknowledge: whether it acknowledges stanzas by itself
        :param login: for :func:`tests.hostile.login.log_in`
        """
        peer = await self.server.accept()
        await peer.log_in(features=features, resource="here", **login)
        if serve:
            peer.serve(self.roster)
            if not acknowledge:
                peer.on("<r xmlns='urn:xmpp:sm:3'/>", lambda _: None)
            await peer.expect("<presence/>")
        self.peer = peer
        return peer

    async def reconnect(self, **how) -> Peer:
        """Wait no longer for the next try, and let it succeed."""
        self._home.call("profile.connect", name=self.name).addErrback(lambda _: None)
        return await self.online(**how)


class House:
    """A daemon in an empty home, a frontend attached to it, and servers that a test asks for."""

    def __init__(self, reactor, folder: Path) -> None:
        self.reactor = reactor
        self._folder = folder
        # A Unix socket's path is short, and pytest's folders are not.
        self.root = Path(tempfile.mkdtemp(prefix="sat-"))
        self.paths = Home({"SAT_HOME": str(self.root)})
        self.paths.prepare()
        self.servers: list[HostileServer] = []
        self.frontend: Frontend
        self.daemon: Daemon | None = None
        #: One entry for each time that the daemon asked for the process to end.
        self.stops: list[None] = []
        #: By how many seconds this machine's idea of the time is wrong.
        self.clock_is_off = 0.0

    async def __aenter__(self) -> "House":
        # The test's own deadline is set once its coroutine waits for the first time.
        await pause(self.reactor)
        self._before = set(map(id, self.reactor.getReaders()))
        self._timers = set(map(id, self.reactor.getDelayedCalls()))
        return self

    async def __aexit__(self, kind, *_) -> None:
        try:
            await self.stop()
            for server in self.servers:
                await server.stop()
            await pause(self.reactor, 0.01)
            if kind is None:
                await self._check()
        finally:
            shutil.rmtree(self.root)

    async def _check(self) -> None:
        """See that nothing is left; what ends by itself, such as a handshake, has a moment."""
        for _ in range(500):
            if not self._left():
                return
            await pause(self.reactor, 0.01)
        raise AssertionError(f"this is left: {self._left()}")

    def _left(self) -> list[object]:
        threads = [one.name for one in threading.enumerate() if one.name.startswith(_THREADS)]
        readers = [one for one in self.reactor.getReaders() if id(one) not in self._before]
        timers = [
            one
            for one in self.reactor.getDelayedCalls()
            if one.active() and id(one) not in self._timers
        ]
        return [*threads, *readers, *timers]

    async def start(self) -> None:
        """Start the daemon, and attach the frontend."""
        self.daemon = Daemon(
            self.reactor,
            self.paths,
            lambda: self.stops.append(None),
            now=lambda: time.time() + self.clock_is_off,
        )
        self.daemon.begin()
        self.frontend = await self.attach()
        self.call, self.refused = self.frontend.call, self.frontend.refused
        self.expect, self.forbid = self.frontend.expect, self.frontend.forbid

    async def attach(self, **how) -> Frontend:
        """Attach another frontend; the caller closes it."""
        return await attach(self.reactor, self.paths.socket, **how)

    async def stop(self) -> None:
        """End the daemon."""
        daemon, self.daemon = self.daemon, None
        if daemon is None:
            return
        await self.frontend.close()
        for session in list(daemon.hub.sessions):
            session._line.close()  # as the end of the process does
        await daemon.end()
        await pause(self.reactor)

    async def restart(self) -> None:
        """End the daemon and start another one in the same home."""
        await self.stop()
        await self.start()

    async def crash(self) -> None:
        """Start another daemon on what this one would leave if it were killed now."""
        database = Path(self.paths.database)
        left = {
            path: path.read_bytes()
            for path in database.parent.glob(f"{database.name}*")
            if not path.name.endswith("-shm")
        }
        await self.stop()
        for path in database.parent.glob(f"{database.name}*"):
            path.unlink()
        for path, data in left.items():
            path.write_bytes(data)
        await self.start()

    def server(self, name: str = "alice", **options) -> HostileServer:
        """Return a new server that knows one user."""
        number = len(self.servers)
        server = HostileServer(self.reactor, self._folder / f"server{number}", **options)
        server.user = name
        server.listen()
        self.servers.append(server)
        return server

    async def profile(
        self, name: str = "alice", *, roster: str = BOB, connect: bool = True, **how
    ) -> Person:
        """Make a profile with a server of its own, online by default.

        :param how: for :meth:`Person.online`
        """
        person = Person(self, name, self.server(name), roster)
        await self.call(
            "profile.create",
            name=name,
            jid=person.jid,
            password=person.server.password,
            server=f"127.0.0.1:{person.server.port}",
            ca=person.server.ca,
            autoconnect=False,
        )
        if connect:
            connecting = self.call("profile.connect", name=name)
            await person.online(**how)
            await connecting
        return person

    def rows(self, statement: str, *values: object) -> list[tuple]:
        """Read the database from outside, as it is on disk."""
        connection = sqlite3.connect(f"file:{self.paths.database}?mode=ro", uri=True)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def plugin(self, name: str, text: str) -> Path:
        """Put a plugin into the user's folder."""
        path = Path(self.paths.plugins) / f"{name}.py"
        path.write_text(text)
        return path


class _Started:
    def __init__(self, home: House) -> None:
        self._home = home

    async def __aenter__(self) -> House:
        await self._home.__aenter__()
        try:
            await self._home.start()
        except BaseException as error:
            await self._home.__aexit__(type(error), error, None)
            raise
        return self._home

    async def __aexit__(self, *what) -> None:
        await self._home.__aexit__(*what)


def house(reactor, folder: Path, plugins: dict[str, str] | None = None) -> _Started:
    """Return a running daemon, for ``async with``.

    :param plugins: the texts of files in the user's plugin folder, by name
    """
    home = House(reactor, folder)
    for name, text in (plugins or {}).items():
        home.plugin(name, text)
    return _Started(home)


def fill(home: House) -> None:
    """Let the database find no room for more than a few pages."""
    connection = home.daemon._journal._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + 1}")


def free(home: House) -> None:
    """Let the database have room again."""
    home.daemon._journal._connection.execute("PRAGMA max_page_count=1000000000")
