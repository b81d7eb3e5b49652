"""Primitivus in a real terminal: keys, mouse, pasting, themes, notices, stopping, sizes."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.e2e.test_console_talking import send
from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until
from tests.testbed.terminal import Terminal

pytestmark = pytest.mark.any_server


@pytest.fixture
def own_file(house: Daemon):
    """The person's file of settings, which is taken away again."""
    file = Path(house.home) / "primitivus.toml"
    yield file
    file.unlink(missing_ok=True)


def test_keys_of_ones_own_are_those_that_count_and_that_help_tells(
    server, house: Daemon, two, own_file
) -> None:
    alice, _bob = two
    own_file.write_text('[keys]\nquit = "f12"\nfly = "x"\n')
    with Console(house, "-p", alice, size=(80, 40)) as console:
        console.wait_for("there is no action “fly”")
        console.wait_for("F12 leave")
        console.press("F1")
        console.wait_for(re.compile(r"F12 +leave").search)
        console.press("F12")
        assert console.wait_end() == 0


def test_vi_like_keys(server, house: Daemon, two, own_file) -> None:
    alice, bob = two
    own_file.write_text('preset = "vi"\n')
    send(house, bob, server.jid(alice), "one", "two", "three")
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("three")
        console.to_messages()
        console.press("k")
        console.press("k")
        console.press("Enter")
        console.wait_for("This message")
        for _ in range(2):
            console.press("Down")
        console.press("Enter")
        console.wait_for("> one")
        console.press("C-u")
        console.to_messages()
        console.press(":")
        console.say("quit")
        assert console.wait_end() == 0


def test_the_mouse_opens_chooses_and_scrolls(server, house: Daemon, two) -> None:
    alice, bob = two
    send(house, bob, server.jid(alice), *(f"line {number}" for number in range(30)))
    with Console(house, "-p", alice) as console:
        console.wait_for(bob)
        console.click(5, 0)
        console.wait_for("line 29")
        assert "line 5\n" not in console.screen()
        for _ in range(6):
            console.click(40, 10, button=64)
        console.wait_for("line 5")
        console.click(*console.find("Write a message"))
        console.type("x")
        console.wait_without("Write a message")
        # The line between two conversations is drawn to where it is wanted.
        console.press("M-v")
        console.wait_for("Salut à Toi")
        line = console.lines()[5].rindex("│")
        for button, place, end in ((0, line, "M"), (32, line - 8, "M"), (0, line - 8, "m")):
            console.type(f"\x1b[<{button};{place + 1};6{end}")
        console.wait_for(lambda seen: seen.split("\n")[5].rindex("│") == line - 8)


