"""See each guard fail when it is removed: ``python -m tests.hostile.guards [RULE…]``.

The tree, as git knows it, is copied to a temporary folder. There the tests are run as they are, and
must pass; then each guard is taken out in turn, and at least one of its tests must fail.
"""

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

from tests.hostile.guards import Guard
from tests.hostile.guards.table import GUARDS

ROOT = Path(__file__).parents[3]
#: Processes that run tests at the same time.
PROCESSES = 2
#: Seconds that the tests of a guard may take; those of many guards together have more.
PATIENCE, ALL_PATIENCE = 240, 1200

_FAILED = re.compile(r"(\d+) failed")
#: What pytest says with its exit code: tests have failed, and nothing worse.
_TESTS_FAILED = 1


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


def run(tree: Path, tests: Iterable[str], match: str, seconds: float, *, keep: bool) -> tuple:
    """Run tests in a tree; return pytest's exit code (None: they never ended) and what it said.

    :param keep: whether compiled modules are kept for the next run
    """
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "--tb=line", *tests]
    if match:
        command += ["-k", match]
    given = {**os.environ, "PYTHONPATH": str(tree)}
    if not keep:
        given["PYTHONDONTWRITEBYTECODE"] = "1"
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=tree, env=given, stdout=said, stderr=said, start_new_session=True
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)
                process.wait()
        said.seek(0)
        return code, said.read().decode(errors="replace")


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


def check(guard: Guard, tree: Path) -> tuple[bool, str]:
    """See the tests of a guard fail without it; return whether they do, and a line about it."""
    try:
        with removed(guard, tree):
            code, said = run(tree, guard.tests, guard.match, PATIENCE, keep=False)
    except (OSError, ValueError) as error:
        return False, f"{guard}: can't be removed: {error}"
    if code is None:
        return True, f"{guard}: its tests never end without it"
    failed = _FAILED.search(said.splitlines()[-1]) if said else None
    if code == _TESTS_FAILED and failed is not None:
        count = int(failed[1])
        return True, f"{guard}: {count} test{'s fail' if count > 1 else ' fails'} without it"
    if code == 0:
        return False, f"{guard}: NO test fails without it"
    return False, f"{guard}: the tests can't be run without it (pytest: {code})\n{said[-2000:]}"


class Trees:
    """Copies of the tree, each used by one of several threads at a time."""

    def __init__(self, folder: Path) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        for number in range(PROCESSES):
            tree = folder / f"{number}"
            copy(tree)
            self._free.put(tree)

    def each(self, work: Callable, things: Iterable) -> list:
        """Do some work with each thing, in a tree."""

        def one(thing):
            tree = self._free.get()
            try:
                return work(thing, tree)
            finally:
                self._free.put(tree)

        with ThreadPoolExecutor(PROCESSES) as pool:
            return list(pool.map(one, things))


def passes(group: tuple[str, set[str]], tree: Path) -> bool:
    """See tests pass as they are; tell what else they do."""
    match, tests = group
    code, said = run(tree, sorted(tests), match, ALL_PATIENCE, keep=True)
    if code != 0:
        print(f"{match or 'the tests'}: pytest ends with {code}\n{said[-4000:]}", flush=True)
    return code == 0


def told(guard: Guard, tree: Path) -> bool:
    """See the tests of a guard fail without it, and say so."""
    found, line = check(guard, tree)
    print(line, flush=True)
    return found


def main(rules: list[str]) -> int:
    """Check all guards, or those of some rules (``bridge``: those of the bridge elsewhere)."""
    wanted = [guard for guard in GUARDS if not rules or str(guard.rule) in rules]
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for guard in wanted:
        groups[guard.match].update(guard.tests)
    with tempfile.TemporaryDirectory(prefix="sat-guards-") as folder:
        trees = Trees(Path(folder))
        print(f"{len(wanted)} guards: first their tests as they are", flush=True)
        if not all(trees.each(passes, groups.items())):
            print("The tests don't pass as they are: nothing can be told.")
            return 1
        results = trees.each(told, wanted)
    weak = results.count(False)
    print(f"{len(results) - weak} of {len(results)} guards are needed by their tests.")
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
