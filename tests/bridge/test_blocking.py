"""The blocking client against a peer that speaks the wire."""

import os
import socket
import threading
import time

import pytest

from sat.bridge import blocking
from sat.bridge.blocking import Client
from sat.bridge.errors import CommandError
from tests.bridge.lineserver import NOTHING, LineServer, Refusal


@pytest.fixture
def server(tmp_path):
    with LineServer(tmp_path / "bridge.sock") as running:
        yield running


@pytest.fixture
def client(server):
    with Client(str(server.path), name="test 1", timeout=5) as open_:
        yield open_


def test_hello_and_the_first_call_go_in_one_write(server, client):
    server.answers["a.b"] = {"x": 1}
    assert client.call("a.b", name="n", method="m", self="s") == {"x": 1}
    hello, call = server.requests
    assert (hello["method"], hello["params"]["client"]) == ("session.hello", "test 1")
    assert call == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "a.b",
        "params": {"name": "n", "method": "m", "self": "s"},
    }
    assert len(server.sessions[0].reads) == 1
    assert client.hello["epoch"] == "e1"
    client.call("a.b")
    assert len(server.called("session.hello")) == 1


def test_an_error_keeps_its_name_sentence_and_data(server, client):
    def refuse(session, params):
        raise Refusal("unknown.contact", "There is no bob.", condition="item-not-found")

    server.answers["a.b"] = refuse
    with pytest.raises(CommandError) as caught:
        client.call("a.b")
    error = caught.value
    assert (error.name, error.sentence, error.data, error.exit_code) == (
        "unknown.contact",
        "There is no bob.",
        {"condition": "item-not-found"},
        6,
    )
    server.answers["a.b"] = 5
    assert client.call("a.b") == 5


def test_a_refused_hello_is_the_error(server, client):
    def refuse(session, params):
        raise Refusal("usage.api", "This daemon speaks 2.0.")

    server.answers["session.hello"] = refuse
    with pytest.raises(CommandError, match=r"speaks 2\.0"):
        client.call("a.b")


def test_a_refusal_of_another_user_is_told_though_the_line_closes(server, client):
    def refuse(session, params):
        refusal = Refusal("denied.user", "this daemon serves another user").error
        session.send({"jsonrpc": "2.0", "id": None, "error": refusal})
        server.end(session)
        return NOTHING

    server.answers["session.hello"] = refuse
    with pytest.raises(CommandError) as caught:
        client.call("a.b")
    assert caught.value.exit_code == 7


def test_events_between_answers_are_kept(server, client):
    def answer(session, params):
        session.event(seq=1, type="a.changed")
        session.event(seq=2, type="a.changed")
        return "done"

    server.answers["a.b"] = answer
    server.after["a.b"] = lambda session: session.event(seq=3, type="a.changed")
    assert client.call("a.b") == "done"
    events = client.events(5)
    assert [next(events)["seq"] for _ in range(3)] == [1, 2, 3]
    assert not client.waiting


def test_waiting_tells_of_events_that_are_here_already(server, client):
    def answer(session, params):
        session.event(seq=1)
        return None

    server.answers["a.b"] = answer
    client.call("a.b")
    assert client.waiting
    next(client.events(5))
    assert not client.waiting


def test_waiting_for_events_has_a_limit(server, client):
    server.answers["a.b"] = None
    client.call("a.b")
    before = time.monotonic()
    with pytest.raises(CommandError) as caught:
        next(client.events(0.1))
    assert caught.value.exit_code == 5
    assert time.monotonic() - before < 3


def test_events_end_when_their_reader_has_gone(server, client):
    server.answers["a.b"] = None
    client.call("a.b")
    reader, writer = os.pipe()
    threading.Timer(0.1, os.close, [reader]).start()
    try:
        with pytest.raises(BrokenPipeError):
            next(client.events(5, reader=writer))
    finally:
        os.close(writer)


def test_a_call_of_the_daemon_is_answered(server, client):
    def answer(session, params):
        session.send({"jsonrpc": "2.0", "id": 99, "method": "frontend.beat", "params": {}})
        return 1

    server.answers["a.b"] = answer
    assert client.call("a.b") == 1
    client.call("a.b")
    (reply, *_) = [one for one in server.requests if one.get("id") == 99]
    assert reply["error"]["code"] == -32601


def test_no_answer_in_time(server):
    server.answers["a.b"] = lambda session, params: NOTHING
    server.answers["c.d"] = 2
    with Client(str(server.path), timeout=0.1) as client:
        with pytest.raises(CommandError, match=r"did not answer a\.b within 0\.1") as caught:
            client.call("a.b")
        assert caught.value.exit_code == 5
        client.timeout = 5
        server.sessions[0].send({"jsonrpc": "2.0", "id": 1, "result": "late"})
        assert client.call("c.d") == 2


def test_a_descriptor_comes_along(server, client, tmp_path):
    (tmp_path / "f").write_text("content")
    read = []

    def answer(session, params):
        read.append(os.read(session.descriptors[0], 100))
        return None

    server.answers["file.send"] = answer
    descriptor = os.open(tmp_path / "f", os.O_RDONLY)
    try:
        client.call_with_files([descriptor], "file.send", name="x")
        assert os.fstat(descriptor)
    finally:
        os.close(descriptor)
    assert read == [b"content"]
    assert server.requests[-1]["descriptors"] == 1


def test_no_daemon(tmp_path):
    with pytest.raises(CommandError) as caught:
        Client(str(tmp_path / "none"))
    assert (caught.value.name, caught.value.exit_code) == ("daemon.missing", 3)


def test_a_socket_that_nobody_listens_on_is_no_daemon(tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    with pytest.raises(CommandError) as caught:
        Client(str(tmp_path / "s"))
    assert caught.value.name == "daemon.missing"


def test_another_users_daemon_is_not_asked(server, monkeypatch):
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(CommandError, match="another user") as caught:
        Client(str(server.path))
    assert caught.value.exit_code == 7


def test_the_daemon_ends_before_it_answers(server, client):
    server.answers["a.b"] = lambda session, params: server.end(session) or NOTHING
    with pytest.raises(CommandError, match="before it answered") as caught:
        client.call("a.b")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "line", [b"SSH-2.0-OpenSSH\n", b"\xff\xfe\n", b"[1]\n", b"[" * 9999 + b"\n"]
)
def test_something_else_answers(server, client, line):
    def answer(session, params):
        session.connection.sendall(line)
        return NOTHING

    server.answers["a.b"] = answer
    with pytest.raises(CommandError, match="does not speak its language"):
        client.call("a.b")


def test_a_line_without_end_is_given_up(server, client, monkeypatch):
    monkeypatch.setattr(blocking, "MAX_LINE", 100_000)

    def answer(session, params):
        session.connection.sendall(b"x" * 200_000)
        return NOTHING

    server.answers["a.b"] = answer
    with pytest.raises(CommandError, match="too long"):
        client.call("a.b")


def test_a_call_that_is_too_large_is_refused_here(client):
    with pytest.raises(CommandError) as caught:
        client.call("a.b", body="x" * (16 * 1024 * 1024))
    assert caught.value.exit_code == 2


def test_a_large_answer_comes_whole(server, client):
    server.answers["a.b"] = "é" * 3_000_000
    assert client.call("a.b") == "é" * 3_000_000


def test_half_a_surrogate_pair_is_refused(client):
    with pytest.raises(CommandError, match="not valid UTF-8"):
        client.call("a.b", body="\udcff")
