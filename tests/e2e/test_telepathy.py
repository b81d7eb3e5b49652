"""The daemon as a connection manager of Telepathy, for clients that know nothing of ours."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed import Daemon
from tests.testbed.bus import Bus, install
from tests.testbed.console import Console
from tests.testbed.processes import find_program, wait_until
from tests.testbed.stranger import Stranger
from tests.testbed.telepathy import (
    ALIASING,
    CHANNEL,
    CONNECTED,
    CONNECTING,
    CONNECTION,
    CONTACT_LIST,
    CONTACTS,
    DISCONNECTED,
    MESSAGES,
    PRESENCE,
    TEXT,
    TelepathyClient,
)

pytestmark = pytest.mark.any_server

#: The example that the project began with, but for the manager's name.
EXAMPLE = """
import dbus
import time
# connect to the bus
bus = dbus.SessionBus()
# get a connection manager object
gabble = bus.get_object(
    'org.freedesktop.Telepathy.ConnectionManager.sat',
    '/org/freedesktop/Telepathy/ConnectionManager/sat')
# request a connection from it
(bus_name, object_path) = gabble.RequestConnection('jabber',
    {{'account':'{account}', 'password':'{password}'}},
    dbus_interface=
        'org.freedesktop.Telepathy.ConnectionManager')
# get the connection object
conn = bus.get_object(bus_name, object_path)
# tell it to connect and wait a bit
conn.Connect(
    dbus_interface='org.freedesktop.Telepathy.Connection')
time.sleep(3)
# request a handle for our contact
handles = conn.RequestHandles(dbus.UInt32(1),
    ['{contact}'],
    dbus_interface='org.freedesktop.Telepathy.Connection')
# request a text channel with that handle
object_path = conn.RequestChannel(
    'org.freedesktop.Telepathy.Channel.Type.Text',
    dbus.UInt32(1), handles[0], False,
    dbus_interface='org.freedesktop.Telepathy.Connection')
# get a channel object
channel = bus.get_object(bus_name, object_path)
# send a message
channel.Send(0, 'Hello, Santa Clara.',
    dbus_interface=
        'org.freedesktop.Telepathy.Channel.Type.Text')

# disconnect
conn.Disconnect(
    dbus_interface='org.freedesktop.Telepathy.Connection')
