"""The bridge on D-Bus, seen by systemd's busctl and by programs that know nothing of ours."""

import os
import signal
from itertools import pairwise

import pytest

from tests.testbed import Daemon
from tests.testbed.bus import NAME, ROOT, Bus
from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger

pytestmark = pytest.mark.any_server

MESSAGES = {"mode": "events", "types": ["message.added"]}


MALFORMED = [
    (ROOT, "Message.Send", ("s", "x"), ["takes (ssa{sv}), not (s)", "body: s"]),
    (ROOT, "Message.Send", ("ssa{ss}", "x", "y", "0"), ["takes (ssa{sv})"]),
    (ROOT, "Message.Burn", ("a{sv}", "0"), ["has no method", "Message.Burn"]),
    (ROOT, "Nothing.Send", ("a{sv}", "0"), ["has no method"]),
    (f"{ROOT}/profile/nobody", "Roster.List", ("a{sv}", "0"), ["There is no object"]),
    ("/elsewhere", "Roster.List", ("a{sv}", "0"), ["There is no object"]),
    (ROOT, "Message.Send", ("ssa{sv}", "@", "y", "0"), ["to: "]),
    (ROOT, "Message.List", ("sa{sv}", "b@c", "1", "limit", "s", "x"), ["limit"]),
    (ROOT, "Ping.Send", ("sa{sv}", "b@c", "1", "x", "d", "nan"), ["no number"]),
    (ROOT, "Option.Get", ("sa{sv}", "a", "1", "descriptors", "s", "x"), ["open files"]),
]


@pytest.fixture
def bus(daemon: Daemon):
    with Bus(daemon) as running:
        yield running


@pytest.fixture
def alice(bus: Bus, daemon: Daemon):
    """A profile without a server, and the path of its object."""
    daemon.jp(
        *("profile", "create", "alice", "--jid", "alice@localhost", "--no-autoconnect"),
        "--password-stdin",
        input="secret",
    )
    # Asking for it is what starts sat-dbus.
    path = f"{ROOT}/profile/alice"
    assert wait_until(lambda: path in bus.busctl("tree", "--list", NAME).stdout, 60) or (
        bus.call(ROOT, "Daemon.Status", "a{sv}", "0").returncode == 0
    )
    assert wait_until(lambda: path in bus.busctl("tree", "--list", NAME).stdout, 60)
    return path


def send(bus: Bus, path: str, to: str, body: str) -> str:
    """Send a message by busctl; return what it printed."""
    done = bus.call(path, "Message.Send", "ssa{sv}", to, body, "0")
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(done, *words: str) -> None:
    """What busctl was told holds all these words."""
    assert done.returncode == 1, done.stdout
    assert [one for one in words if one not in done.stderr] == [], done.stderr


def test_every_method_is_introspected_with_its_arguments(bus, daemon, alice):
    shown = bus.busctl("introspect", NAME, alice).stdout.split("\n")
    rows = {tuple(line.split()[:4]) for line in shown}
    assert (".Send", "method", "ssa{sv}", "a{sv}") in rows
    assert (".Added", "signal", "a{sv}a{sv}", "-") in rows
    assert (".Jid", "property", "s", '"alice@localhost"') in rows
    assert not any(row[:1] == (".Create",) for row in rows)
    xml = bus.busctl("introspect", "--xml-interface", NAME, ROOT).stdout
    send = xml.partition('<method name="Send">')[2].partition("</method>")[0]
    assert 'name="to" type="s" direction="in"' in send
    (api,) = daemon.json("api", "describe")
    for one in api["methods"]:
        interface, _, member = one["name"].rpartition(".")
        interface = f"{NAME}.{interface.capitalize()}"
        assert f'<interface name="{interface}">' in xml, interface
        inside = xml.partition(f'<interface name="{interface}">')[2].partition("</interface>")[0]
        name = "".join(part.capitalize() for part in member.split("_"))
        method = inside.partition(f'<method name="{name}">')[2].partition("</method>")[0]
        for param in one["params"]:
            if param["required"]:
                assert f'name="{param["name"]}"' in method, (one["name"], param["name"])


def test_a_message_by_busctl_reaches_a_stranger_and_who_attached_sees_the_answer(
    server, bus, daemon, people
):
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server)
    with Stranger(server, bob) as stranger:
        attached, other = bus.listen(MESSAGES), bus.listen()
        left = bus.listen(MESSAGES, detach=True)
        monitor = bus.monitor()
        path = f"{ROOT}/profile/{alice}"
        send(bus, path, stranger.jid, "hé 👋")
        stranger.expect("message", body="hé 👋")
        stranger.tell("send", server.jid(alice), "salut")
        attached.expect("Added", body="salut", direction="in")
        told = attached.expect("Added", body="hé 👋")
        assert told["path"] == path
        assert told["values"][1]["profile"] == alice
        # They listen: what everybody may hear proves that nothing came before it.
        pid = bus.service_pid()
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        for one in (other, left):
            one.expect("NameOwnerChanged")
            assert one.members() == ["NameOwnerChanged"]
        assert wait_until(lambda: "not have an owner" in monitor.text(), 60)
        assert ROOT not in monitor.text()


