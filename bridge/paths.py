"""Where everything of a home is: the socket, the database, the log, the lock.

The places are those of the XDG base directory specification 0.8, or all below ``$SAT_HOME`` where
that is set. Every program of the house begins with this module, and jp has milliseconds: so it
imports ``os`` alone, and its paths are strings.
"""
# ruff: noqa: PTH100, PTH101, PTH103, PTH111, PTH116

import os

from sat.bridge.errors import CommandError

#: The longest path of a Unix socket, in bytes (``sun_path`` of unix(7), without its final NUL).
MAX_SOCKET_PATH = 107

_APP = "sat"


class Home:
    """The folders of one daemon, and the files in them.

    :param environment: where ``SAT_HOME``, ``HOME``, ``XDG_*`` and ``TMPDIR`` are looked up
    """

    __slots__ = ("cache", "config", "data", "root", "runtime", "state")

    def __init__(self, environment: "os._Environ[str] | dict[str, str]") -> None:
        root = environment.get("SAT_HOME", "")
        #: ``$SAT_HOME`` as an absolute path, or None where the XDG directories count.
        self.root: str | None = os.path.abspath(root) if root.strip() else None
        if self.root is not None:
            self.data = self.config = self.state = self.runtime = self.root
            self.cache = f"{self.root}/cache"
            return
        user = environment.get("HOME") or os.path.expanduser("~")
        self.data = _xdg(environment, "XDG_DATA_HOME", f"{user}/.local/share")
        self.config = _xdg(environment, "XDG_CONFIG_HOME", f"{user}/.config")
        self.state = _xdg(environment, "XDG_STATE_HOME", f"{user}/.local/state")
        #: The folder of what can be fetched again; whoever writes there makes it.
        self.cache = _xdg(environment, "XDG_CACHE_HOME", f"{user}/.cache")
        #: The folder of the socket, for its owner alone.
        self.runtime = _xdg(environment, "XDG_RUNTIME_DIR", "")
        if not self.runtime:
            temporary = environment.get("TMPDIR", "")
            temporary = temporary if temporary.startswith("/") else "/tmp"  # noqa: S108
            self.runtime = f"{temporary.rstrip('/')}/{_APP}-{os.getuid()}"

    @property
    def socket(self) -> str:
        """The Unix socket on which the daemon accepts frontends.

        :raises CommandError: ``usage.path`` if the path is too long for a socket
        """
        path = f"{self.runtime}/bridge.sock"
        size = len(os.fsencode(path))
        if size > MAX_SOCKET_PATH:
            raise CommandError(
                "usage.path",
                f"The path of the socket, {path}, has {size} bytes and a Unix socket takes at most "
                f"{MAX_SOCKET_PATH}: set {'SAT_HOME' if self.root else 'XDG_RUNTIME_DIR'} to a "
                "shorter path.",
            )
        return path

    @property
    def database(self) -> str:
        """The SQLite file of history, roster and journal."""
        return f"{self.data}/sat.db"

    @property
    def secrets(self) -> str:
        """The file of passwords, for where no keyring works."""
        return f"{self.data}/secrets.json"

    @property
    def certificate(self) -> str:
        """The file of the daemon's own certificate and its key, for frontends elsewhere."""
        return f"{self.data}/bridge.pem"

    @property
    def remotes(self) -> str:
        """The file of daemons on other machines, with the tokens for them."""
        return f"{self.config}/remotes.json"

    @property
    def lock(self) -> str:
        """The file that the running daemon holds locked; it names the daemon's pid."""
        return f"{self.data}/lock"

    @property
    def log(self) -> str:
        """The file that the daemon writes its log to."""
        return f"{self.state}/sat.log" if self.root else f"{self.state}/log/sat.log"

    @property
    def plugins(self) -> str:
        """The folder of the person's own plugins."""
        return f"{self.data}/plugins"

    def prepare(self) -> None:
        """Make the folders that are missing, and see to it that they are the owner's alone.

        :raises CommandError: ``denied.folder`` if one can't be made or isn't safe, ``usage.path``
            if the socket's path would be too long
        """
        self.socket  # noqa: B018 - told before anything is made
        folders = [self.data, self.config, self.state, self.log.rpartition("/")[0], self.plugins]
        for folder in dict.fromkeys(folders):
            _make(folder)
        try:
            os.makedirs(self.runtime, mode=0o700, exist_ok=True)
        except OSError as error:
            raise _refuse(self.runtime, _reason(error)) from error
        self.check_runtime()

    def check_runtime(self) -> None:
        """See to it that nobody else can have put the socket where it is.

        Nothing is checked where the folder doesn't exist: then there is no socket either.

        :raises CommandError: ``denied.folder``
        """
        try:
            found = os.lstat(self.runtime) if self.root is None else os.stat(self.runtime)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refuse(self.runtime, f"it can't be looked at ({_reason(error)})") from error
        if found.st_mode & 0o170000 != 0o040000:
            raise _refuse(self.runtime, "it is not a folder")
        if found.st_uid != os.geteuid():
            raise _refuse(self.runtime, "it belongs to another user")
        if self.root is None and found.st_mode & 0o077:
            raise _refuse(self.runtime, f"others may enter it: run chmod 700 {self.runtime}")


def home() -> Home:
    """Return the home that the environment names."""
    return Home(os.environ)


def socket_path() -> str:
    """Return the path of the running daemon's socket, once its folder is found to be safe.

    :raises CommandError: ``usage.path`` if it is too long, ``denied.folder`` if it isn't safe
    """
    found = home()
    path = found.socket
    found.check_runtime()
    return path


def _xdg(environment: "os._Environ[str] | dict[str, str]", name: str, default: str) -> str:
    """Return the folder of ours in an XDG base directory; a relative one counts as unset."""
    base = environment.get(name, "")
    base = base if base.startswith("/") else default
    return f"{base.rstrip('/')}/{_APP}" if base else ""


def _make(folder: str) -> None:
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.stat(folder)
        if found.st_uid == os.geteuid() and found.st_mode & 0o077:
            os.chmod(folder, 0o700)
    except OSError as error:
        raise _refuse(folder, _reason(error)) from error


def _refuse(folder: str, reason: str) -> CommandError:
    return CommandError(
        "denied.folder",
        f"The folder {folder} can't be used: {reason}. Mend that, or set SAT_HOME to a folder of "
        "your own.",
    )


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
