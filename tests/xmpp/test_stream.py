"""How a stream is written, and when its other end is taken for dead."""

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from sat.xmpp.stream import Stream
from sat.xmpp.watch import Watch

RECORD = 16384


class Ending(StringTransport):
    """Notes that it was cut."""

    def abortConnection(self) -> None:
        self.disconnecting = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream(clock) -> Stream:
    stream = Stream(clock)
    stream.makeConnection(Ending())
    return stream


def turns(stream: Stream, clock: Clock) -> list[str]:
    """Return what each turn of the reactor has written, until nothing is left."""
    found = []
    while written := stream.transport.value():
        found.append(written.decode())
        stream.transport.clear()
        # A reactor leaves to the next turn what a turn asks for; Clock does all of it at once.
        for call in clock.getDelayedCalls():
            function, values = call.func, call.args
            call.cancel()
            function(*values)
    return found


def test_a_stanza_is_never_cut_where_a_record_of_tls_ends(stream, clock):
    stanzas = [f"<message id='{number}'>{'x' * (number % 700)}</message>" for number in range(900)]
    for stanza in stanzas:
        stream.write(stanza)
    records = turns(stream, clock)
    assert "".join(records) == "".join(stanzas)
    assert len(records) > 10
    assert max(map(len, records)) <= RECORD
    assert all(one.endswith("</message>") for one in records)


def test_one_that_is_longer_than_a_record_begins_one(stream, clock):
    stanzas = ["<a/>", f"<b>{'x' * 40_000}</b>", "<c/>", "<d/>"]
    for stanza in stanzas:
        stream.write(stanza)
    assert turns(stream, clock) == [stanzas[0], stanzas[1], "<c/><d/>"]


def test_what_waits_is_written_before_the_end(stream, clock):
    stream.open("server.test", None)
    header = stream.transport.value().decode()
    for _ in range(3):
        stream.write("x" * 10_000)
    stream._on_close()
    assert stream.transport.value().decode() == header + "x" * 30_000 + "</stream:stream>"
    assert stream.transport.disconnecting


def test_nothing_is_left_to_be_done_for_a_stream_that_is_lost(stream, clock):
    for _ in range(3):
        stream.write("x" * 10_000)
    stream.connectionLost()
    stream.write("y")
    assert clock.getDelayedCalls() == []


class Watched:
    """A stream that was taken up again, and what became of it."""

    def __init__(self, stream: Stream, clock: Clock) -> None:
        self.asked = 0
        self.lost = False
        self.stream = stream
        self.watch = Watch(stream, clock, self._ask, silence=60, patience=30)
        self.watch.expect_proof(self._lose)

    def _ask(self) -> None:
        self.asked += 1

    def _lose(self) -> None:
        self.lost = True

    @property
    def ended(self) -> bool:
        return self.stream.transport.disconnecting


def test_what_was_taken_up_and_is_never_acknowledged_is_lost(stream, clock):
    watched = Watched(stream, clock)
    clock.advance(29)
    assert not watched.lost
    clock.advance(2)
    assert (watched.lost, watched.ended) == (True, True)
    assert "acknowledges nothing" in stream.fault.sentence


def test_a_server_that_talks_has_more_time_to_acknowledge(stream, clock):
    watched = Watched(stream, clock)
    for _ in range(3):
        stream.dataReceived(b" ")
        clock.advance(30)
    assert not watched.lost
    stream.dataReceived(b" ")
    clock.advance(30)
    assert watched.lost


def test_one_acknowledgement_is_proof(stream, clock):
    watched = Watched(stream, clock)
    watched.watch.prove()
    clock.advance(59)
    assert (watched.lost, watched.ended) == (False, False)


def test_while_nothing_is_read_nothing_is_missed(stream, clock):
    watched = Watched(stream, clock)
    watched.watch.paused = True
    clock.pump([30] * 10)
    assert (watched.lost, watched.ended) == (False, False)
    watched.watch.read_on()
    clock.pump([30] * 2)
    assert (watched.lost, watched.ended) == (True, True)


def test_a_link_that_died_is_asked_once_and_given_up(stream, clock):
    watched = Watched(stream, clock)
    watched.watch.prove()
    stream.dataReceived(b" ")
    clock.advance(60)
    assert watched.asked == 0
    clock.advance(60)
    assert watched.asked == 1
    clock.advance(29)
    assert not watched.ended
    clock.advance(1)
    assert (watched.ended, watched.lost) == (True, False)
    assert "no sign of life" in stream.fault.sentence


def test_who_looks_no_more_does_nothing(stream, clock):
    watched = Watched(stream, clock)
    watched.watch.stop()
    watched.watch.probe(1)
    assert clock.getDelayedCalls() == []
    assert watched.asked == 0