def test_options_go_into_the_last_argument(bus, alice):
    done = bus.call(alice, "Message.Send", "ssa{sv}", "b@localhost", "x", "1", "txn", "s", "t1")
    again = bus.call(alice, "Message.Send", "ssa{sv}", "b@localhost", "x", "1", "txn", "s", "t1")
    assert done.returncode == 0 and again.stdout == done.stdout
    # What is null is absent, and the rest has its type.
    assert '"subject"' not in done.stdout and '"delayed" b false' in done.stdout


def test_a_malformed_call_gets_a_sentence(bus, alice):
    for path, method, arguments, words in MALFORMED:
        refused(bus.call(path, method, *arguments), *words)
        assert bus.call(ROOT, "Profile.List", "a{sv}", "0").returncode == 0


def test_objects_and_their_small_state(bus, alice, daemon):
    listener = bus.listen({})
    get = ("get-property", NAME, alice, f"{NAME}.ProfileState")
    assert bus.busctl(*get, "Default").stdout == "b false\n"
    daemon.jp("profile", "default", "alice")
    changed = listener.expect("PropertiesChanged")
    assert changed["path"] == alice
    assert wait_until(lambda: bus.busctl(*get, "Default").stdout == "b true\n", 30)
    refused(bus.busctl("set-property", *get[1:], "Default", "b", "false"), "can't be set")
    refused(bus.busctl(*get, "Password"), "no property")
    daemon.jp("profile", "delete", "alice")
    assert listener.expect("InterfacesRemoved")["values"] == [alice, [f"{NAME}.ProfileState"]]


def test_who_detaches_or_ends_has_no_session_any_more(bus, alice, daemon):
    def sessions() -> int:
        return int(daemon.json("daemon", "status")[0]["sessions"])

    # Those of sat-dbus itself, and of the jp that asks.
    assert wait_until(lambda: sessions() == 2, 30)
    listener = bus.listen(MESSAGES)
    assert wait_until(lambda: sessions() == 3, 30)
    listener.stop()
    assert wait_until(lambda: sessions() == 2, 30)
    # One that has detached stays on the bus, and has no session.
    bus.listen(MESSAGES, detach=True)
    assert wait_until(lambda: sessions() == 2, 30)


def test_what_a_text_on_the_bus_can_not_hold_is_replaced(bus, alice, daemon):
    params = '{"profile": "alice", "peer": "b@localhost", "text": "a\\u0000b"}'
    daemon.jp("api", "call", "conversation.draft", params)
    pid = bus.service_pid()
    shown = bus.call(alice, "Conversation.Get", "sa{sv}", "b@localhost", "0")
    assert "a\\357\\277\\275b" in shown.stdout or "a\ufffdb" in shown.stdout, shown
    assert bus.service_pid() == pid


def test_the_daemon_goes_on_without_sat_dbus_and_another_one_is_started(bus, alice, daemon):
    pid, daemon_pid = bus.service_pid(), daemon.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: bus.service_pid() is None, 30)
    assert daemon.pid == daemon_pid and daemon.jp("profile", "list").stdout
    send(bus, alice, "bob@localhost", "again")
    assert bus.service_pid() not in (None, pid)


@pytest.mark.parametrize("end", [Daemon.stop, Daemon.kill])
def test_nothing_is_missed_or_doubled_while_the_daemon_restarts(bus, alice, daemon, end):
    pid = bus.service_pid()
    listener = bus.listen(MESSAGES)
    send(bus, alice, "bob@localhost", "1")
    listener.expect("Added", body="1")
    end(daemon)
    refused(bus.call(alice, "Message.Send", "ssa{sv}", "b@localhost", "x", "0"), "aemon")
    daemon.start()
    for number in ("2", "3"):
        daemon.jp("-p", "alice", "message", "send", "bob@localhost", number)
    listener.expect("Added", body="3")
    bodies = [one["values"][0]["body"] for one in listener.events("Added")]
    assert bodies == ["1", "2", "3"]
    told = [one["values"][1] for one in listener.events("Added")]
    assert all(later["prev"] == earlier["seq"] for earlier, later in pairwise(told))
    assert bus.service_pid() == pid


def test_who_is_too_far_behind_is_told_to_attach_anew(bus, alice, daemon):
    listener = bus.listen(MESSAGES)
    daemon.stop()
    backup = daemon.home / "sat.db"
    assert backup.exists()
    for file in daemon.home.glob("sat.db*"):
        file.unlink()
    daemon.start()
    listener.expect("Resync")


def test_jp_says_what_is_wrong_with_the_bus(daemon, bus, alice):
    def fails(code: int, **environment: str) -> str:
        before = dict(daemon.environment)
        daemon.environment.update(environment)
        try:
            done = daemon.jp("profile", "list", check=False)
        finally:
            daemon.environment.clear()
            daemon.environment.update(before)
        assert done.returncode == code and done.stderr.count("\n") == 1, done
        return done.stderr

    assert "socket or dbus" in fails(2, SAT_BRIDGE="pigeon")
    nowhere = f"unix:path={daemon.home}/nowhere"
    assert "no session bus" in fails(4, SAT_BRIDGE="dbus", DBUS_SESSION_BUS_ADDRESS=nowhere)
    other = daemon.home / "other"
    other.mkdir()
    assert "serves another home" in fails(7, SAT_BRIDGE="dbus", SAT_HOME=str(other))
    modules = {"PYTHONPATH": os.pathsep.join(daemon.environment["PYTHONPATH"].split(":")[1:])}
    if modules["PYTHONPATH"]:
        assert "salut-a-toi[dbus]" in fails(1, SAT_BRIDGE="dbus", **modules)
