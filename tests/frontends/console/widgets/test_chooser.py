"""The file chooser: what it lists, what is typed, what is chosen and what is refused."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets.chooser import FileChooser
from sat.frontends.console.widgets.listing import Folder, size
from sat.frontends.console.widgets.paste import paste_key
from tests.frontends.console.widgets.support import PATIENT, attributes, drawn, press, told

SIZE = (30, 8)


@pytest.fixture
def home(tmp_path):
    for name, content in {"b.txt": "x" * 1500, "A.png": "", ".secret": "s", "ab.txt": "1"}.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "music" / "new").mkdir(parents=True)
    (tmp_path / "music" / "song.ogg").write_text("la")
    (tmp_path / ".config").mkdir()
    return tmp_path


def test_folders_come_first(home):
    chooser = FileChooser(home, home)
    rows = drawn(chooser, SIZE)
    assert rows[0].endswith(home.name[-10:])
    assert rows[1] == ">"
    assert rows[2:6] == [
        "music/",
        "A.png                      0 B",
        "ab.txt                     1 B",
        "b.txt                   1.5 kB",
    ]
    assert attributes(chooser, SIZE)[2][0][0] == "folder chosen"


def test_hidden_ones_are_shown_on_a_key(home):
    chooser = FileChooser(home, home)
    press(chooser, SIZE, "meta .")
    assert [row.split()[0] for row in drawn(chooser, SIZE)[2:]] == [
        ".config/",
        "music/",
        ".secret",
        "A.png",
        "ab.txt",
        "b.txt",
    ]
    press(chooser, SIZE, "meta .", ".", "s")
    assert [row.split()[:1] for row in drawn(chooser, SIZE)[2:4]] == [[".secret"], []]


def test_what_is_typed_filters_and_what_begins_with_it_is_first(home):
    chooser = FileChooser(home, home)
    heard = told(chooser, "chosen")
    press(chooser, SIZE, "B")
    assert [row.split()[0] for row in drawn(chooser, SIZE)[2:4]] == ["b.txt", "ab.txt"]
    press(chooser, SIZE, "enter")
    assert heard == [("chosen", str(home / "b.txt"))]
    press(chooser, SIZE, "x")
    assert drawn(chooser, SIZE)[2] == "(nothing)"
    press(chooser, SIZE, "enter")
    assert chooser.error == "There is no “Bx” here."
    press(chooser, SIZE, "ctrl u")
    assert chooser.error == ""


def test_folders_are_entered_and_left(home):
    chooser = FileChooser(home, home)
    press(chooser, SIZE, "enter", "down")
    assert chooser.path == home / "music"
    assert drawn(chooser, SIZE)[2:4] == ["new/", "song.ogg                   2 B"]
    press(chooser, SIZE, "backspace")
    assert chooser.path == home
    assert attributes(chooser, SIZE)[2][0] == ("folder chosen", "music/")
    press(chooser, SIZE, "right", "left", "left")
    assert chooser.path == home.parent


def test_paths_are_typed(home, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    chooser = FileChooser(elsewhere, home)
    heard = told(chooser, "chosen")
    press(chooser, SIZE, *"~/music/so")
    assert chooser.path == home / "music"
    assert chooser.text == "so"
    press(chooser, SIZE, "enter")
    press(chooser, SIZE, "ctrl u", *"../mu", "tab")
    assert chooser.path == home / "music"
    press(chooser, SIZE, paste_key(f"{home}/b.txt\n"), "enter")
    assert heard == [("chosen", str(home / "music" / "song.ogg")), ("chosen", str(home / "b.txt"))]
    press(chooser, SIZE, "ctrl u", "~", "enter")
    assert chooser.path == home
    press(chooser, SIZE, *"nowhere/")
    assert chooser.path == home
    assert chooser.error == f"“{home}/nowhere” can't be read: No such file or directory."


def test_a_new_name_is_chosen_where_that_is_wanted(home):
    chooser = FileChooser(home, home, new=True)
    heard = told(chooser, "chosen")
    press(chooser, SIZE, *"new.png", "enter", "ctrl u", *"b", "enter", "ctrl u", *"music", "enter")
    assert heard == [("chosen", str(home / "new.png")), ("chosen", str(home / "b"))]
    assert chooser.path == home / "music"
    press(chooser, SIZE, paste_key("x" * 4000), "enter")
    assert len(heard) == 3


def test_what_is_no_regular_file_is_refused(home):
    os.mkfifo(home / "pipe")
    chooser = FileChooser(home, home)
    heard = told(chooser, "chosen")
    press(chooser, SIZE, *"pipe", "enter")
    assert chooser.error == "“pipe” is no regular file."
    assert heard == []


def test_a_folder_that_is_gone_is_said_and_can_be_left(home):
    chooser = FileChooser(home / "gone", home)
    assert "can't be read" in drawn(chooser, (200, 8))[1]
    press(chooser, SIZE, "left")
    assert chooser.path == home
    assert chooser.error == ""


def test_names_can_do_no_harm_and_may_be_no_utf8(home):
    os.mkdir(home / "odd")
    strange = os.fsencode(home / "odd") + b"/\xff\x1b[31m\n.txt"
    with open(strange, "w"):
        pass
    chooser = FileChooser(home / "odd", home)
    heard = told(chooser, "chosen")
    assert drawn(chooser, SIZE)[2] == "\ufffd .txt                     0 B"
    press(chooser, SIZE, "tab", "enter")
    assert os.fsencode(heard[0][1]) == strange


def test_what_is_looked_at_alone_is_weighed(home):
    for at in range(200):
        (home / "music" / f"{at:05}").write_text("")
    chooser = FileChooser(home / "music", home)
    drawn(chooser, SIZE)
    assert len(chooser._folder._weights) < 10
    press(chooser, SIZE, "end")
    assert drawn(chooser, SIZE)[-1].startswith("song.ogg")
    assert len(chooser._folder._weights) < 20


def test_clicks(home):
    chooser = FileChooser(home, home)
    heard = told(chooser, "chosen")
    drawn(chooser, SIZE)
    assert chooser.mouse_event(SIZE, "mouse press", 1, 3, 5, True)
    assert chooser.mouse_event(SIZE, "mouse press", 1, 3, 5, True)
    assert heard == [("chosen", str(home / "b.txt"))]
    assert not chooser.mouse_event(SIZE, "mouse press", 1, 3, 7, True)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99949, "99.9 kB"),
        (99950, "100 kB"),
        (999600, "1.0 MB"),
        (5 * 10**9, "5.0 GB"),
        (10**16, "10000 TB"),
    ],
)
def test_sizes(count, words):
    assert size(count) == words


def test_a_folder_is_read_once(home):
    folder = Folder(home)
    assert [one.name for one in folder.matching("", False)] == ["music", "A.png", "ab.txt", "b.txt"]


@given(
    screen=st.tuples(st.integers(1, 40), st.integers(1, 10)),
    keys=st.lists(st.sampled_from([*"~/.ab", "up", "end", "enter", "left", "tab"]), max_size=15),
)
@settings(PATIENT, max_examples=60)
def test_choosers_of_any_size(tmp_path_factory, screen, keys):
    folder = tmp_path_factory.getbasetemp() / "any"
    (folder / "a").mkdir(parents=True, exist_ok=True)
    (folder / "日本").touch()
    chooser = FileChooser(folder, folder)
    for key in ["", *keys]:
        press(chooser, screen, *([key] if key else []))
        canvas = chooser.render(screen, True)
        assert (canvas.cols(), canvas.rows()) == screen


def test_what_keys_do_is_said_where_there_is_room(home):
    chooser = FileChooser(home, home)
    chooser.hint = "Left: folder above"
    rows = drawn(chooser, SIZE)
    assert rows[-1] == "Left: folder above"
    assert drawn(chooser, (30, 5))[-1] == "ab.txt                     1 B"
    # What is chosen is never below it.
    for number in range(30):
        (home / f"c{number:02}").touch()
    chooser.go(home)
    press(chooser, SIZE, "end")
    assert drawn(chooser, SIZE)[-2:] == ["c29                        0 B", "Left: folder above"]