"""


PROGRAMS = ("sat-telepathy",)


def test_the_example_runs(server, daemon: Daemon, people):
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server)
    install(daemon, *PROGRAMS)
    follower = daemon.follow("--type", "message.added")
    account, contact = server.jid(alice), server.jid(bob)
    script = EXAMPLE.format(account=account, password=server.passwords[alice], contact=contact)
    with Stranger(server, bob) as stranger, Console(daemon, "-p", alice, contact) as console:
        console.wait_for("Nothing was said yet.")
        done = subprocess.run(
            [find_program("dbus-run-session", "dbus-daemon"), "--", sys.executable, "-c", script],
            env=daemon.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        stranger.expect("message", body="Hello, Santa Clara.")
        console.wait_for(f"✔ {alice}: Hello, Santa Clara.")
    # Who is attached sees it too, and the profile goes on.
    seen = follower.wait_for("message.added", lambda one: one["body"] == "Hello, Santa Clara.")
    assert (seen["profile"], seen["data"]["direction"]) == (alice, "out")
    assert daemon.phase(alice) == "online"


def test_texts_come_and_go_and_are_read_everywhere(server, daemon, client, people):
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server)
    account, peer = server.jid(alice), server.jid(bob)
    with Stranger(server, bob) as stranger, TelepathyClient(daemon.environment) as other:
        # What came before it was there is told as well.
        stranger.tell("send", account, "before")
        assert wait_until(lambda: bool(daemon.json("-p", alice, "message", "list", peer)), 30)
        client.request(account, server.passwords[alice])
        client.call("Connect")
        # Asked for while it connects: the answer waits.
        (handle,) = client.call("RequestHandles", "uas", 1, [peer.upper() + "/home"])
        assert client.call("InspectHandles", "uau", 1, [handle]) == [peer]
        (first, *_) = client.expect("Received", lambda values: values[5] == "before")
        path = client.channel(handle)
        assert client.call("ListChannels") == [[path, TEXT, 1, handle]]
        client.call(f"{TEXT}.Send", "us", 0, "hé 👋", path=path)
        stranger.expect("message", body="hé 👋")
        client.expect("Sent", lambda values: values[1:] == [0, "hé 👋"], path=path)
        parts = [{"message-type": 1}, {"content-type": "text/plain", "content": "waves"}]
        token = client.call(f"{MESSAGES}.SendMessage", "aa{sv}u", parts, 0, path=path)
        stranger.expect("message", body="/me waves", id=token)
        # What another program of the person's sends is seen here.
        daemon.jp("-p", alice, "message", "send", peer, "from jp")
        client.expect("MessageSent", lambda values: values[0][1]["content"] == "from jp")
        stranger.tell("send", account, "one")
        (id_, _, sender, *rest) = client.expect("Received", lambda values: values[5] == "one")
        assert [sender, *rest] == [handle, 0, 0, "one"]
        (message,) = client.expect(
            "MessageReceived", lambda values: values[0][1]["content"] == "one"
        )
        assert message[0]["message-sender-id"] == peer
        assert message[0]["pending-message-id"] == id_
        pending = client.call(f"{TEXT}.ListPendingMessages", "b", False, path=path)
        assert [one[0] for one in pending] == [first, id_]

        def unread() -> int:
            (found,) = daemon.json("-p", alice, "conversation", "list")
            return int(found["unread"])

        # Messages are read up to one: the second waits for the first.
        for one, left in ((id_, 2), (first, 0)):
            client.call(f"{TEXT}.AcknowledgePendingMessages", "au", [one], path=path)
            client.expect("PendingMessagesRemoved", [[one]], path=path)
            assert wait_until(lambda left=left: unread() == left, 30)
        # What is read elsewhere waits here no longer.
        stranger.tell("send", account, "two")
        (second, *_) = client.expect("Received", lambda values: values[5] == "two")
        daemon.jp("-p", alice, "conversation", "read", peer)
        client.expect("PendingMessagesRemoved", [[second]], path=path)
        # A channel that is closed opens again for what comes; nothing of it is read by that.
        client.call(f"{CHANNEL}.Close", path=path)
        client.expect("ChannelClosed", [path])
        stranger.tell("send", account, "three")
        client.expect("Received", lambda values: values[5] == "three")
        ((opened, about),) = client.expect("NewChannels", lambda values: values[0][0][0] != path)[0]
        assert (about[f"{CHANNEL}.TargetID"], about[f"{CHANNEL}.Requested"]) == (peer, False)
        assert client.call("ListChannels") == [[opened, TEXT, 1, handle]]
        assert unread() == 1
        # Other programs of the session hear nothing of all this.
        assert {one["member"] for one in other.seen} <= {
            "ready", "NameAcquired", "NameOwnerChanged",
        }  # fmt: skip
        client.call("Disconnect")
        client.expect("StatusChanged", [DISCONNECTED, 1])
    assert daemon.phase(alice) == "online"


def test_people_and_what_they_show(server, daemon, client, people):
    alice, bob, carol = people("alice", "bob", "carol")
    daemon.profile(alice, server)
    account, peer = server.jid(alice), server.jid(bob)
    client.connect(account, server.passwords[alice])
    interfaces = [ALIASING, PRESENCE, CONTACT_LIST]
    listed = client.call(f"{CONTACT_LIST}.GetContactListAttributes", "asb", interfaces, False)
    by_id = {one[f"{CONNECTION}/contact-id"]: (int(key), one) for key, one in listed.items()}
    assert by_id.keys() == {peer, server.jid(carol)}
    handle, shown = by_id[peer]
    assert shown[f"{ALIASING}/alias"] == bob
    assert (shown[f"{CONTACT_LIST}/subscribe"], shown[f"{CONTACT_LIST}/publish"]) == (4, 4)
    with Stranger(server, bob):
        client.expect("PresencesChanged", [{str(handle): [2, "available", ""]}])
        client.call(f"{PRESENCE}.SetPresence", "ss", "dnd", "busy")
        (profile,) = daemon.json("profile", "get", alice)
        assert (profile["show"], profile["status"]) == ("dnd", "busy")
        client.expect("PresencesChanged", [{"1": [6, "dnd", "busy"]}])
    client.expect("PresencesChanged", [{str(handle): [1, "offline", ""]}])
    client.call(f"{ALIASING}.SetAliases", "a{us}", {str(handle): "Bobby"})
    client.expect("AliasesChanged", [[[handle, "Bobby"]]])
    assert client.call(f"{ALIASING}.RequestAliases", "au", [handle]) == ["Bobby"]
    # Changes of the roster by other programs are told here.
    daemon.jp("-p", alice, "roster", "remove", server.jid(carol))
    gone, _ = by_id[server.jid(carol)]
    client.expect("ContactsChanged", [{}, [gone]])
    stranger, attributes = client.call(
        f"{CONTACTS}.GetContactByID", "sas", "Dora@Elsewhere.example", interfaces
    )
    assert attributes[f"{PRESENCE}/presence"] == [7, "unknown", ""]
    client.call(f"{CONTACT_LIST}.Unsubscribe", "au", [handle])
    client.expect("ContactsChanged", [{str(handle): [1, 4, ""]}, []])
    client.call(f"{CONTACT_LIST}.RemoveContacts", "au", [handle, stranger])
    client.expect("ContactsChanged", [{}, [handle]])
    assert daemon.json("-p", alice, "roster", "list") == []


def test_an_account_without_profile_gets_one(server, people):
    alice, bob = people("alice", "bob")
    account = server.jid(alice)
    host, _, port = server.address.rpartition(":")
    where = {"server": host, "port": int(port)}
    with (
        Daemon(environment={"SSL_CERT_FILE": str(server.ca)}) as daemon,
        Bus(daemon, PROGRAMS),
        Stranger(server, bob) as stranger,
        TelepathyClient(daemon.environment) as client,
    ):
        # What was never right isn't kept.
        client.request(account, "wrong", **where)
        client.call("Connect")
        client.expect("StatusChanged", [DISCONNECTED, 3])
        assert wait_until(lambda: daemon.json("profile", "list") == [], 30)
        client.connect(account.upper() + "/somewhere", server.passwords[alice], **where)
        (profile,) = daemon.json("profile", "list")
        assert (profile["jid"], profile["autoconnect"]) == (account, False)
        name = profile["name"]
        assert name == account.replace("@", "-")
        # Of two leases the second one ends what the first has begun.
        with TelepathyClient(daemon.environment) as second:
            second.connect(account, server.passwords[alice])
            assert second.path != client.path
            client.call("Disconnect")
            assert client.refused("GetStatus") in ("ServiceUnknown", "DoesNotExist")
            assert second.call("GetStatus") == CONNECTED
            assert daemon.phase(name) == "online"
        # It has crashed.
        assert wait_until(lambda: daemon.phase(name) == "offline", 30)
        # What is sent is written before the lease, and the connection with it, ends.
        # All of it may be asked for while it connects.
        client.request(account, server.passwords[alice])
        client.call("Connect")
        assert client.call("GetStatus") == CONNECTING
        (handle,) = client.call("RequestHandles", "uas", 1, [stranger.jid])
        path = client.channel(handle)
        client.call(f"{TEXT}.Send", "us", 0, "good bye", path=path)
        client.call("Disconnect")
        stranger.expect("message", body="good bye")
        assert wait_until(lambda: daemon.phase(name) == "offline", 30)


GLIB = Path(__file__).parents[1] / "testbed" / "telepathy_glib.py"


def test_mission_control_and_telepathyglib_make_connections(server, telepathy_bus, daemon, people):
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server)
    account, password = server.jid(alice), server.passwords[alice]
    environment = daemon.environment | {"GSETTINGS_BACKEND": "memory"}
    mc_tool = find_program("mc-tool", "telepathy-mission-control-5")

    def mc(*words: str) -> str:
        done = subprocess.run(
            [mc_tool, *words], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    own = mc("add", "sat/jabber", "Me", f"string:account={account}", f"string:password={password}")
    own = own.strip()
    assert mc("list").split() == [own]
    mc("enable", own)
    mc("request", own, "away", "lunch")
    assert wait_until(lambda: 'away (3) "lunch"' in mc("show", own).partition("Requested")[0], 30)
    (profile,) = daemon.json("profile", "get", alice)
    assert (profile["show"], profile["status"]) == ("away", "lunch")
    with Stranger(server, bob) as stranger:
        environment["PYTHONPATH"] = ""
        done = subprocess.run(
            ["/usr/bin/python3", GLIB, account, password, stranger.jid],
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        assert "manager sat jabber account password" in done.stdout
        stranger.expect("message", body="by TelepathyGLib")
    mc("request", own, "offline")
    assert wait_until(lambda: "offline (1)" in mc("show", own).partition("Requested")[0], 30)
    assert daemon.phase(alice) == "online"
