"""Hostile and broken clients of Telepathy: a sentence for them, nothing for anyone else."""

import json
import os
import signal
import subprocess

import pytest

from tests.testbed.processes import end_process, is_alive, wait_until
from tests.testbed.stranger import Stranger
from tests.testbed.telepathy import (
    CHANNEL,
    CONNECTED,
    DISCONNECTED,
    MANAGER,
    MANAGER_PATH,
    MESSAGES,
    PRESENCE,
    REQUESTS,
    TELEPATHY,
    TEXT,
    TelepathyClient,
)

pytestmark = pytest.mark.any_server


def test_who_has_no_password_gets_no_connection(server, daemon, client, people):
    (alice,) = people("alice")
    daemon.profile(alice, server)
    account, password = server.jid(alice), server.passwords[alice]
    traced = daemon.home / "trace"
    with traced.open("w") as log:
        trace = subprocess.Popen(
            daemon.command("jp", "--json", "bridge", "trace"), stdout=log, env=daemon.environment
        )
    try:
        assert wait_until(lambda: daemon.phase(alice) == "online" and traced.stat().st_size > 0, 30)
        client.request(account, "a guess")
        client.call("Connect")
        error, details = client.expect("ConnectionError")
        assert error == f"{TELEPATHY}.Error.AuthenticationFailed"
        assert "not the password" in details["debug-message"]
        client.expect("StatusChanged", [DISCONNECTED, 3])
        assert client.refused("GetStatus") in ("ServiceUnknown", "DoesNotExist")
        assert daemon.phase(alice) == "online"
        # The harmless twin.
        client.connect(account, password)
        path = client.channel(client.call("GetSelfHandle"))
        client.call(f"{TEXT}.Send", "us", 0, "note to myself", path=path)
        assert wait_until(lambda: "note to myself" in traced.read_text(), 30)
    finally:
        end_process(trace)
    told = [json.loads(line)["data"] for line in traced.read_text().splitlines()]
    calls = [one for one in told if one.get("state") == "begun" and "method" in one]
    # No password is shown to who looks on.
    assert "profile.check" in [one["method"] for one in calls]
    assert password not in traced.read_text() and "a guess" not in traced.read_text()
    # It is answered when the stanza is written: else a Disconnect could overtake it.
    (sent,) = [one for one in calls if one["method"] == "message.send"]
    assert sent["params"]["wait"] == "sent"


def test_every_object_is_found_with_its_methods_and_their_arguments(
    server, telepathy_bus, daemon, client, people
):
    (alice,) = people("alice")
    daemon.profile(alice, server)
    client.connect(server.jid(alice), server.passwords[alice])
    channel = client.channel(client.call("GetSelfHandle"))
    for name, path in ((MANAGER, f"{MANAGER_PATH}/jabber"), (client.name, channel)):
        assert path in telepathy_bus.busctl("tree", "--list", name).stdout.split()
    shown = telepathy_bus.busctl("introspect", "--xml-interface", client.name, channel).stdout
    send = shown.partition('<method name="SendMessage">')[2].partition("</method>")[0]
    assert '<arg name="Message" type="aa{sv}" direction="in"/>' in send
    assert '<arg name="Token" type="s" direction="out"/>' in send
    assert '<property name="TargetID" type="s" access="read"/>' in shown
    assert '<signal name="Received">' in shown


