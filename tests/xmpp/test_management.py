import re

import pytest
from twisted.internet.defer import Deferred, fail

from sat.xmpp.errors import Fault, NotConnected
from sat.xmpp.management import WRAP, Incoming, Lane


def stanza(id_):
    return f"<message id='{id_}'/>"


def id_of(stanza):
    return re.search("id='(.*?)'", stanza)[1]


class Wire:
    def __init__(self):
        self.written = []
        self.failures = []
        self.lane = Lane(lambda one: self.written.append(id_of(one)), self.failures.append)


def test_only_what_is_handled_without_a_gap_counts():
    incoming = Incoming()
    assert [incoming.next() for _ in range(5)] == [1, 2, 3, 4, 5]
    assert not incoming.done(2)
    assert incoming.handled == 0
    assert incoming.done(1)
    assert incoming.handled == 2
    assert not incoming.done(1), "a second time"
    assert not incoming.done(9), "one that never came"
    assert not incoming.done(0)
    assert not incoming.done(5)
    assert not incoming.done(4)
    assert incoming.done(3)
    assert incoming.handled == 5


def test_order_holds_while_earlier_ones_become_durable():
    wire = Wire()
    slow, fast = Deferred(), Deferred()
    numbers = []

    def durable(deferred):
        return lambda number: numbers.append(number) or deferred

    first = wire.lane.send(stanza(1), durable(slow))
    wire.lane.send(stanza(2), durable(fast))
    third = wire.lane.send(stanza(3))
    assert numbers == [1, 2], "both are made durable at once"
    fast.callback(True)
    assert wire.written == []
    assert not third.called
    slow.callback(True)
    assert wire.written == ["1", "2", "3"]
    assert first.called
    assert third.called
    assert (wire.lane.given, wire.lane.written) == (3, 3)


def test_one_that_is_not_to_be_written_after_all_leaves_its_number():
    wire = Wire()
    stored = Deferred()
    wire.lane.send(stanza(1), lambda _: stored)
    wire.lane.send(stanza(2))
    stored.callback(False)
    assert wire.written == ["none-1", "2"]


def test_a_place_holds_up_what_is_behind_it_until_it_is_filled_or_left():
    wire = Wire()
    first, second = wire.lane.reserve(), wire.lane.reserve()
    wire.lane.send(stanza(3))
    assert (first.number, second.number, wire.lane.given) == (1, 2, 3)
    second.leave()
    assert wire.written == []
    first.fill(stanza(1))
    assert wire.written == ["1", "none-2", "3"]
    assert wire.lane.written == 3
    late = wire.lane.reserve()
    wire.lane.end()
    late.fill(stanza(4))
    assert len(wire.written) == 3
    with pytest.raises(NotConnected):
        wire.lane.reserve()


def test_what_is_not_written_fails_at_the_end_and_is_never_written():
    wire = Wire()
    slow = Deferred()
    outcomes = []
    for sent in (wire.lane.send(stanza(1), lambda _: slow), wire.lane.send(stanza(2))):
        sent.addErrback(lambda failure: outcomes.append(failure.type))
    wire.lane.end()
    slow.callback(True)
    assert outcomes == [NotConnected, NotConnected]
    assert wire.written == []
    with pytest.raises(NotConnected):
        wire.lane.send(stanza(3))


def test_one_that_cannot_be_made_durable_breaks_the_stream():
    wire = Wire()
    sent = wire.lane.send(stanza(1), lambda _: fail(OSError("disk full")))
    sent.addErrback(lambda _: None)
    assert [failure.type for failure in wire.failures] == [OSError]
    assert wire.written == []
    wire.lane.end()


def test_one_that_raises_instead_breaks_the_stream_too():
    wire = Wire()

    def durable(number):
        raise OSError("disk full")

    wire.lane.send(stanza(1), durable).addErrback(lambda _: None)
    assert [failure.type for failure in wire.failures] == [OSError]
    wire.lane.end()


def test_counts_of_the_server_are_checked():
    lane = Wire().lane
    for number in range(3):
        lane.send(stanza(number))
    assert lane.acknowledge(2)
    assert not lane.acknowledge(2)
    assert lane.acknowledged == 2
    for impossible in (4, 1, WRAP - 1):
        with pytest.raises(Fault, match="more than was sent"):
            lane.acknowledge(impossible)
    assert lane.acknowledge(3)


def test_counts_wrap():
    lane = Wire().lane
    lane.given = lane.written = lane.acknowledged = WRAP - 1
    lane.send(stanza(1))
    lane.send(stanza(2))
    assert lane.acknowledge(1)
    assert lane.acknowledged == WRAP + 1
