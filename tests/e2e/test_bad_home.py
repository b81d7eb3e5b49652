"""A home that can't be used, or a daemon in it that is gone: told in a sentence, nothing lost."""

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.e2e.refusals import as_root, bodies, refused
from tests.testbed import Daemon
from tests.testbed.processes import end_process, wait_until

pytestmark = pytest.mark.any_server

NOBODY = 65534


def read(path: Path) -> bytes:
    """Return what is in a file of a process, as far as that is ours and there."""
    with suppress(OSError):
        return path.read_bytes()
    return b""


@pytest.fixture
def home(server, people) -> Iterator[SimpleNamespace]:
    """A home of one's own with a message in it, whose daemon is stopped."""
    daemon = Daemon()
    try:
        (name,) = people("alice")
        daemon.start()
        daemon.profile(name, server, connect=False)
        daemon.jp("-p", name, "message", "send", "bob@localhost", "kept")
        daemon.stop()
        yield SimpleNamespace(daemon=daemon, name=name, database=daemon.home / "sat.db")
    finally:
        daemon.remove()


def all_is_there(home: SimpleNamespace) -> None:
    home.daemon.start()
    assert bodies(home.daemon, home.name, "bob@localhost") == ["kept"]


def test_a_database_of_a_newer_version(home):
    def set_version(number: str) -> str:
        connection = sqlite3.connect(home.database)
        (before,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = ?", (number,))
        connection.commit()
        connection.close()
        return before

    present = set_version("9999")
    words = (str(home.database), "newer version", "upgrade, or restore an older backup")
    refused(home.daemon.sat("start", check=False), 1, *words, program="sat")
    refused(home.daemon.sat("run", check=False), 1, *words, program="sat")
    refused(home.daemon.jp("profile", "list", check=False), 3, *words)
    set_version(present)
    all_is_there(home)


@pytest.mark.parametrize("harm", ["all", "half", "pages"])
def test_a_damaged_database(home, harm):
    home.daemon.start()
    copy = home.daemon.home / "copy.sat"
    home.daemon.sat("backup", copy)
    home.daemon.stop()
    data = home.database.read_bytes()
    harmed = {
        "all": b"\xa5" * len(data),
        "half": data[: len(data) // 2],
        "pages": data[:8192] + b"\xa5" * (len(data) - 8192),
    }[harm]
    home.database.write_bytes(harmed)
    words = (str(home.database), "can't be read", "restore a backup with sat restore FILE")
    refused(home.daemon.sat("start", check=False), 1, *words, program="sat")
    refused(home.daemon.jp("profile", "list", check=False), 3, *words)
    home.daemon.sat("restore", copy)
    all_is_there(home)


def test_a_database_that_is_damaged_in_one_place(home):
    """The daemon runs, and what does not need that place works."""
    whole = home.database.read_bytes()
    connection = sqlite3.connect(home.database)
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    pages = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'message' AND rootpage > 0"
    ).fetchall()
    connection.close()
    with home.database.open("r+b") as file:
        for (page,) in pages:
            file.seek((page - 1) * size)
            file.write(b"\xa5" * size)
    home.daemon.start()
    line = ("-p", home.name, "message", "list", "bob@localhost")
    words = ("database", "malformed", "restore a backup with sat restore FILE")
    refused(home.daemon.jp(*line, check=False), 1, *words)
    assert home.daemon.json("profile", "list")[0]["name"] == home.name
    home.daemon.stop()
    home.database.write_bytes(whole)
    all_is_there(home)


def test_two_that_start_at_once_are_one(home):
    daemon = home.daemon
    starts = [
        subprocess.Popen(daemon.command("sat", "start"), env=daemon.environment, stderr=-1)
        for _ in range(2)
    ]
    try:
        assert [(one.communicate(timeout=30)[1], one.returncode) for one in starts] == [
            (b"", 0)
        ] * 2
    finally:
        for one in starts:
            end_process(one)
    home_of = f"SAT_HOME={daemon.home}\0".encode()
    mine = [
        process.name
        for process in Path("/proc").glob("[0-9]*")
        if home_of in read(process / "environ") and b"\0run\0" in read(process / "cmdline")
    ]
    assert mine == [str(daemon.pid)]
    all_is_there(home)


def test_a_killed_daemon_is_started_again(home):
    home.daemon.start()
    home.daemon.kill()
    home.daemon.environment["SAT_NO_START"] = "1"
    refused(home.daemon.jp("profile", "list", check=False), 3, "No daemon is running", "sat start")
    refused(home.daemon.sat("status", check=False), 3, "sat start", program="sat")
    del home.daemon.environment["SAT_NO_START"]
    assert bodies(home.daemon, home.name, "bob@localhost") == ["kept"]


def test_a_daemon_that_dies_during_a_call(home, server):
    home.daemon.start()
    follower = subprocess.Popen(
        home.daemon.command("jp", "event", "follow", "--type", "profile.changed"),
        env=home.daemon.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert wait_until(
            lambda: json.loads(home.daemon.sat("status", "--json").stdout)["sessions"] >= 2, 10
        )
        os.kill(home.daemon.pid or 0, signal.SIGKILL)
        _, told = follower.communicate(timeout=10)
    finally:
        end_process(follower)
    assert follower.returncode == 3
    assert told.startswith("jp: ") and told.count("\n") == 1 and "daemon" in told, told
    all_is_there(home)


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        ("{home}/file", 7, ("file", "can't be used", "set SAT_HOME")),
        ("{home}/file/below", 7, ("not a directory", "set SAT_HOME")),
        ("/sys/sat", 7, ("/sys/sat", "can't be used", "set SAT_HOME")),
        ("{home}/" + "x" * 120, 2, ("107", "set SAT_HOME to a shorter path")),
    ],
)
def test_a_home_that_can_not_be(tmp_path, place, code, words):
    (tmp_path / "file").touch()
    daemon = Daemon(home=tmp_path / "empty")
    daemon.environment["SAT_HOME"] = place.format(home=tmp_path)
    refused(daemon.sat("start", check=False), code, *words, program="sat")
    refused(daemon.sat("run", check=False), code, *words, program="sat")
    done = daemon.jp("profile", "list", check=False)
    # Whether it is found when looking for a daemon or when starting one.
    refused(done, done.returncode if done.returncode in (code, 3) else code, *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]


def test_a_home_of_another_user(tmp_path):
    daemon = Daemon(home=tmp_path / "theirs")
    assert as_root("chown", str(NOBODY), str(daemon.home)).returncode == 0
    try:
        for program, line in (("sat", ("status",)), ("jp", ("profile", "list"))):
            done = daemon.run(program, *line, check=False)
            refused(done, 7, "belongs to another user", "set SAT_HOME", program=program)
    finally:
        as_root("chown", str(os.getuid()), str(daemon.home))


def test_a_home_that_can_only_be_read(tmp_path):
    daemon = Daemon(home=tmp_path / "locked")
    mount = ("mount", "-t", "tmpfs", "-o", f"ro,size=1m,uid={os.getuid()},mode=700", "tmpfs")
    done = as_root(*mount, str(daemon.home))
    assert done.returncode == 0, done.stderr
    try:
        done = subprocess.run(
            daemon.command("sat", "start"), env=daemon.environment, capture_output=True, text=True
        )
        refused(done, 7, "read-only", "set SAT_HOME", program="sat")
    finally:
        as_root("umount", str(daemon.home))
