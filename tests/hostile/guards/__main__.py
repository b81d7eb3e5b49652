"""See each guard fail when it is removed: ``python -m tests.hostile.guards [RULE…]``.

The tree, as git knows it, is copied to a temporary folder. There the tests are run as they are, and
must pass; then each guard is taken out in turn, and at least one of its tests must fail: the first
that does is enough.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Self, TypeVar

from tests.hostile.guards import Guard
from tests.hostile.guards.table import GUARDS

ROOT = Path(__file__).parents[3]
#: Processes that run tests at the same time.
PROCESSES = 2
#: Seconds that the tests of a guard may take; those of a file, as they are, have more.
PATIENCE, ALL_PATIENCE = 240, 600

_FAILED = re.compile(r"^FAILED (?:tests/)?(\S.*?)(?: - .*)?$", re.MULTILINE)
#: What pytest says with its exit code: tests have failed, and nothing worse.
_TESTS_FAILED = 1

Thing = TypeVar("Thing")


def copy(target: Path) -> None:
    """Copy the tree, as git knows it, with what was changed since the last commit."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"],
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, place = ROOT / name, target / name
        if not os.path.lexists(source):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, place, follow_symlinks=False)


class Tree:
    """A copy of the tree, and the nursery of the processes that run its tests.

    :param folder: where the copy is made
    """

    def __init__(self, folder: Path) -> None:
        copy(folder)
        self.folder = folder
        self._said = folder.with_suffix(".said")
        nursery = Path(__file__).with_name("nursery.py")
        # Not the script's own folder, but the tree's top is where modules are looked for.
        self._nursery = subprocess.Popen(
            [sys.executable, "-P", str(nursery)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "SAT_PATIENCE": "5"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the nursery."""
        self._nursery.communicate()

    def run(self, *arguments: str, seconds: float, keep: bool) -> tuple[int | None, str]:
        """Run tests; return pytest's exit code (None: they never ended) and what it said.

        :param keep: whether compiled modules are kept for the next run
        """
        order = {
            "arguments": ["-q", "-ra", "--tb=line", *arguments],
            "seconds": seconds,
            "keep": keep,
            "output": str(self._said),
        }
        assert self._nursery.stdin is not None and self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps(order) + "\n")
        self._nursery.stdin.flush()
        answer = self._nursery.stdout.readline()
        if not answer:
            raise RuntimeError(f"the nursery of {self.folder} ended")
        return json.loads(answer), self._said.read_text(errors="replace")


@contextmanager
def removed(guard: Guard, tree: Path):
    """Take a guard out of a tree for a while."""
    path = tree / guard.file
    source, times = path.read_text(), path.stat()
    path.write_text(guard.applied(source))
    try:
        yield
    finally:
        path.write_text(source)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def check(guard: Guard, tree: Tree) -> tuple[bool, str]:
    """See a test of a guard fail without it; return whether one does, and a line about it."""
    match = ["-k", guard.match] if guard.match else []
    try:
        with removed(guard, tree.folder):
            code, said = tree.run("-x", *guard.tests, *match, seconds=PATIENCE, keep=False)
    except (OSError, ValueError) as error:
        return False, f"{guard}: can't be removed: {error}"
    if code is None:
        return True, f"{guard}: its tests never end without it"
    failed = _FAILED.search(said)
    if code == _TESTS_FAILED and failed is not None:
        return True, f"{guard}: without it fails {failed[1]}"
    if code == 0:
        return False, f"{guard}: NO test fails without it"
    return False, f"{guard}: the tests can't be run without it (pytest: {code})\n{said[-2000:]}"


class Trees:
    """Copies of the tree, each used by one of several threads at a time."""

    def __init__(self, folder: Path) -> None:
        self._all = [Tree(folder / f"{number}") for number in range(PROCESSES)]
        self._free: SimpleQueue[Tree] = SimpleQueue()
        for tree in self._all:
            self._free.put(tree)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for tree in self._all:
            tree.close()

    def each(self, work: Callable[[Thing, Tree], bool], things: Iterable[Thing]) -> list[bool]:
        """Do some work with each thing, in a tree."""

        def one(thing: Thing) -> bool:
            tree = self._free.get()
            try:
                return work(thing, tree)
            finally:
                self._free.put(tree)

        with ThreadPoolExecutor(PROCESSES) as pool:
            return list(pool.map(one, things))


def files(guards: Iterable[Guard]) -> list[tuple[str, str]]:
    """Return the files of the guards' tests, each with an expression for those that are named.

    Those that may take longest come first.
    """
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for guard in guards:
        for named in guard.tests:
            file, _, test = named.partition("::")
            wanted[file].add(" and ".join(f"({one})" for one in (test, guard.match) if one))
    largest = sorted(wanted, key=lambda file: (ROOT / file).stat().st_size, reverse=True)
    return [
        (file, "" if "" in wanted[file] else " or ".join(sorted(wanted[file]))) for file in largest
    ]


def passes(group: tuple[str, str], tree: Tree) -> bool:
    """See tests pass as they are; tell what else they do."""
    file, match = group
    code, said = tree.run(file, *(["-k", match] if match else []), seconds=ALL_PATIENCE, keep=True)
    if code != 0:
        print(f"{file}: pytest ends with {code}\n{said[-4000:]}", flush=True)
    return code == 0


def told(guard: Guard, tree: Tree) -> bool:
    """See a test of a guard fail without it, and say so."""
    found, line = check(guard, tree)
    print(line, flush=True)
    return found


def main(rules: list[str]) -> int:
    """Check all guards, or those of some rules (``bridge``: those of the bridge elsewhere)."""
    wanted = [guard for guard in GUARDS if not rules or str(guard.rule) in rules]
    with (
        tempfile.TemporaryDirectory(prefix="sat-guards-") as folder,
        Trees(Path(folder)) as trees,
    ):
        print(f"{len(wanted)} guards: first their tests as they are", flush=True)
        if not all(trees.each(passes, files(wanted))):
            print("The tests don't pass as they are: nothing can be told.")
            return 1
        results = trees.each(told, wanted)
    weak = results.count(False)
    print(f"{len(results) - weak} of {len(results)} guards are needed by their tests.")
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