def test_bad_input_gets_a_sentence(server, daemon, client, people):
    (alice,) = people("alice")
    daemon.profile(alice, server)
    account, password = server.jid(alice), server.passwords[alice]
    ask = f"{TELEPATHY}.ConnectionManager.RequestConnection"

    def request(protocol: str, **given: object) -> str:
        return client.refused(ask, "sa{sv}", protocol, given, path=MANAGER_PATH)

    assert request("irc", account=account, password=password) == "NotImplemented"
    assert request("jabber", account=account) == "InvalidArgument"
    assert request("jabber", account="", password="x") == "InvalidArgument"
    assert request("jabber", account="a b@c", password="x") == "InvalidHandle"
    assert request("jabber", account="nobody", password="x") == "InvalidArgument"
    assert request("jabber", account=account, password=5) == "InvalidArgument"
    assert request("jabber", account=account, password="x", port=70000) == "InvalidArgument"
    assert request("jabber", account=account, password="x", colour="red") == "InvalidArgument"
    assert client.refused(ask, "sa{ss}", "jabber", {}, path=MANAGER_PATH) == "InvalidArgument"
    assert client.refused(f"{TELEPATHY}.Nothing.Do", path=MANAGER_PATH) == "NotImplemented"
    assert client.refused("Connect", path=f"{MANAGER_PATH}/irc") == "DoesNotExist"
    client.request(account, password)
    assert client.refused("RequestHandles", "uas", 1, ["bob@x"]) == "Disconnected"
    client.call("Connect")
    client.expect("StatusChanged", [CONNECTED, 1])
    for garbage in ("", "@", "a@", "@b", "a@b@c", "a\x07@b", "a b@c", "a" * 2000 + "@b"):
        assert client.refused("RequestHandles", "uas", 1, ["ok@x", garbage]) == "InvalidHandle"
    assert client.refused("RequestHandles", "uas", 2, ["room@x"]) == "NotImplemented"
    for handle in (0, 99, 2**32 - 1):
        assert client.refused("InspectHandles", "uau", 1, [handle]) == "InvalidHandle"
        assert client.refused("HoldHandles", "uau", 1, [handle]) == "InvalidHandle"
        assert client.refused("RequestChannel", "suub", TEXT, 1, handle, True) == "InvalidHandle"
    call = f"{CHANNEL}.Type.Call1"
    assert client.refused("RequestChannel", "suub", call, 1, 1, True) == "NotImplemented"
    create = f"{REQUESTS}.CreateChannel"
    kind = {f"{CHANNEL}.ChannelType": TEXT, f"{CHANNEL}.TargetHandleType": 1}
    assert client.refused(create, "a{sv}", {}) == "NotImplemented"
    assert client.refused(create, "a{sv}", kind) == "InvalidArgument"
    far = {f"{CHANNEL}.TargetHandle": 99}
    assert client.refused(create, "a{sv}", kind | far) == "InvalidHandle"
    odd = {f"{CHANNEL}.TargetID": "b@c", "x.Colour": "red"}
    assert client.refused(create, "a{sv}", kind | odd) == "NotImplemented"
    path, _ = client.call(create, "a{sv}", kind | {f"{CHANNEL}.TargetID": "b@elsewhere.test"})
    assert client.refused(create, "a{sv}", kind | {f"{CHANNEL}.TargetID": "B@elsewhere.test"})
    send = f"{TEXT}.Send"
    for text in ("", "x" * 1_000_000, "a\x07b", "\ufffe"):
        assert client.refused(send, "us", 0, text, path=path) == "InvalidArgument", text[:9]
    assert client.refused(send, "us", 7, "x", path=path) == "InvalidArgument"
    ack = f"{TEXT}.AcknowledgePendingMessages"
    assert client.refused(ack, "au", [1], path=path) == "InvalidArgument"
    message = f"{MESSAGES}.SendMessage"
    for parts in ([], [{}], [{}, {"content-type": "image/png", "content": "x"}], [{}, {"a": 1}]):
        assert client.refused(message, "aa{sv}u", parts, 0, path=path) == "InvalidArgument"
    set_presence = f"{PRESENCE}.SetPresence"
    assert client.refused(set_presence, "ss", "offline", "") == "InvalidArgument"
    # After all that it works still.
    assert client.call("GetStatus") == CONNECTED


def test_what_dies_takes_nothing_else_with_it(server, telepathy_bus, daemon, client, people):
    (alice,) = people("alice")
    daemon.profile(alice, server)
    account, password = server.jid(alice), server.passwords[alice]
    client.connect(account, password)
    with TelepathyClient(daemon.environment) as second:
        second.connect(account, password)
        name = second.name
        assert telepathy_bus.service_pid(name) is not None
    # Its connection has ended with it, and its handles.
    assert wait_until(lambda: telepathy_bus.service_pid(name) is None, 30)
    assert client.call("GetStatus") == CONNECTED
    daemon.jp("profile", "disconnect", alice)
    client.expect("StatusChanged", [DISCONNECTED, 2])
    client.seen.clear()
    client.connect(account, password)
    daemon.kill()
    client.expect("StatusChanged", [DISCONNECTED, 2])
    # The next one starts the daemon.
    client.seen.clear()
    client.connect(account, password)
    assert daemon.phase(alice) == "online"
    pid = telepathy_bus.service_pid(MANAGER)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(pid), 30)
    assert daemon.phase(alice) == "online"
    client.seen.clear()
    client.connect(account, password)


def test_nobody_makes_it_grow_without_limit(server, daemon, client, people):
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server)
    account = server.jid(alice)
    client.connect(account, server.passwords[alice])
    with Stranger(server, bob) as stranger:
        # What nobody acknowledges.
        stranger.tell("burst", account, 1, 1001)
        client.expect("LostMessage")
        ((path, *_),) = client.call("ListChannels")
        pending = client.call(f"{TEXT}.ListPendingMessages", "b", False, path=path)
        assert len(pending) == 1000 and pending[-1][5] == "b 1000"

        def unread() -> int:
            (found,) = daemon.json("-p", alice, "conversation", "list")
            return int(found["unread"])

        assert unread() == 1001
        client.call(f"{TEXT}.ListPendingMessages", "b", True, path=path)
        assert wait_until(lambda: unread() == 1, 30)
        stranger.tell("send", account, "at last")
        client.expect("Received", lambda values: values[5] == "at last")
    names = [f"p{number}@elsewhere.test" for number in range(10_000)]
    handles = client.call("RequestHandles", "uas", 1, names)
    assert client.refused("RequestHandles", "uas", 1, ["one@more.test"]) == "NotAvailable"
    assert client.call("RequestHandles", "uas", 1, names[:1]) == handles[:1]
    numbers = [client.begin("RequestChannel", "suub", TEXT, 1, one, True) for one in handles[:999]]
    client.answer(numbers[-1])
    assert len(client.call("ListChannels")) == 1000
    last = ("RequestChannel", "suub", TEXT, 1, handles[999], True)
    assert client.refused(*last) == "NotAvailable"
    client.call(f"{CHANNEL}.Close", path=path)
    client.call(*last)
