"""What is measured is measured by a clock that nobody sets: few may ask for the time of day."""

import ast

from tests.house.tree import ROOT

#: Who asks this machine what time it is, and what for.
WALL = {
    "bridge/tls.py": "from when on the own certificate is valid",
    "bridge/trace.py": "the stamps of what is told",
    "plugins/xep_0202_time.py": "the time that others ask for, and what theirs is off by",
    "sat/backend/daemon.py": "the stamps of all that is stored and told, and when it was started",
    "sat/backend/doctor/run.py": "whether the machine's time is right",
    "sat/backend/hub.py": "the stamps of what is told",
    "sat/backend/journal.py": "the stamps of what is stored",
    "sat/demo/server.py": "from when on the certificate of a demonstration is valid",
}
#: Who asks the daemon for it.
NOW = {
    "sat/backend/archive.py": "where in an archive to begin",
    "sat/backend/files.py": "the stamp of a transfer",
    "sat/backend/incoming.py": "the stamp of a message",
    "sat/backend/live.py": "the stamp of a message, and since when a state lasts",
    "sat/backend/lookback.py": "from where on to look back",
    "sat/backend/messages.py": "the stamp of a message",
    "sat/backend/pairings.py": "until when a code is good, as it is shown",
}
_WALL = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}

_NOW = {("core", "now"), ("_core", "now")}
TOPS = ("bridge", "plugins", "sat")


def named(tree: ast.Module) -> set[tuple[str, str]]:
    """Return what is named of modules, classes and objects in a file."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            of = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            found.add((of, node.attr))
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "", one.name) for one in node.names}
    return found


def test_few_ask_for_the_time_of_day() -> None:
    wall: set[str] = set()
    now: set[str] = set()
    files = [path for top in TOPS for path in (ROOT / top).rglob("*.py")]
    # The packages that are at the top are links below `sat`.
    for path in {path.resolve() for path in files}:
        file = path.relative_to(ROOT.resolve()).as_posix()
        names = named(ast.parse(path.read_text()))
        if names & _WALL:
            wall.add(file)
        if names & _NOW:
            now.add(file)
    assert wall == set(WALL)
    assert now == set(NOW)
