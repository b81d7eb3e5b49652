"""The guards of the rules, each seen to be needed: ``python -m tests.hostile.guards``.

A guard is a piece of code without which an attack succeeds. Each is written down here with the text
that would stand in its place if nobody had thought of the attack, and the tests that must fail
then. What is here can't rot: ``tests/hostile/test_guards.py`` looks whether every text still stands
where it is said to stand.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """One check, and what proves that it is needed.

    :param rule: the number of the rule, as in :mod:`tests.hostile`, or the name of a group beside
        the rules
    :param name: what it keeps away, as the object of "without a guard against"
    :param file: where it stands, from the top of the tree
    :param text: the check; it stands there once
    :param without: what would stand there without it
    :param tests: files of tests, or single ones of them, of which at least one must fail then
    :param match: an expression for pytest's ``-k``, where a test has too many cases
    """

    rule: int | str
    name: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]
    match: str = ""

    def __str__(self) -> str:
        of = f"rule {self.rule}" if isinstance(self.rule, int) else self.rule
        return f"{of}: {self.name}"

    def applied(self, source: str) -> str:
        """Return the source without the guard.

        :raises ValueError: if it doesn't stand there just once
        """
        count = source.count(self.text)
        if count != 1:
            raise ValueError(f"{self}: the guard stands {count} times in {self.file}")
        return source.replace(self.text, self.without)
