"""The daemon as a connection manager of Telepathy, for clients that know nothing of ours."""

import subprocess
import sys

import pytest

from tests.testbed import Daemon
from tests.testbed.bus import install
from tests.testbed.processes import find_program
from tests.testbed.stranger import Stranger

pytestmark = pytest.mark.any_server

MANAGER = "org.freedesktop.Telepathy.ConnectionManager.sat"

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
time.sleep({wait})
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


@pytest.mark.parametrize("wait", [0, 3])
def test_the_example_runs(server, daemon: Daemon, people, wait):
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server)
    install_or_skip(daemon)
    follower = daemon.follow("--type", "message.added")
    script = EXAMPLE.format(
        account=server.jid(alice),
        password=server.passwords[alice],
        contact=server.jid(bob),
        wait=wait,
    )
    with Stranger(server, bob) as stranger:
        done = subprocess.run(
            [find_program("dbus-run-session", "dbus"), "--", sys.executable, "-c", script],
            env=daemon.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        stranger.expect("message", body="Hello, Santa Clara.")
    # Who is attached sees it too, and the profile goes on.
    seen = follower.wait_for("message.added", lambda one: one["body"] == "Hello, Santa Clara.")
    assert seen["profile"] == alice and seen["data"]["direction"] == "out"
    (profile,) = daemon.json("profile", "list")
    assert profile["connection"]["phase"] == "online"


def install_or_skip(daemon: Daemon) -> None:
    try:
        install(daemon, "sat-telepathy")
    except LookupError as error:
        pytest.skip(str(error))
