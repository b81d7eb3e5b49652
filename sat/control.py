"""``sat start|stop|status|logs|backup|restore``: the daemon's programs, seen from outside.

They are clients like any other: none imports Twisted, so each is over in a moment.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sat.bridge import blocking, lock
from sat.bridge.errors import CommandError
from sat.bridge.paths import Home
from sat.bridge.program import sat_command
from sat.frontends.core.clean import clean

#: Seconds that a daemon may take from its start to accepting.
START_LIMIT = 30.0
#: Seconds that it may take to end after it was asked to, and after a signal.
STOP_LIMIT = 10.0
_SIGNAL_LIMIT = 5.0
_PAUSE = 0.02
_LOG_PAUSE = 0.2
#: How every SQLite file begins (sqlite.org/fileformat2.html, section 1.3).
_SQLITE = b"SQLite format 3\0"
_LOG_LIMIT = 10 * 1024 * 1024


def start(place: Home) -> bool:
    """Start the daemon, and return once it accepts; False if it runs already.

    :raises CommandError: ``failed.start`` with the daemon's own last words
    """
    place.prepare()
    # One that is ending still holds the lock; one that is beginning will accept.
    _wait(lambda: _accepts(place) or lock.holder(place.lock) is None, STOP_LIMIT)
    if _accepts(place):
        return False
    pid = lock.holder(place.lock)
    if pid is not None:
        raise CommandError(
            "failed.start",
            f"A daemon (pid {pid}) holds this home and does not accept: “sat stop” ends it.",
        )
    log = Path(place.log)
    before, child = _spawn(log)
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end:
        if _accepts(place):
            # Of two that are started at once, one ends because the other has the lock.
            return child.poll() is None
        if child.poll() is not None and lock.holder(place.lock) is None:
            raise CommandError("failed.start", _last_words(log, before, child.returncode))
        time.sleep(_PAUSE)
    if child.poll() is None:
        child.terminate()
    raise CommandError(
        "timeout.start",
        f"The daemon did not accept within {START_LIMIT:g} seconds, and was stopped: its log, "
        f"{log}, tells more.",
    )


def stop(place: Home) -> bool:
    """Ask the daemon to end, and return once it has; False if none ran.

    :raises CommandError: ``timeout.stop`` if it goes on after a SIGTERM too
    """
    if lock.holder(place.lock) is None:
        return False
    # A daemon that does not answer is sent a signal below, for the same end.
    with (
        contextlib.suppress(CommandError),
        blocking.Client(place.socket, name="sat", timeout=_SIGNAL_LIMIT) as client,
    ):
        client.call("daemon.stop")
        if _wait(lambda: lock.holder(place.lock) is None, STOP_LIMIT):
            return True
    pid = lock.holder(place.lock)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    if _wait(lambda: lock.holder(place.lock) is None, _SIGNAL_LIMIT):
        return True
    raise CommandError(
        "timeout.stop",
        f"The daemon (pid {pid}) did not end {_SIGNAL_LIMIT:g} seconds after a SIGTERM: its log "
        f"(sat logs) may tell why; kill -9 {pid} ends it, and nothing that was stored is lost.",
    )


def status(place: Home) -> dict[str, object]:
    """Ask the daemon how it is: the ``Status`` of the bridge.

    :raises CommandError: ``daemon.missing`` if none runs
    """
    place.check_runtime()
    with blocking.Client(place.socket, name="sat") as client:
        answer = client.call("daemon.status")
    return answer if isinstance(answer, dict) else {}


def backup(place: Home, path: str) -> None:
    """Let the running daemon write a copy of its database to a new file.

    The file is opened here: the daemon never opens a path that somebody names.

    :raises CommandError: ``usage.file`` if the file exists; what the daemon refuses
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise CommandError(
            "usage.file", f"{path} exists, and a backup overwrites nothing: name another file."
        ) from None
    except OSError as error:
        raise CommandError("failed.file", f"{path} can't be written: {error.strerror}.") from error
    try:
        place.check_runtime()
        with blocking.Client(place.socket, name="sat", timeout=None) as client:
            client.call_with_files([descriptor], "daemon.backup")
        os.fsync(descriptor)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def restore(place: Home, path: str) -> None:
    """Put a backup in the place of the database; a daemon that runs is stopped and started again.

    :raises CommandError: ``unknown.file`` if there is no such file; ``failed.backup`` if it is none
    """
    _check_backup(path)
    place.prepare()
    ran = stop(place)
    # SQLAlchemy is needed for this alone, and the commands above are to be quick.
    from sat.backend.backup import restore as put_back

    try:
        put_back(path, place)
    finally:
        if ran:
            start(place)