def test_what_is_pasted_is_text_and_does_nothing(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.paste("first line\n/quit\n\x18last line")
        console.wait_for("last line")
        assert console.runs and "Nothing was said yet." in console.screen()
        console.press("Enter")
        console.wait_for(f"{alice}: first line")
        console.paste("x" * 80_000)
        console.wait_for("is too long")


def test_themes_are_changed_and_kept(server, house: Daemon, two, own_file) -> None:
    alice, bob = two
    with Console(house, "-p", alice) as console:
        console.wait_for(f"● {bob}")
        dark = console.screen(colours=True)
        console.press("F10")
        console.wait_for(lambda seen: seen != dark, colours=True)
        assert wait_until(lambda: own_file.exists() and "light" in own_file.read_text(), 30)
    for theme, environment in (("high-contrast", {}), ("dark", {"NO_COLOR": "1"})):
        with Console(house, "-p", alice, "--theme", theme, environment=environment) as console:
            console.wait_for(f"● {bob}")
            shown = console.screen(colours=True)
            assert bool(re.search(r"\x1b\[[0-9;]*[34]8;5", shown)) == (not environment)


@pytest.mark.parametrize(
    ("colours", "wanted", "unwanted"),
    [
        (1, r"\x1b\[1m", r"[34]8;[25];|\x1b\[(3[0-7]|9[0-7])m"),
        (16, r"\x1b\[(3[0-7]|9[0-7])m", r"[34]8;[25];"),
        (256, r"38;5;\d+m", r"[34]8;2;"),
        (1 << 24, r"38;2;\d+;\d+;\d+m", r"[34]8;5;"),
    ],
)
def test_as_many_colours_as_the_person_says(
    server, house: Daemon, two, own_file, colours: int, wanted: str, unwanted: str
) -> None:
    alice, bob = two
    own_file.write_text(f"colours = {colours}\n")
    send(house, bob, server.jid(alice), "in *colour*")
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("in *colour*")
        shown = console.screen(colours=True)
        assert re.search(wanted, shown) and not re.search(unwanted, shown), shown


def test_a_notice_is_told_as_the_terminal_takes_it(server, house: Daemon, two) -> None:
    alice, bob = two
    # tmux says that it is tmux, whatever it runs in.
    line = ["env", "TERM_PROGRAM=WezTerm", *house.command("primitivus", "-p", alice)]
    with Terminal([*line, server.jid(bob)], house.environment) as console:
        console.wait_for("Nothing was said yet.")
        written = console.log()
        console.type("\x1b[O")
        send(house, bob, server.jid(alice), "knock")
        wanted = f"]9;{bob}: knock\a".encode()
        assert wait_until(lambda: wanted in written.read_bytes(), 30)
        assert b"]777;" not in written.read_bytes()


def test_who_looks_elsewhere_is_told_by_bell_and_notice(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        written = console.log()
        send(house, bob, server.jid(alice), "in view")
        console.wait_for("in view")
        assert b"777;notify" not in written.read_bytes()
        console.type("\x1b[O")
        send(house, bob, server.jid(alice), "while away; \u009b bell")
        console.wait_for("while away")
        wanted = f"777;notify;{bob};while away, ".encode()
        assert wait_until(lambda: wanted in written.read_bytes(), 30)
        title = re.compile(rb"\x1b\]2;\(\d+\) primitivus\a")
        assert wait_until(lambda: title.search(written.read_bytes()), 30)
        assert house.json("-p", alice, "conversation", "list")[0]["unread"] == 1
        console.type("\x1b[I")
        console.wait_without("1 new")


def test_it_stops_and_goes_on_as_any_program(server, house: Daemon, two) -> None:
    alice, bob = two
    line = " ".join(house.command("primitivus", "-p", alice, server.jid(bob)))
    with Terminal(["bash", "--norc", "-i"], house.environment | {"PS1": "$ "}) as terminal:
        terminal.type(f"{line}\n")
        terminal.wait_for("Nothing was said yet.")
        terminal.type("half")
        # Ctrl-Z takes away what the program has not read yet.
        terminal.wait_for("half")
        terminal.press("C-z")
        terminal.wait_for("Stopped")
        assert terminal.ask("#{alternate_on}") == "0"
        terminal.type("fg\n")
        terminal.wait_for("Nothing was said yet.")
        terminal.type(" done\n")
        terminal.wait_for(f"{alice}: half done")


@pytest.mark.parametrize("size", [(40, 12), (1, 1), (200, 5), (3, 60)])
def test_any_size_will_do(server, house: Daemon, two, size) -> None:
    alice, bob = two
    send(house, bob, server.jid(alice), "hello")
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("hello")
        console.resize(*size)
        wanted = f"{size[0]}x{size[1]}"
        console.wait_for(lambda _: console.ask("#{pane_width}x#{pane_height}") == wanted)
        for key in ("F1", "C-g", "F2", "F2", "C-p", "C-g", "F9", "C-g", "x", "C-u"):
            console.press(key)
        console.resize(80, 24)
        console.wait_for("hello")
        if size == (40, 12):
            console.resize(*size)
            console.wait_for(lambda seen: "hello" in seen and "Write a message" in seen)
            console.press("F2")
            console.wait_without("hello")
        os.kill(console.pid, signal.SIGTERM)
        assert console.wait_end() == 129


def test_other_keys_count_at_once(server, house: Daemon, two, own_file) -> None:
    alice, bob = two
    own_file.write_text('[keys]\nquit = "f12"\n')
    send(house, bob, server.jid(alice), "one", "two", "three")
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("three")
        console.press("F9")
        console.wait_for(re.compile(r"keys +plain").search)
        console.press("Home", "Down", "Down", "Enter")
        console.wait_for("┌ Keys ")
        console.press("Down", "Enter")
        console.wait_for(re.compile(r"keys +vi").search)
        console.press("Escape")
        console.wait_without("┌ Settings ")
        console.to_messages()
        console.press("k")
        console.press("k")
        console.press("y")
        console.wait_for("The message is in the clipboard")
        console.press("?")
        seen = console.wait_for("k, Up")
        assert "│j, Down" in seen
        console.press("Escape")
        console.wait_without("k, Up")
        # One's own stay.
        console.press("F12")
        assert console.wait_end() == 0
    assert 'preset = "vi"' in own_file.read_text()
