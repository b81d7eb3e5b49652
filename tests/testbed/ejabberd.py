"""A private ejabberd on loopback."""

import json
import sqlite3
import string
import urllib.request
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

from tests.testbed.certificates import Authority
from tests.testbed.processes import LOOPBACK, MissingProgram, find_program
from tests.testbed.server import Server

TEMPLATE = Path(__file__).with_name("ejabberd.yml")
#: What of its configuration lets SQLite keep the archives. Its own database keeps all messages of
#: an account at one key, which is read through for each that is added.
IN_SQLITE = """\
sql_type: sqlite
sql_database: "$database"
"""
SCHEMA = Path("/usr/share/ejabberd/sql/lite.sql")
#: Where Debian has its Erlang code; ejabberdctl, which knows, insists on a user of its own.
LIBRARIES = "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"


class Ejabberd(Server):
    """An ejabberd of one's own; it is up within three seconds.

    It runs as a node without a name: such a one needs no epmd, and no cookie.

    :param users: passwords by name
    :param without: modules which a test doesn't want, such as "mod_stream_mgmt" or "mod_mam"
    :param password_hash: "sha", "sha256" or "sha512": the SCRAM which it offers
    :param upload_limit: the largest file it takes, in bytes
    :param archive: what keeps the messages: "mnesia", its own, or "sqlite", for large archives
    :param debug: log every stanza
    """

    name = "ejabberd"
    complaint = "Failed to open socket"
    port_names = ("c2s", "direct_tls", "https", "api")
    patience = 30.0

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        host: str = "localhost",
        without: Collection[str] = (),
        password_hash: str = "sha",
        upload_limit: int = 200 * 1024 * 1024,
        archive: str = "mnesia",
        debug: bool = False,
        authority: Authority | None = None,
    ) -> None:
        self._without = without
        self._password_hash = password_hash
        self._upload_limit = upload_limit
        self._archive = archive
        self._level = "debug" if debug else "info"
        self._unregistered: set[str] = set()
        self._unwritten: set[str] = set()
        super().__init__(users, host, authority)

    @property
    def archives(self) -> bool:
        """Whether it keeps archives (XEP-0313)."""
        return "mod_mam" not in self._without

    @property
    def survives(self) -> bool:
        """Whether what it took is kept when it is killed: not what came in the last seconds."""
        return False

    @property
    def resumes_exactly(self) -> bool:
        """Whether sessions are resumed exactly: some messages come late, some twice (23.01)."""
        return False

    def kill(self) -> None:
        """End it as a power cut does: what it took in the last seconds is lost, but its people."""
        super().kill()
        self._unregistered |= set(self.passwords)
        self._unwritten |= set(self._friends)

    def add_user(self, name: str, password: str) -> None:
        """Register a user; it may be running or not."""
        self.passwords[name] = password
        self._unregistered.add(name)
        if self._process is not None:
            self._started()

    def set_password(self, name: str, password: str) -> None:
        """Change the password of a user, as an administrator does while it runs."""
        self.passwords[name] = password
        self.api("change_password", user=name, host=self.host, newpass=password)

    def remove_user(self, name: str) -> None:
        """Delete the account of a user, as an administrator does while it runs."""
        self.api("unregister", user=name, host=self.host)
        del self.passwords[name]

    def api(self, command: str, **arguments: object) -> object:
        """Run a command of ejabberdctl, and return what it answers.

        :raises OSError: if it refuses
        """
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.ports['api']}/api/{command}",
            json.dumps(arguments).encode(),
            {"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return json.loads(answer.read())

    def _write_rosters(self, names: tuple[str, ...]) -> None:
        self._unwritten |= set(names)
        if self._process is not None:
            self._started()

    def _started(self) -> None:
        known = self.api("registered_users", host=self.host)
        assert isinstance(known, list)
        for name in sorted(self._unregistered - set(known)):
            self.api("register", user=name, host=self.host, password=self.passwords[name])
        for name in sorted(self._unwritten):
            for friend in sorted(self._friends[name]):
                self.api(
                    "add_rosteritem",
                    localuser=name,
                    localhost=self.host,
                    user=friend,
                    host=self.host,
                    nick=friend,
                    group="",
                    subs="both",
                )
        self._unregistered.clear()
        self._unwritten.clear()

    def _command(self, ports: Mapping[str, int]) -> list[str]:
        program = find_program("erl", "ejabberd")
        self._libraries()
        config = self.folder / "ejabberd.yml"
        config.write_text(self._configuration(ports))
        # It would resolve names outside of this machine.
        (self.folder / "inetrc").write_text(
            '{lookup, [file]}.\n{host, {127,0,0,1}, ["localhost"]}.\n'
        )
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        return [
            *(program, "-noinput", "-s", "ejabberd"),
            # It spins when idle, and takes a thread for each core.
            *("+S", "1:1", "+SDio", "1", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"),
            *("-mnesia", "dir", f'"{data}"'),
        ]

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {
            "HOME": str(self.folder),
            "ERL_LIBS": self._libraries(),
            "ERL_INETRC": str(self.folder / "inetrc"),
            "ERL_CRASH_DUMP_BYTES": "0",
            "EJABBERD_CONFIG_PATH": str(self.folder / "ejabberd.yml"),
            "EJABBERD_LOG_PATH": str(self.folder / "ejabberd-own.log"),
            "CONTRIB_MODULES_PATH": str(self.folder / "contrib"),
        }

    def _libraries(self) -> str:
        for path in LIBRARIES:
            if list(Path(path).glob("ejabberd-*")):
                return path
        raise MissingProgram(
            "“ejabberd” is not installed. Install it with:  sudo apt-get install"
            " --no-install-recommends ejabberd"
        )

    def _configuration(self, ports: Mapping[str, int]) -> str:
        text = string.Template(TEMPLATE.read_text()).substitute(
            ports,
            folder=self.folder,
            host=self.host,
            level=self._level,
            password_hash=self._password_hash,
            upload_limit=self._upload_limit,
            ca=self.ca,
            certificate=self._certificate,
            key=self._key,
        )
        if self._archive == "sqlite":
            text = self._with_sqlite(text)
        unwanted = tuple(f"  {name}:" for name in self._without)
        return "".join(
            line for line in text.splitlines(keepends=True) if not line.startswith(unwanted)
        )

    def _with_sqlite(self, text: str) -> str:
        """Return a configuration whose archives SQLite keeps, in a database that is there."""
        database = self.folder / "archive.db"
        if not database.exists():
            with closing(sqlite3.connect(database)) as connection:
                # What a kill of the process leaves is whole without waiting for the disk.
                connection.executescript(f"PRAGMA journal_mode = WAL;{SCHEMA.read_text()}")
        sqlite = string.Template(IN_SQLITE).substitute(database=database)
        return sqlite + text.replace("mod_mam: {db_type: mnesia", "mod_mam: {db_type: sql")
