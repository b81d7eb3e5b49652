"""The latest events in memory: kept for whom they are needed, and bounded."""

from datetime import UTC, datetime

from sat.backend.recent import Recent
from sat.bridge.log import LoggedEvent

TS = datetime(2026, 1, 1, tzinfo=UTC)


def event(seq: int, size: int = 0) -> LoggedEvent:
    return LoggedEvent.encode(seq, "alice", ("a.b", "a"), TS, None, b'"%s"' % (b"x" * size))


def filled(first: int, last: int, size: int = 0) -> Recent:
    recent = Recent()
    for seq in range(first, last + 1):
        recent.add([event(seq, size)])
    return recent


def test_it_gives_what_follows_and_says_where_it_begins():
    recent = filled(11, 20)
    assert [one.seq for one in recent.after(10)] == list(range(11, 21))
    assert [one.seq for one in recent.after(18)] == [19, 20]
    assert list(recent.after(20)) == []
    assert list(recent.after(99)) == []
    assert recent.after(9) is None
    recent.clear()
    assert recent.after(20) is None


def test_page_by_page_all_of_it_is_given():
    recent = filled(1, 3000)
    got: list[int] = []
    while page := recent.after(len(got)):
        assert len(page) < 3000
        got += [one.seq for one in page]
    assert got == list(range(1, 3001))


def test_lines_for_all_are_put_together_in_pieces():
    recent = filled(1, 100, 1000)
    lines, last = recent.lines(0)
    assert 1 < last < 100
    assert lines == b"".join(one.line(one.seq - 1) for one in recent.after(0) if one.seq <= last)
    assert recent.lines(0) == (lines, last)
    recent.add([event(101)])
    assert recent.lines(100) == (event(101).line(100), 101)
    assert recent.lines(101) is None
    recent.told(101)
    recent.cut(50)
    assert recent.lines(0) is None


def test_what_somebody_was_not_told_of_is_kept():
    recent = filled(1, 5000)
    recent.told(2000)
    assert recent.after(1999) is None
    assert recent.after(2000)[0].seq == 2001
    recent.told(5000)
    assert recent.after(4000) is None
    assert recent.after(4990)[0].seq == 4991
    recent.add([event(5001)])
    assert [one.seq for one in recent.after(5000)] == [5001]


def test_who_never_reads_costs_a_bounded_number_of_bytes():
    recent = filled(1, 300, size=12_000)
    assert recent.after(0) is None
    kept = 300 - next(seq for seq in range(300) if recent.after(seq) is not None)
    assert 60 < kept < 90


def test_what_the_log_has_no_more_is_forgotten():
    recent = filled(1, 100)
    recent.cut(40)
    assert recent.after(39) is None
    assert recent.after(40)[0].seq == 41
    recent.cut(20)
    assert recent.after(40)[0].seq == 41
    recent.cut(500)
    assert recent.after(100) is None
    recent.add([event(101)])
    assert [one.seq for one in recent.after(100)] == [101]
