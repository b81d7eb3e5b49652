"""Hello first, calls side by side, answers in turn; whatever comes, the session lives."""

import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sat.bridge.grant import Grant
from sat.bridge.model import Level
from sat.bridge.wire import MAX_LINE
from tests.bridge.support import HELLO, Frontend, name_of


@pytest.fixture
def frontend():
    return Frontend().hello()


def test_nothing_is_answered_before_hello():
    frontend = Frontend()
    for method in ("test.echo", "state.attach", "state.ack", "api.describe", "no.such"):
        assert name_of(frontend.ask(method)) == "usage.hello"
    frontend.log.add()
    frontend.log.tell("bob", "away")
    assert frontend.wire.drain() == []
    frontend.hello()
    assert frontend.ask("test.echo", text="x")["result"] == "x"


def test_hello_tells_where_the_log_stands():
    frontend = Frontend(grant=Grant(level=Level.SEND))
    for _ in range(5):
        frontend.log.add()
    frontend.log.trim(3)
    told = frontend.ask("session.hello", api="1.9", client="test 1", features=["x"])["result"]
    assert told["level"] == "send"
    assert (told["epoch"], told["head"], told["oldest"]) == ("this-one", 5, 3)
    assert told["api"].startswith("1.") and told["session"] == frontend.session.id
    assert frontend.session.client == "test 1"


def test_a_frontend_of_another_version_is_told_what_to_do():
    frontend = Frontend()
    answer = frontend.ask("session.hello", api="2")
    assert name_of(answer) == "usage.api"
    assert "upgrade" in answer["error"]["message"]
    assert name_of(frontend.ask("test.echo")) == "usage.hello"


def test_a_slow_call_does_not_hold_up_a_fast_one(frontend):
    frontend.call("test.wait", 1)
    frontend.call("test.wait", 2)
    frontend.call("test.echo", 3, text="fast")
    assert [line["id"] for line in frontend.wire.drain()] == [3]
    first, second = frontend.service.waiting
    second.callback("b")
    first.callback("a")
    told = [(line["id"], line["result"]) for line in frontend.wire.drain()]
    assert told == [(2, "b"), (1, "a")]


def test_an_error_has_name_sentence_and_data_and_no_traceback(frontend):
    error = frontend.ask("test.refuse")["error"]
    assert error == {
        "code": -32000,
        "message": "not today: ask tomorrow",
        "data": {"name": "denied.test", "retry_after": 5},
    }
    error = frontend.ask("test.fail")["error"]
    assert (error["code"], error["data"]) == (-32603, {"name": "failed.internal"})
    assert "secret" not in error["message"] and "sat logs" in error["message"]
    assert [str(one) for one in frontend.failures] == ["a secret of the inside"]
    assert name_of(frontend.ask("no.such")) == "unknown.method"
    assert frontend.ask("test.echo", text="on")["result"] == "on"


def test_a_call_without_id_is_not_answered(frontend):
    for method in ("test.change", "test.refuse", "no.such"):
        frontend.call(method, None)
    assert frontend.wire.drain() == []
    assert frontend.service.done == [1, "refused"]


def test_an_id_may_be_text_and_comes_back_as_it_was(frontend):
    for id_ in ('a " é', 0, -5, 2**53, ""):
        frontend.send({"id": id_, "method": "test.echo", "params": {"text": "x"}})
        (answer,) = frontend.wire.drain()
        assert (answer["id"], answer["result"]) == (id_, "x")


def test_an_answer_comes_after_the_events_that_led_to_it(frontend):
    frontend.attach()
    frontend.call("test.change", 9, n=3)
    told = [line.get("id", line.get("params", {}).get("seq")) for line in frontend.wire.drain()]
    assert told == [1, 2, 3, 9]


def test_also_for_a_frontend_that_does_not_read():
    frontend = Frontend(limit=100).hello()
    frontend.attach()
    frontend.call("test.change", 9, n=50)
    told = []
    while frontend.wire.queued:
        told += [one.get("id", one.get("params", {}).get("seq")) for one in frontend.wire.drain(1)]
    assert told == [*range(1, 51), 9]


def test_an_answer_that_is_too_large_is_refused(frontend):
    answer = frontend.ask("test.echo", text="x" * (MAX_LINE - 20))
    assert name_of(answer) == "failed.size"
    assert frontend.ask("test.echo", text="x")["result"] == "x"


def test_of_many_calls_at_once_no_more_are_read(frontend):
    for number in range(255):
        frontend.call("test.wait", number)
    assert frontend.wire.reading
    frontend.call("test.wait", 255)
    assert not frontend.wire.reading
    frontend.service.waiting[7].callback("x")
    assert frontend.wire.reading


def test_a_frontend_that_does_not_read_answers_is_not_read_from():
    frontend = Frontend(limit=1000).hello()
    frontend.call("test.echo", 1, text="x" * 2000)
    assert not frontend.wire.reading
    frontend.wire.drain()
    assert frontend.wire.reading


