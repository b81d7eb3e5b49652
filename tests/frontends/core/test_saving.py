"""Files that somebody else has named: where they may be kept, and that nothing is written over."""

import os

import pytest

from sat.frontends.core.saving import NewFile, safe_name


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("photo.jpg", "photo.jpg"),
        ("une photo d’été (2).jpg", "une photo d’été (2).jpg"),
        ("../../x", "_.._x"),
        ("/etc/passwd", "_etc_passwd"),
        ("..\\..\\x.exe", "_.._x.exe"),
        ("C:\\x", "C__x"),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("~root", "root"),
        ("a\0b\n\x1b[2Jc", "ab c"),
        ("picture\u202egpj.exe", "picturegpj.exe"),
        ("CON", "CON_"),
        ("nul.txt", "nul_.txt"),
        ("console.txt", "console.txt"),
        ("x. . ", "x"),
        ("a\udc80", "a\ufffd"),
        ("..", "file"),
        ("", "file"),
        (" \n ", "file"),
    ],
)
def test_a_name_stays_within_its_folder(name, wanted) -> None:
    assert safe_name(name) == wanted


@pytest.mark.parametrize("letter", ["x", "é", "👋"])
def test_no_file_system_is_too_small_for_a_name(tmp_path, letter) -> None:
    name = safe_name(letter * 4096 + ".tar.gz")
    assert name.endswith(".gz") and len(name.encode()) <= 240
    with NewFile(str(tmp_path / name)) as new:
        new.keep()
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert len(safe_name("x." + letter * 4096).encode()) <= 240


def test_a_file_has_its_name_once_it_is_whole(tmp_path) -> None:
    path = tmp_path / "x"
    with NewFile(str(path)) as new:
        os.write(new.descriptor, b"content")
        assert path.read_bytes() == b""
        new.keep()
    assert path.read_bytes() == b"content" and path.stat().st_mode & 0o777 == 0o600
    assert [*tmp_path.iterdir()] == [path]


def test_half_a_file_does_not_stay(tmp_path) -> None:
    with pytest.raises(KeyboardInterrupt), NewFile(str(tmp_path / "x")) as new:
        os.write(new.descriptor, b"half")
        raise KeyboardInterrupt
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("there", ["file", "folder", "link", "link to nothing"])
@pytest.mark.parametrize("suffix", ["", ".part"])
def test_what_is_there_stays_as_it_is(tmp_path, there, suffix) -> None:
    target, other = tmp_path / f"x{suffix}", tmp_path / "other"
    other.write_text("mine")
    if there == "file":
        target.write_text("mine")
    elif there == "folder":
        target.mkdir()
    else:
        target.symlink_to(other if there == "link" else tmp_path / "nothing")
    before = sorted(one.name for one in tmp_path.iterdir())
    with pytest.raises(FileExistsError), NewFile(str(tmp_path / "x")):
        pass
    assert sorted(one.name for one in tmp_path.iterdir()) == before
    assert other.read_text() == "mine"


def test_a_folder_that_is_not_there(tmp_path) -> None:
    with pytest.raises(FileNotFoundError), NewFile(str(tmp_path / "no" / "x")):
        pass
