"""What can be fetched again is kept as long as there is room, and never in the way."""

import os

import pytest

from sat.backend import cache
from sat.backend.cache import Cache


def files(folder) -> list[str]:
    return sorted(one.name for one in folder.rglob("*") if one.is_file())


def test_what_is_kept_is_there_for_its_profile_until_it_is_forgotten(tmp_path):
    kept = Cache(tmp_path / "cache")
    assert kept.get("alice", "ab12") is None
    kept.put("alice", "ab12", b"one")
    assert kept.get("alice", "ab12") == b"one"
    assert kept.get("bob", "ab12") is None
    kept.put("alice", "ab12", b"two")
    assert kept.get("alice", "ab12") == b"two"
    # A profile's name may be longer than a file's.
    long = "ü" * 64 + "𝒳" * 64
    kept.put(long, "ab12", b"three")
    kept.forget("alice")
    kept.forget("nobody")
    assert kept.get("alice", "ab12") is None
    assert kept.get(long, "ab12") == b"three"
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("limit", ["MAX_BYTES", "MAX_FILES"])
def test_what_was_used_longest_ago_makes_room(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(cache, limit, 40 if limit == "MAX_BYTES" else 4)
    kept = Cache(tmp_path)
    for number in range(4):
        kept.put("alice", f"a{number}", b"x" * 10)
        (path,) = tmp_path.rglob(f"a{number}")
        os.utime(path, (number, number))
    assert kept.get("alice", "a0")
    kept.put("alice", "b0", b"x" * 10)
    assert files(tmp_path) == ["a0", "a2", "a3", "b0"]


def test_a_name_that_leads_elsewhere_is_a_fault(tmp_path):
    kept = Cache(tmp_path / "cache")
    for name in ("", "../x", "ab/cd", ".", "AB", "x"):
        with pytest.raises(ValueError, match="hexadecimal"):
            kept.put("alice", name, b"")
    assert files(tmp_path) == []


def test_a_disk_that_takes_nothing_keeps_nothing(tmp_path, monkeypatch):
    (tmp_path / "cache").write_bytes(b"a file in the place of the folder")
    kept = Cache(tmp_path / "cache")
    kept.put("alice", "ab", b"one")
    assert kept.get("alice", "ab") is None
    kept.forget("alice")
    assert files(tmp_path) == ["cache"]
    monkeypatch.setattr(cache, "_RESERVE", 1 << 62)
    full = Cache(tmp_path / "full")
    full.put("alice", "ab", b"one")
    assert full.get("alice", "ab") is None