def test_the_end_of_the_input_waits_for_the_answers(frontend):
    frontend.call("test.wait", 1)
    frontend.session.input_ended()
    assert not frontend.wire.closed
    frontend.service.waiting[0].callback("done")
    assert frontend.wire.drain()[0]["result"] == "done"
    assert frontend.wire.closed


def test_who_attached_goes_on_after_the_end_of_the_input(frontend):
    frontend.attach()
    frontend.session.input_ended()
    frontend.log.add()
    assert not frontend.wire.closed and len(frontend.events()) == 1


def test_nothing_is_written_once_the_line_is_gone(frontend):
    frontend.attach()
    frontend.call("test.wait", 1)
    frontend.session.closed()
    frontend.wire.closed = True
    frontend.service.waiting[0].callback("late")
    frontend.log.add()
    frontend.log.tell("bob", "away")
    assert frontend.wire.queued == [] and frontend.failures == []


def test_attaching_while_the_line_goes_writes_nothing(frontend):
    frontend.log.add()
    frontend.log.window = 0
    frontend.log.reads = []
    frontend.attach(mode="events", resume={"epoch": "this-one", "seq": 0})
    frontend.session.closed()
    frontend.wire.closed = True
    frontend.log.release()
    assert frontend.failures == []


def test_descriptors_go_to_the_call_that_names_them_and_none_is_left_open(frontend):
    reader, writer = os.pipe()
    spare = [os.dup(reader) for _ in range(20)]
    frontend.session.descriptor_received(reader)
    frontend.session.descriptor_received(writer)
    frontend.send({"id": 1, "method": "test.take", "params": {}, "descriptors": 2})
    assert frontend.wire.drain()[0]["result"] == reader
    with pytest.raises(OSError):
        os.fstat(writer)  # the call didn't take it
    assert name_of(frontend.ask("test.take")) == "usage.descriptor"
    for one in spare:
        frontend.session.descriptor_received(one)
    with pytest.raises(OSError):
        os.fstat(spare[-1])  # there is a limit
    frontend.session.closed()
    for one in spare:
        with pytest.raises(OSError):
            os.fstat(one)
    os.close(reader)


def test_a_session_may_do_what_its_level_says():
    for level, allowed in ((Level.READ, False), (Level.SEND, True)):
        frontend = Frontend(grant=Grant(level=level)).hello()
        answer = frontend.ask("test.change")
        assert ("result" in answer) is allowed
        if not allowed:
            assert name_of(answer) == "denied.level"
            assert "needs the level send" in answer["error"]["message"]
            assert frontend.service.done == []
        assert frontend.ask("test.echo", text="x")["result"] == "x"
        assert name_of(frontend.ask("test.take")) == "denied.level"


def test_a_line_that_is_too_long_ends_the_session(frontend):
    frontend.session.line_too_long(MAX_LINE)
    (answer,) = frontend.wire.drain()
    assert name_of(answer) == "usage.line" and str(MAX_LINE) in answer["error"]["message"]
    assert frontend.wire.closed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
METHODS = ("test.echo", "test.change", "state.attach", "state.ack", "session.hello", "x", "")
REQUESTS = st.fixed_dictionaries(
    {"method": st.sampled_from(METHODS) | JSON},
    optional={
        "id": JSON,
        "descriptors": JSON,
        "params": JSON
        | st.fixed_dictionaries(
            {},
            optional={
                "api": JSON,
                "n": st.integers(-2, 3) | JSON,
                "text": JSON,
                "txn": JSON,
                "profile": JSON,
                "resume": st.fixed_dictionaries({"epoch": JSON, "seq": JSON}) | JSON,
                "mode": st.sampled_from(["state", "events"]) | JSON,
                "scopes": JSON,
                "types": JSON,
                "cursor": JSON,
                "seq": JSON,
            },
        ),
    },
)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60) | REQUESTS, max_size=6), st.booleans())
@example([b'{"method":"test.echo","id":1,"params":{"text":"\\ud800"}}'], True)
@example([b'{"method":"test.echo","id":1e400}', b'{"method":"\xff"}', b"\xef\xbb\xbf{}"], True)
@example([b'{"method":"test.echo","id":18446744073709551616}', b"[" * 100_000], True)
@example([b'{"method":"x","params":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}"], True)
def test_no_line_can_raise_or_end_the_session(lines, greeted):
    frontend = Frontend()
    if greeted:
        frontend.hello()
    for line in lines:
        before = len(frontend.wire.queued)
        frontend.send(line)
        if isinstance(line, bytes):
            answered = len(frontend.wire.queued) - before
            assert answered <= 1 or frontend.log.head
    for answer in frontend.wire.drain():
        assert "method" in answer or "result" in answer or answer["error"]["message"]
    assert frontend.failures == []
    assert not frontend.wire.closed
    frontend.send(HELLO)
    assert any("result" in line and line["id"] == 0 for line in frontend.wire.drain())
