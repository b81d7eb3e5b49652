"""Coroutines without a loop of their own: what is waited for calls back."""

import pytest

from sat.frontends.telepathy.waiting import Waiting, spawn


class Outcome:
    """What became of a coroutine."""

    def __init__(self, work) -> None:
        self.told: list[object] = []
        spawn(work, self.told.append, self.told.append)


async def twice(first: Waiting[int], second: Waiting[int]) -> int:
    return await first + await second


@pytest.mark.parametrize("early", ["", "first", "second", "both"])
def test_values_come_before_or_after_they_are_waited_for(early):
    first, second = Waiting[int](), Waiting[int]()
    if early in ("first", "both"):
        first.give(1)
    if early in ("second", "both"):
        second.give(2)
    outcome = Outcome(twice(first, second))
    assert outcome.told == ([3] if early == "both" else [])
    first.give(1)
    second.give(2)
    assert outcome.told == [3]


def test_an_error_is_raised_where_it_is_waited_for():
    first, second = Waiting[int](), Waiting[int]()
    outcome = Outcome(twice(first, second))
    error = ValueError("no")
    first.fail(error)
    assert outcome.told == [error]
    # What comes later changes nothing.
    first.give(1)
    second.give(2)
    assert outcome.told == [error]
