"""Faults of the console: written down once and without what was said, told, and survived."""

import stat
from pathlib import Path

import pytest

from sat.frontends.console import faults
from sat.frontends.console.faults import Faults


def failing(words: str) -> Exception:
    try:
        try:
            raise KeyError(words)
        except KeyError as first:
            raise ValueError(words) from first
    except ValueError as error:
        return error


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "primitivus.log"


def test_it_is_written_down_once_without_its_words(log: Path) -> None:
    taken = Faults(log)
    told = taken.take(failing("hunter2"))
    assert "ValueError" in told and str(log) in told and "hunter2" not in told
    text = log.read_text()
    assert "in failing" in text and "raise KeyError" in text
    assert text.index("builtins.KeyError") < text.index("builtins.ValueError")
    assert "hunter2" not in text
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert taken.take(failing("again")) == told
    assert log.read_text() == text


def test_the_log_is_bounded(log: Path, monkeypatch) -> None:
    monkeypatch.setattr(faults, "MOST", 2000)
    for _ in range(20):
        Faults(log).take(failing("x"))
    assert log.stat().st_size < 4000
    assert {one.name for one in log.parent.iterdir()} == {"primitivus.log", "primitivus.log.1"}


def test_an_endless_recursion_is_short(log: Path) -> None:
    def one() -> None:
        other()

    def other() -> None:
        one()

    with pytest.raises(RecursionError) as found:
        one()
    Faults(log).take(found.value)
    assert log.stat().st_size < 20_000 and "…" in log.read_text()


def test_one_process_writes_so_many_kinds_of_them(log: Path, monkeypatch) -> None:
    monkeypatch.setattr(faults, "KINDS", 1)
    taken = Faults(log)
    taken.take(failing("x"))
    size = log.stat().st_size
    taken.take(OSError())
    assert log.stat().st_size == size


@pytest.mark.parametrize("place", ["file/primitivus.log", "link/primitivus.log"])
def test_where_it_cannot_be_written_it_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "primitivus.log").symlink_to(tmp_path / "file")
    assert "fault" in Faults(tmp_path / place).take(failing("x"))
    assert (tmp_path / "file").read_text() == ""
