"""``sat start|stop|status|logs|backup|restore`` on a daemon that is real, in a home of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from tests.testbed.daemon import Daemon
from tests.testbed.processes import wait_until


@pytest.fixture
def daemon():
    """A daemon in an empty home."""
    with Daemon() as running:
        yield running


@pytest.fixture
def home():
    """An empty home where nothing runs."""
    made = Daemon()
    yield made
    made.remove()


def fails(daemon, code, *arguments, program="sat"):
    """Run a program that must end with a code and one sentence; return the sentence."""
    done = daemon.run(program, *arguments, check=False)
    assert done.returncode == code, done
    assert done.stderr.startswith(f"{program}: ") and done.stderr.count("\n") == 1, done
    return done.stderr


def test_a_daemon_starts_once_and_stops(home):
    assert "No daemon is running" in fails(home, 3, "status")
    assert home.sat("start").stdout == ""
    pid = home.pid
    home.sat("start")
    assert home.pid == pid
    status = json.loads(home.sat("status", "--json").stdout)
    assert (status["pid"], status["home"], status["profiles"]) == (pid, str(home.home), [])
    assert f"pid {pid}" in home.sat("status").stdout
    home.sat("stop")
    assert home.pid is None
    assert home.sat("stop").stderr == "sat: no daemon was running\n"


def test_of_many_that_start_at_once_one_stays(home):
    starts = [
        subprocess.Popen(
            home.command("sat", "start"),
            env=home.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    assert [(one.communicate(timeout=60), one.returncode) for one in starts] == [
        ((b"", b""), 0)
    ] * 4
    pid = home.pid
    assert pid
    home.sat("stop")
    assert home.sat("logs", "-n", "500").stdout.count("runs in this home") <= 3


def test_a_daemon_that_ends_is_waited_for(daemon):
    pid = daemon.pid
    stop = threading.Thread(target=daemon.sat, args=("stop",))
    stop.start()
    assert wait_until(lambda: daemon.pid != pid or not daemon.socket.exists(), 5)
    daemon.start()
    stop.join()
    assert daemon.pid not in (None, pid)


def test_a_daemon_that_hangs_is_told_of_and_stopped_by_a_signal(daemon):
    pid = daemon.pid
    os.kill(pid, signal.SIGSTOP)
    daemon.socket.unlink()
    told = fails(daemon, 1, "start")
    assert f"(pid {pid}) holds this home" in told
    threading.Timer(1, os.kill, [pid, signal.SIGCONT]).start()
    daemon.sat("stop")
    assert daemon.pid is None


def test_a_killed_daemon_leaves_nothing_in_the_way(daemon):
    daemon.kill()
    assert daemon.socket.exists()
    assert "No daemon is running" in fails(daemon, 3, "status")
    daemon.start()
    assert daemon.pid


def test_why_it_did_not_start_is_told(home):
    home.start()
    home.stop()
    home.home.joinpath("sat.db").write_bytes(b"not a database" * 100)
    told = fails(home, 1, "start")
    assert "Traceback" not in told
    assert "database" in told
    # jp starts the daemon too, and says the same.
    assert "database" in fails(home, 3, "profile", "list", program="jp")


def test_jp_starts_the_daemon_that_it_misses(home):
    assert home.jp("profile", "list").stdout == ""
    assert home.pid


def test_jp_starts_none_when_told_so(home):
    home.environment["SAT_NO_START"] = "1"
    assert "sat start" in fails(home, 3, "profile", "list", program="jp")
    assert home.pid is None


def test_a_home_whose_socket_path_is_too_long(home):
    home.environment["SAT_HOME"] = str(home.home / ("x" * 120))
    told = fails(home, 2, "start")
    assert "107" in told and "SAT_HOME" in told


def test_a_home_may_be_named_from_where_one_is(home):
    root = home.home
    home.environment["SAT_HOME"] = "sub/home"
    home.sat("start")
    status = json.loads(home.sat("status", "--json").stdout)
    assert status["home"] == str(root / "sub" / "home")
    home.sat("stop")


def test_a_home_that_can_not_be_made(home):
    (home.home / "file").touch()
    home.environment["SAT_HOME"] = str(home.home / "file" / "h")
    assert "not a directory" in fails(home, 7, "start")


def test_something_else_on_the_socket(home):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.socket))
        listener.listen()

        def talk():
            connection, _ = listener.accept()
            connection.sendall(b"220 smtp ready\r\n")
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=talk)
        thread.start()
        assert "does not speak its language" in fails(home, 1, "status")
        thread.join()


def test_the_log_is_shown_and_followed(daemon):
    path = daemon.home / "sat.log"
    with path.open("a") as log:
        log.write("".join(f"line {n}\x1b[2J\n" for n in range(50)))
    assert daemon.sat("logs", "-n", "2").stdout == "line 48\nline 49\n"
    assert len(daemon.sat("logs").stdout.splitlines()) == 20
    follower = subprocess.Popen(
        daemon.command("sat", "logs", "-f", "-n", "1"),
        env=daemon.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with follower:
        assert follower.stdout.readline() == "line 49\n"
        with path.open("a") as log:
            log.write("more\n")
        assert follower.stdout.readline() == "more\n"
        follower.send_signal(signal.SIGINT)
        assert follower.communicate(timeout=10) == ("", "")
    assert follower.returncode == 130
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_home_without_log(home):
    assert "no log yet" in fails(home, 6, "logs")


def test_a_backup_of_a_running_daemon_is_restored_into_it(daemon):
    for name in ("alice", "bob"):
        daemon.jp(
            *("profile", "create", name, "--jid", f"{name}@localhost", "--password-stdin"),
            "--no-autoconnect",
            input="secret",
        )
    daemon.sat("backup", "copy.db")
    copy = daemon.home / "copy.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert b"secret" not in copy.read_bytes()
    before = json.loads(daemon.sat("status", "--json").stdout)
    daemon.jp("profile", "delete", "bob")
    assert "overwrites nothing" in fails(daemon, 2, "backup", "copy.db")
    daemon.sat("restore", "copy.db")
    after = json.loads(daemon.sat("status", "--json").stdout)
    assert [one["name"] for one in after["profiles"]] == ["alice", "bob"]
    assert after["pid"] != before["pid"]
    assert after["epoch"] != before["epoch"]


def test_what_can_not_be_restored_stops_nothing(daemon):
    pid = daemon.pid
    (daemon.home / "text").write_text("no database")
    assert "no file" in fails(daemon, 6, "restore", "missing")
    assert "not a backup" in fails(daemon, 1, "restore", "text")
    assert daemon.pid == pid


def test_a_backup_needs_a_daemon_and_leaves_no_file_without(home):
    assert "No daemon" in fails(home, 3, "backup", "copy.db")
    assert not (home.home / "copy.db").exists()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("stat", "Did you mean “start”?"),
        ("start now", "takes nothing more"),
        ("backup", "takes one FILE"),
        ("backup --force", "takes one FILE"),
        ("logs -n many", "-n NUMBER"),
    ],
)
def test_a_line_that_is_not_understood(home, line, sentence):
    assert sentence in fails(home, 2, *line.split())
    assert home.pid is None


def test_help_and_version(home):
    assert home.sat("--help").stdout.startswith("sat: the Salut à Toi daemon")
    assert home.sat("--version").stdout == "sat 0.1.0\n"
    assert home.run("sat", check=False).returncode == 2


def test_the_clients_import_nothing_heavy(home):
    program = "import sys, sat.control, sat.__main__; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "sat.control" in modules
    assert not {"twisted", "asyncio", "msgspec", "sqlalchemy", "rich"} & set(modules)
