"""The private ejabberd: it keeps its ports and data, and leaves nothing, not even an epmd."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.testbed import Ejabberd
from tests.testbed.processes import accepts, is_alive, wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[Ejabberd]:
    with Ejabberd({"alice": "secret"}) as running:
        yield running


def programs(folder: Path) -> set[int]:
    """Return the pids of all that Erlang runs for the server that has its files in a folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name = (entry / "comm").read_text().strip()
                surroundings = (entry / "environ").read_bytes()
            except OSError:
                continue
            of_erlang = name in ("epmd", "beam.smp", "erl_child_setup", "inet_gethost")
            if of_erlang and str(folder).encode() in surroundings:
                found.add(int(entry.name))
    return found


def test_it_leaves_nothing() -> None:
    with Ejabberd() as server:
        pid, ports = server.pid, list(server.ports.values())
        assert is_alive(pid)
        own = programs(server.folder)
        assert pid in own
    assert not is_alive(pid)
    assert not any(map(accepts, ports))
    assert not server.folder.exists()
    assert not {one for one in own if is_alive(one)}
    assert not programs(server.folder)


def test_a_crash_keeps_ports_and_data(server: Ejabberd) -> None:
    pid, ports = server.pid, dict(server.ports)
    server.add_user("bob", "other")
    server.befriend("alice", "bob")
    server.kill()
    assert not accepts(ports["c2s"])
    server.start()
    assert server.pid != pid
    assert server.ports == ports
    users = server.api("registered_users", host=server.host)
    assert isinstance(users, list)
    assert {"alice", "bob"} <= set(users)
    roster = server.api("get_roster", user="alice", host=server.host)
    assert isinstance(roster, list)
    assert [(one["jid"], one["subscription"]) for one in roster] == [("bob@localhost", "both")]


def test_it_listens_on_loopback_alone(server: Ejabberd) -> None:
    for port in server.ports.values():
        with socket.socket() as probe:
            # A socket on all addresses would answer here too.
            assert probe.connect_ex(("127.0.0.2", port)) != 0


def test_modules_can_be_left_out() -> None:
    with Ejabberd(without=("mod_mam", "mod_stream_mgmt")) as other:
        assert not other.archives
        config = (other.folder / "ejabberd.yml").read_text()
    assert "  mod_mam:" not in config
    assert "  mod_stream_mgmt:" not in config
    assert "  mod_muc:" in config


def test_what_sqlite_archives_is_there_after_a_crash() -> None:
    with Ejabberd({"alice": "secret", "bob": "other"}, archive="sqlite") as other:
        alice, bob = f"alice@{other.host}", f"bob@{other.host}"
        stanza = f"<message xmlns='jabber:client' id='1' to='{bob}'><body>kept</body></message>"
        other.api("send_stanza", **{"from": alice, "to": bob, "stanza": stanza})
        assert wait_until(lambda: "bob kept" in archived(other), 10)
        other.kill()
        other.start()
        assert "bob kept" in archived(other)


def archived(server: Ejabberd) -> list[str]:
    """Return whose archive holds which body, in the database."""
    with closing(sqlite3.connect(server.folder / "archive.db")) as connection:
        return [" ".join(row) for row in connection.execute("SELECT username, txt FROM archive")]
