"""Lines that are none, and programs that keep to no rule: each harms itself alone."""

import contextlib
import json
import socket
import threading
from urllib.parse import urlsplit

import pytest

from sat.bridge.errors import CommandError
from tests.e2e.conformance.sessions import LineSession

MIB = 1 << 20
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "session.hello", "params": {"api": "1"}}


@pytest.fixture
def session(connect_line) -> LineSession:
    return connect_line()


@pytest.fixture(autouse=True)
def nobody_else_notices(ways):
    """A session from before and one from after are served as ever."""
    before = ways.unix()
    yield
    after = ways.unix()
    for each in (before, after):
        assert each.call("option.list")
        each.close()


def goes_on(session: LineSession) -> None:
    assert isinstance(session.call("profile.list"), list)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"garbage\n", "usage.json"),
        (b"\xff\xfe\x00\n", "usage.json"),
        (b'{"jsonrpc":"2.0","id":1,"method":"profile.list"\n', "usage.json"),
        (b'{"method":"profile.list","params":{"a":"\xc3\x28"}}\n', None),
        (b"[" * 100_000 + b"\n", "usage"),
        (b'{"id":1,"method":"x","params":' + b'{"a":' * 100_000 + b"\n", "usage"),
        (b"[]\n", "usage.request"),
        (b"null\n", "usage.request"),
        (b"{}\n", "usage.request"),
        (b'{"id":1,"method":7}\n', "usage.request"),
        (b'{"id":{},"method":"profile.list"}\n', "usage.request"),
        (b'{"id":1.5,"method":"profile.list"}\n', "usage.request"),
        (b'{"id":1,"method":"profile.list","descriptors":-1}\n', "usage.request"),
        (b'[{"jsonrpc":"2.0","id":1,"method":"profile.list"}]\n', "usage.request"),
    ],
)
def test_a_line_that_is_no_request_is_refused_and_the_session_goes_on(session, line, name):
    session.say(line)
    goes_on(session)
    if name is None:
        return
    (word,) = session.words
    assert word["id"] is None
    assert word["error"]["data"]["name"].startswith(name)
    assert word["error"]["message"]


def test_deeply_nested_parameters_are_refused(session):
    bomb = b'{"a":' * 5000 + b"1" + b"}" * 5000
    session.say(b'{"jsonrpc":"2.0","id":"bomb","method":"message.send","params":' + bomb + b"}\n")
    goes_on(session)


@pytest.mark.parametrize("params", [b"[1,2]", b"7", b'"x"', b"null"])
def test_parameters_that_are_no_object_are_refused(session, params):
    session.say(b'{"jsonrpc":"2.0","id":"p","method":"message.send","params":' + params + b"}\n")
    with pytest.raises(CommandError) as caught:
        session.result("p")
    assert caught.value.name == "usage.params"
    goes_on(session)


def test_an_id_comes_back_as_it_was_and_what_has_none_is_not_answered(session):
    session.say({"jsonrpc": "2.0", "id": "a text", "method": "profile.list"})
    session.result("a text")
    session.say({"jsonrpc": "2.0", "method": "profile.list"})
    session.say({"jsonrpc": "2.0", "method": "no.such"})
    goes_on(session)
    assert session.words == []


def test_a_line_may_come_in_pieces_and_with_empty_ones_between(session):
    line = json.dumps({"jsonrpc": "2.0", "id": "slow", "method": "profile.list"}).encode()
    for byte in line[:20]:
        session.say(bytes([byte]))
    session.say(line[20:] + b"\r\n\n \n")
    assert isinstance(session.result("slow"), list)


def test_the_longest_line_is_taken_and_one_byte_more_ends_the_session(connect_line):
    def line(size: int) -> bytes:
        start = b'{"jsonrpc":"2.0","id":"big","method":"profile.list","params":{"x":"'
        end = b'"}}'
        return start + b"x" * (size - len(start) - len(end)) + end + b"\n"

    taken = connect_line()
    taken.say(line(16 * MIB))
    assert isinstance(taken.result("big"), list)
    refused = connect_line()
    # The daemon hangs up while this is still written.
    with contextlib.suppress(OSError):
        refused.say(line(16 * MIB + 1))
    refused.ended()
    assert [word["error"]["data"]["name"] for word in refused.words] == ["usage.line"]
    assert str(16 * MIB) in refused.words[0]["error"]["message"]


def test_a_flood_without_end_of_line_ends_the_session(session):
    with contextlib.suppress(OSError):
        for _ in range(20):
            session.say(b"x" * MIB)
    session.ended()
    assert [word["error"]["data"]["name"] for word in session.words] == ["usage.line"]


def test_one_that_dies_in_the_middle_of_a_line_has_not_asked(connect_line, ways, me):
    call = {"id": 2, "method": "message.send", "params": {"profile": me, "to": "a@b", "body": "x"}}
    dying = connect_line()
    dying.say(json.dumps(call).encode())
    dying.close()
    other = connect_line()
    assert other.call("message.list", profile=me, peer="a@b") == []


def test_a_great_many_calls_that_nobody_reads_the_answers_of(session):
    count = 20_000
    calls = b"".join(
        b'{"jsonrpc":"2.0","id":%d,"method":"option.get","params":{"name":"remote.listen"}}\n' % n
        for n in range(1000, 1000 + count)
    )
    writer = threading.Thread(target=session.say, args=(calls,), daemon=True)
    writer.start()
    for number in range(1000, 1000 + count):
        session.result(number)
    writer.join()
    goes_on(session)


def test_nothing_is_answered_before_hello(ways):
    stranger = LineSession(ways.strange_unix())
    with pytest.raises(CommandError) as caught:
        stranger.call("state.attach")
    assert caught.value.name == "usage.hello"
    with pytest.raises(CommandError) as caught:
        stranger.call("session.hello", api="2")
    assert caught.value.name == "usage.api" and "restart" in caught.value.sentence
    assert stranger.call("session.hello", api="1.9", client="later")["api"]
    stranger.close()


@pytest.mark.parametrize("way", ["unix", "stdio"])
def test_what_was_asked_before_the_end_of_input_is_answered(ways, way):
    session = {"unix": ways.unix, "stdio": ways.stdio}[way]()
    session.say({"jsonrpc": "2.0", "id": "last", "method": "profile.list"})
    session.pipe.end_input()
    assert isinstance(session.result("last"), list)
    session.ended()
    session.close()


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x02\x00garbage", b"GET / HTTP/1.1\r\n\r\n"])
def test_over_the_network_nothing_is_said_in_clear_text(ways, first):
    ways.tls().close()
    where = urlsplit(ways.url)
    with socket.create_connection((where.hostname, where.port), 30) as plain:
        plain.settimeout(30)
        plain.sendall(first + json.dumps(HELLO).encode() + b"\n")
        plain.shutdown(socket.SHUT_WR)
        said = b""
        with contextlib.suppress(ConnectionError):
            while data := plain.recv(4096):
                said += data
    assert b"jsonrpc" not in said


@pytest.mark.parametrize("token", [None, "", "guessed", "x" * 5000])
def test_over_the_network_nobody_comes_in_without_a_token(ways, token):
    ways.tls().close()
    stranger = LineSession(ways.strange_tls())
    shown = {} if token is None else {"token": token}
    with pytest.raises(CommandError) as caught:
        stranger.call("session.hello", api="1", **shown)
    assert caught.value.name == "denied.token"
    stranger.ended()
    stranger.close()
