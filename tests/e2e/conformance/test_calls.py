"""Calls, answers and errors."""

import socket
import uuid

import pytest

from sat.bridge.errors import CommandError


def refusal(session, method: str, /, **params) -> CommandError:
    with pytest.raises(CommandError) as caught:
        session.call(method, **params)
    assert caught.value.sentence
    return caught.value


def test_hello_tells_what_one_is_dealing_with(connect):
    hello = connect().hello
    assert hello["api"].partition(".")[0] == "1"
    assert hello["level"] == "admin"
    assert hello["epoch"] and hello["session"]
    assert 0 <= hello["oldest"] <= hello["head"] + 1
    assert {"events", "snapshot", "resume", "cursor", "txn"} <= set(hello["features"])


def test_everything_is_described(connect):
    described = connect().call("api.describe")
    methods = {one["name"]: one for one in described["methods"]}
    assert {"session.hello", "state.attach", "state.ack", "message.send", "bridge.trace"} <= set(
        methods
    )
    assert {"message.added", "profile.changed"} <= {one["type"] for one in described["events"]}
    assert described["levels"] == ["read", "send", "files", "admin"]
    send = methods["message.send"]
    assert [one["name"] for one in send["params"]][:2] == ["to", "body"]
    assert send["result"] == {"$ref": "#/types/Message"}


def test_what_one_does_another_sees(connect, me):
    one, other = connect(), connect()
    sent = one.call(
        "message.send", profile=me, to="bob@server.test", body="héllo \U0001f44b\n\t<&>"
    )
    assert other.call("message.get", profile=me, id=sent["id"]) == sent
    listed = [
        each.call("message.list", profile=me, peer="bob@server.test") for each in (one, other)
    ]
    assert listed[0] == listed[1] == [sent]


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("no.such", {}, "unknown.method"),
        ("message.get", {"id": "none"}, "unknown.message"),
        ("message.list", {"profile": "nobody", "peer": "bob@server.test"}, "unknown.profile"),
        ("message.send", {"to": "bob@server.test"}, "usage.params"),
        ("message.send", {"to": "bob@server.test", "body": 1}, "usage.params"),
        ("message.send", {"to": "@@", "body": "x"}, "usage.params"),
        ("message.send", {"to": "bob@server.test", "body": ""}, "usage.text"),
        ("message.list", {"peer": "bob@server.test", "limit": 0}, "usage.params"),
        ("message.list", {"peer": "bob@server.test", "limit": 10**30}, "usage.params"),
        ("message.send", {"to": "b@server.test", "body": "x", "now": True}, "offline.profile"),
        ("option.get", {"name": "no.such"}, "unknown.option"),
        ("state.ack", {"cursor": "c", "seq": 10**12}, "unknown.seq"),
        ("state.attach", {"mode": "sideways"}, "usage.params"),
        ("state.attach", {"resume": {"epoch": "x"}}, "usage.params"),
    ],
)
def test_an_error_has_a_name_and_a_sentence(connect, me, method, params, name):
    session = connect()
    if method.startswith("message."):
        params = {"profile": me} | params
    assert refusal(session, method, **params).name == name
    assert session.call("option.list")  # and the session goes on


def test_unknown_fields_are_ignored(connect, me):
    session = connect()
    sent = session.call(
        "message.send", profile=me, to="bob@server.test", body="x", of_a_later_version={"a": [1]}
    )
    assert sent["state"] == "pending"


def test_a_transaction_is_done_once(connect, me, ways):
    txn = str(uuid.uuid4())
    given = {"profile": me, "to": "bob@server.test", "body": "once", "txn": txn}
    first = connect()
    sent = first.call("message.send", **given)
    assert first.call("message.send", **given) == sent
    first.close()
    again = connect()
    assert again.call("message.send", **given) == sent
    assert refusal(again, "message.send", **{**given, "body": "other"}).name == "usage.txn"
    ways.restarted()
    after = connect()
    assert after.call("message.send", **given) == sent
    assert after.call("message.list", profile=me, peer="bob@server.test") == [sent]


def test_a_transaction_that_is_asked_for_twice_at_once_is_done_once(connect, me):
    given = {"profile": me, "to": "bob@server.test", "body": "x", "txn": str(uuid.uuid4())}
    one, other = connect(), connect()
    results = [each.start("message.send", **given) for each in (one, other, one)]
    told = [result() for result in results]
    assert told[0] == told[1] == told[2]


def test_a_slow_call_does_not_hold_up_a_fast_one(connect, me):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        session = connect()
        session.call(
            "profile.set", name=me, values={"server": f"127.0.0.1:{silent.getsockname()[1]}"}
        )
        session.call("state.attach", profiles=[me], types=["profile.changed"])
        slow = session.start("profile.connect", name=me, timeout=600.0)
        session.wait_for(
            lambda events: any(e["data"]["connection"]["phase"] == "connecting" for e in events)
        )
        assert session.call("profile.get", name=me)["name"] == me
        session.call("profile.disconnect", name=me)
        with pytest.raises(CommandError):
            slow()


def test_pages_of_a_long_list_are_the_whole_of_it(connect, me):
    session = connect()
    sending = [
        session.start("message.send", profile=me, to="bob@server.test", body=f"{number}")
        for number in range(25)
    ]
    ids = [sent()["id"] for sent in sending]
    found: list[dict] = []
    while True:
        before = {"before": found[0]["id"]} if found else {}
        page = session.call("message.list", profile=me, peer="bob@server.test", limit=10, **before)
        found = page + found
        if len(page) < 10:
            break
    assert [one["id"] for one in found] == ids
    assert [one["body"] for one in found] == [f"{number}" for number in range(25)]
