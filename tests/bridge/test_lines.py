"""A connection whose lines are a session's, over a transport in memory."""

from sat.bridge.command import commands_of
from sat.bridge.dispatcher import Dispatcher
from sat.bridge.grant import EVERYTHING
from sat.bridge.lines import Gathering, LineProtocol
from sat.bridge.session import Session
from tests.bridge.support import MemoryLog, MemoryResults, Service


class Wire:
    """Keeps what is written, a piece for each time."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def registerProducer(self, *_: object) -> None: ...
    def unregisterProducer(self) -> None: ...

    def loseConnection(self) -> None:
        self.closed = True


def line(gathering: Gathering) -> tuple[LineProtocol, Wire]:
    log = MemoryLog()
    service = Service(log)
    dispatcher = Dispatcher(lambda _: "alice", MemoryResults(), lambda error: None)
    for spec in commands_of(Service):
        dispatcher.add(spec, lambda _: service)

    def make(this) -> Session:
        return Session(this, dispatcher, log, EVERYTHING, dict, lambda work, what: work.close())

    wire = Wire()
    made = LineProtocol(make, lambda _: None, gathering)
    made.makeConnection(wire)
    return made, wire


def test_what_is_answered_together_goes_out_at_once_to_each():
    gathering = Gathering()
    (one, ones), (other, others) = line(gathering), line(gathering)
    one.write(b"0")
    with gathering:
        one.write(b"1")
        other.write(b"a")
        one.write(b"2")
        assert (ones.written, others.written) == ([b"0"], [])
    assert (ones.written, others.written) == ([b"0", b"12"], [b"a"])
    one.write(b"3")
    assert ones.written == [b"0", b"12", b"3"]


def test_nothing_of_it_is_lost_where_the_line_ends_meanwhile():
    gathering = Gathering()
    one, wire = line(gathering)
    with gathering:
        one.write(b"1")
        one.close()
        assert (wire.written, wire.closed) == ([b"1"], True)
    assert wire.written == [b"1"]


def test_a_fault_meanwhile_holds_back_nothing():
    gathering = Gathering()
    one, wire = line(gathering)
    try:
        with gathering:
            one.write(b"1")
            raise ValueError
    except ValueError:
        pass
    one.write(b"2")
    assert wire.written == [b"1", b"2"]
