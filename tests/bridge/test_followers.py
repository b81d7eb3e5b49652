"""Those who are told together: each of all that is new, once, whoever comes or goes meanwhile."""

import random

import pytest

from sat.bridge.followers import Followers


class Log:
    """Lines by number; it has those after ``oldest``."""

    def __init__(self, page: int = 2) -> None:
        self.head = 0
        self.oldest = 0
        self._page = page

    def lines(self, after: int) -> tuple[bytes, int] | None:
        if after < self.oldest:
            return None
        last = min(after + self._page, self.head)
        return b"".join(b"%d " % number for number in range(after + 1, last + 1)), last


class One:
    """A frontend; ``then`` is called whenever something is queued for it.

    :param takes: so many bytes are taken at once; None if it is gone
    """

    def __init__(self, then=lambda one: None, takes: int | None = 0) -> None:
        self.seen = b""
        self.then = then
        self.takes = takes

    def send(self, data: bytes) -> int:
        if self.takes is None:
            raise BrokenPipeError
        self.seen += data[: self.takes]
        return min(self.takes, len(data))

    def write(self, data: bytes) -> None:
        self.seen += data
        self.then(self)

    @property
    def numbers(self) -> list[int]:
        return [int(word) for word in self.seen.split()]


@pytest.fixture
def log() -> Log:
    return Log()


def test_each_is_told_of_all_once(log):
    group, ones = Followers(), [One() for _ in range(3)]
    assert all(group.join(one, 0, one) for one in ones)
    for log.head in (1, 6, 7):
        assert group.tell(log.head, log.lines)
    assert [one.numbers for one in ones] == [list(range(1, 8))] * 3
    assert group.place == 7


@pytest.mark.parametrize("takes", [0, 1, 2, 100, None])
def test_what_is_not_taken_at_once_is_queued(log, takes):
    group = Followers()
    ones = [One(), One(takes=takes), One(takes=100)]
    queued = []
    for one in ones:
        one.then = queued.append
        assert group.join(one, 0, one)
    log.head = 2
    assert group.tell(2, log.lines)
    assert [one.numbers for one in ones] == [[1, 2]] * 3
    assert queued == ones[: 1 if takes == 100 else 2]


def test_who_is_elsewhere_cannot_join(log):
    group, one, other = Followers(), One(), One()
    log.head = 5
    assert group.join(one, 5, one)
    assert not group.join(other, 4, other)
    assert other not in group and set(group.members) == {one}


def test_an_empty_group_is_wherever_the_first_one_is(log):
    group, one = Followers(), One()
    log.head = 9
    assert group.join(one, 8, one)
    assert group.tell(9, log.lines) and one.numbers == [9]
    assert group.leave(one) == 9
    assert group.join(one, 3, one) and group.place == 3


def test_what_is_not_in_memory_nobody_is_told(log):
    group, one = Followers(), One()
    group.join(one, 0, one)
    log.head, log.oldest = 9, 5
    assert not group.tell(9, log.lines)
    assert one.numbers == [] and group.leave(one) == 0


@pytest.mark.parametrize("who", [0, 1, 2])
@pytest.mark.parametrize("leaves", [0, 1, 2])
def test_who_leaves_in_the_middle_knows_where_it_was(log, who, leaves):
    """One of three makes one of them leave while it is written to."""
    group, places = Followers(), []
    ones = [One() for _ in range(3)]

    def leave(_: One) -> None:
        if ones[leaves] in group:
            places.append(group.leave(ones[leaves]))

    ones[who].then = leave
    for one in ones:
        group.join(one, 0, one)
    log.head = 4
    assert group.tell(4, log.lines)
    assert places == [len(ones[leaves].numbers)], "what it was told, and no more"
    for one in ones:
        if one is not ones[leaves]:
            assert one.numbers == [1, 2, 3, 4]


def test_who_comes_in_the_middle_has_to_wait(log):
    group, late = Followers(), One()
    joined = []
    first = One(lambda one: joined.append(group.join(late, group.place, late)))
    group.join(first, 0, first)
    log.head = 2
    assert group.tell(2, log.lines)
    assert joined == [False] and late.numbers == []


@pytest.mark.parametrize("seed", range(20))
def test_nobody_misses_anything_whoever_comes_and_goes(seed):
    chance = random.Random(seed)
    log, group = Log(page=chance.randint(1, 4)), Followers()
    ones = [One(takes=chance.choice((0, 2, 100, None))) for _ in range(6)]

    def perhaps_leave(_: One) -> None:
        for one in ones:
            if one in group and chance.random() < 0.1:
                assert group.leave(one) == len(one.numbers)

    for one in ones:
        one.then = perhaps_leave
    for _ in range(200):
        log.head += chance.randint(0, 5)
        assert group.tell(log.head, log.lines)
        for one in ones:
            if one not in group:
                # It goes on alone up to the head, as a subscription does.
                one.seen += b"".join(
                    b"%d " % number for number in range(len(one.numbers) + 1, log.head + 1)
                )
                if chance.random() < 0.5:
                    assert group.join(one, log.head, one)
    assert all(one.numbers == list(range(1, log.head + 1)) for one in ones)
