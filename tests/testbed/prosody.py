"""A private Prosody on loopback."""

import re
import string
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from tests.testbed.certificates import Authority
from tests.testbed.processes import find_program
from tests.testbed.server import Server

MODULES = (
    *("admin_shell", "blocklist", "bookmarks", "carbons", "csi_simple", "disco", "lastactivity"),
    *("mam", "pep", "ping", "posix", "private", "roster", "saslauth", "smacks", "time", "tls"),
    *("uptime", "vcard4", "vcard_legacy", "version"),
)
SASL2_MODULES = ("sasl2_compat012", "sasl2", "sasl2_bind2", "sasl2_fast")
TEMPLATE = Path(__file__).with_name("prosody.cfg.lua")


class Prosody(Server):
    """A Prosody of one's own; it is up within a second.

    :param users: passwords by name
    :param without: modules which a test doesn't want, such as "smacks" or "mam"
    :param modules: modules which a test wants beside the usual ones
    :param password_hash: "SHA-1" or "SHA-256": the SCRAM which it offers
    :param sasl2: whether it knows SASL2, Bind 2 and tokens (of Debian's prosody-modules)
    :param upload_limit: the largest file it takes, in bytes
    :param files_at: the port at which it says that files are; by default its own
    :param page: how many archived messages it gives at a time, at most
    :param archive: where messages are archived: "internal", in files, or "memory", which is lost
        with the process, and quick however many there are
    :param debug: log every stanza
    :param wants: what it wants to know of who registers, such as "email+" (which has to be told)
    :param authority: signs its certificate; by default one of its own
    :param federated: it talks with the servers that `meet` tells it of; by default with none
    """

    name = "Prosody"
    complaint = "Failed to open server port"
    port_names: tuple[str, ...] = ("c2s", "direct_tls", "https", "proxy65")

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        host: str = "localhost",
        without: Collection[str] = (),
        modules: Collection[str] = (),
        password_hash: str = "SHA-1",
        sasl2: bool = False,
        upload_limit: int = 200 * 1024 * 1024,
        files_at: int = 0,
        archive: str = "internal",
        page: int = 50,
        debug: bool = False,
        authority: Authority | None = None,
        federated: bool = False,
        wants: Collection[str] = (),
    ) -> None:
        self._without = without
        more = SASL2_MODULES if sasl2 else ()
        self._modules = {*MODULES, *modules, *more} - set(without)
        #: The SCRAM which it offers from the next start on; a user is to be added anew for it.
        self.password_hash = password_hash
        self._upload_limit = upload_limit
        self._files_at = files_at
        self._archive = archive
        self._page = page
        self._level = "debug" if debug else "info"
        self._wants = wants
        self._neighbours: dict[str, int] = {}
        if federated:
            self.port_names = (*self.port_names, "s2s")
            self._modules |= {"dialback", "s2s_neighbours"}
        super().__init__(users, host, authority)

    def meet(self, *others: "Prosody") -> None:
        """Tell it where other servers are, before it starts."""
        for other in others:
            other.ports = other.ports or other.pick_ports()
            self._neighbours[other.host] = other.ports["s2s"]

    @property
    def archives(self) -> bool:
        """Whether it keeps archives (XEP-0313)."""
        return "mam" in self._modules

    @property
    def survives(self) -> bool:
        """Whether what it took is kept when it is killed."""
        return True

    def add_user(self, name: str, password: str) -> None:
        """Register a user; it may be running or not. It hashes the password at the first login."""
        self.passwords[name] = password
        self._store("accounts", name, f'return {{ ["password"] = {_quoted(password)} }};')

    def set_password(self, name: str, password: str) -> None:
        """Change the password of a user, as an administrator does while it runs."""
        self.passwords[name] = password
        self.shell(f"user:password({_quoted(self.jid(name))}, {_quoted(password)})")

    def remove_user(self, name: str) -> None:
        """Delete the account of a user, as an administrator does while it runs."""
        self.shell(f"user:delete({_quoted(self.jid(name))})")
        del self.passwords[name]

    def _write_rosters(self, names: tuple[str, ...]) -> None:
        for user in names:
            items = "".join(
                f", [{_quoted(self.jid(friend))}] = {{ subscription = 'both', groups = {{}} }}"
                for friend in sorted(self._friends[user])
            )
            self._store("roster", user, f"return {{ [false] = {{ version = 1 }}{items} }};")

    def shell(self, command: str) -> str:
        """Run a command of Prosody's console, such as `c2s:closeall()`, and return what it says."""
        result = subprocess.run(
            [find_program("prosodyctl", "prosody"), "--config", self._config, "shell", command],
            capture_output=True,
            text=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
        )
        return result.stdout + result.stderr

    @property
    def _config(self) -> Path:
        return self.folder / "prosody.cfg.lua"

    def _command(self, ports: Mapping[str, int]) -> list[str]:
        program = find_program("prosody", "prosody")
        self._config.write_text(self._configuration(ports))
        return [program, "--config", str(self._config), "-F"]

    def _started(self) -> None:
        """Nothing waits: it reads its users and rosters from files."""

    def _configuration(self, ports: Mapping[str, int]) -> str:
        def lua_list(names: Collection[str]) -> str:
            return ", ".join(_quoted(name) for name in sorted(names))

        return string.Template(TEMPLATE.read_text()).substitute(
            {"s2s": "", **ports},
            modules=TEMPLATE.parent,
            neighbours=", ".join(
                f"[{_quoted(host)}] = {port}" for host, port in self._neighbours.items()
            ),
            folder=self.folder,
            plugins=TEMPLATE.with_name("modules"),
            host=self.host,
            level=self._level,
            archive=self._archive,
            page=self._page,
            enabled=lua_list(self._modules),
            wants=lua_list(self._wants),
            # It would resolve names outside of this machine.
            disabled=lua_list({*self._without, *(() if "s2s" in ports else ("s2s",))}),
            password_hash=self.password_hash,
            upload_limit=self._upload_limit,
            files=self._files_at or ports["https"],
            ca=self.ca,
            certificate=self._certificate,
            key=self._key,
        )

    def _data_file(self, store: str, user: str) -> Path:
        return self.folder / "data" / _encoded(self.host) / store / f"{_encoded(user)}.dat"

    def _store(self, store: str, user: str, lua: str) -> None:
        file = self._data_file(store, user)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(lua)


def _encoded(name: str) -> str:
    """Return a name as Prosody's storage writes it in paths."""
    return re.sub(r"[^A-Za-z0-9]", lambda found: f"%{ord(found[0]):02x}", name)


def _quoted(text: str) -> str:
    """Return a string of Lua."""
    return '"' + re.sub(r'[\\"\n]', lambda found: "\\" + found[0], text) + '"'