def _check_backup(path: str) -> None:
    """Refuse what is plainly no backup while the daemon still runs."""
    try:
        with Path(path).open("rb") as opened:
            head = opened.read(len(_SQLITE))
    except FileNotFoundError:
        raise CommandError("unknown.file", f"There is no file {path}.") from None
    except OSError as error:
        raise CommandError("denied.file", f"{path} can't be read: {error.strerror}.") from error
    if head != _SQLITE:
        raise CommandError("failed.backup", f"{path} is not a backup that “sat backup” has made.")


def logs(place: Home, lines: int, follow: bool) -> None:
    """Print the last lines of the daemon's log; with ``follow`` also those to come, without end.

    :raises CommandError: ``unknown.log`` if nothing was ever logged
    """
    try:
        log = open(place.log, "rb")  # noqa: PTH123, SIM115
    except FileNotFoundError:
        raise CommandError(
            "unknown.log", f"There is no log yet ({place.log}): no daemon was started here."
        ) from None
    with log:
        for line in _tail(log.fileno(), lines):
            _print_log(line)
        sys.stdout.flush()
        while follow:
            part = log.read()
            if part:
                _print_log(part)
                sys.stdout.flush()
                continue
            with contextlib.suppress(FileNotFoundError):
                if os.stat(place.log).st_ino != os.fstat(log.fileno()).st_ino:  # noqa: PTH116
                    return logs(place, 0, True)
            time.sleep(_LOG_PAUSE)


def _spawn(log: Path) -> tuple[int, "subprocess.Popen[bytes]"]:
    """Start ``sat run`` with its output in the log; return where in the log that begins."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    command, environment = sat_command(["run"])
    with open(log, "ab", opener=_private) as sink:
        # A session of its own: it outlives the terminal, and its Ctrl-C.
        child = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            cwd="/",
        )
        return sink.tell(), child


def _tail(descriptor: int, lines: int) -> list[bytes]:
    """Return the last lines of a file, and leave the descriptor at its end."""
    size = os.fstat(descriptor).st_size
    start_at = size
    data = b""
    while start_at > 0 and data.count(b"\n") <= lines:
        step = min(64 * 1024, start_at)
        start_at -= step
        data = os.pread(descriptor, step, start_at) + data
    os.lseek(descriptor, size, os.SEEK_SET)
    return data.splitlines(keepends=True)[-lines:] if lines else []


def _print_log(data: bytes) -> None:
    """Print lines of the log; what a peer's text holds is shown, never obeyed by the terminal."""
    sys.stdout.write(clean(data.decode(errors="replace")))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _accepts(place: Home) -> bool:
    try:
        blocking.Client(place.socket, name="sat").close()
    except CommandError as error:
        if error.name == "daemon.missing":
            return False
        raise
    return True


def _last_words(log: Path, before: int, code: int) -> str:
    with log.open("rb") as opened:
        opened.seek(before)
        lines = opened.read().decode(errors="replace").strip().splitlines()
    if not lines and not os.statvfs(log.parent).f_bavail:
        # There is none either for what it would have said.
        return f"The disk of {log.parent} is full: make room there, then start the daemon again."
    if not lines:
        return f"The daemon ended at once, with exit code {code} and without a word."
    return lines[-1].removeprefix("sat: ")


def _wait(condition: Callable[[], bool], limit: float) -> bool:
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True
