"""The demonstration shows what it promises, leaves nothing, and fails aloud."""

import os
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT
from tests.testbed.processes import wait_until


def demonstrate(temporary: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with its temporary files in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "tests.demo", *options],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of processes whose environment or arguments name a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in text and process.name != str(os.getpid()):
            found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def test_it_shows_a_conversation_and_a_file_and_leaves_nothing(tmp_path: Path) -> None:
    result = demonstrate(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert "$ jp -p alice message list bob@localhost" in lines
    answers = [line for line in lines if line.endswith("bob@localhost: Salut à toi, Alice!")]
    assert len(answers) == 1
    sums = [line.split()[-1] for line in lines if "SHA-256" in line]
    assert len(sums) == 2
    assert sums[0] == sums[1]
    numbers = [int(line.split()[0][1:]) for line in lines if line.startswith("  #")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


def test_what_is_kept_can_be_played_with_and_stopped_as_it_says(tmp_path: Path) -> None:
    lines = demonstrate(tmp_path, "--keep").stdout.splitlines()
    (setting,) = (line for line in lines if line.startswith("export SAT_HOME="))
    (stopping,) = (line for line in lines if line.startswith("sat stop; kill "))
    try:
        assert processes_of(tmp_path) != []
        listing = f"{setting}; jp -p bob message list alice@localhost"
        said = subprocess.run(["sh", "-c", listing], capture_output=True, text=True)
        assert "Salut, Bob!" in said.stdout, said.stderr
    finally:
        ended = subprocess.run(["sh", "-c", f"{setting}; {stopping}"], capture_output=True)
    assert ended.returncode == 0
    assert wait_until(lambda: processes_of(tmp_path) == [], 5)
    assert list(tmp_path.iterdir()) == []


def test_it_fails_aloud_and_leaves_nothing(tmp_path: Path) -> None:
    # In a folder of so long a name there can be no socket.
    folder = tmp_path / ("long-" * 20)
    folder.mkdir()
    result = demonstrate(folder)
    assert result.returncode == 1
    assert "The demonstration failed: " in result.stderr
    assert "Traceback" not in result.stderr
    assert list(folder.iterdir()) == []
    assert processes_of(folder) == []
