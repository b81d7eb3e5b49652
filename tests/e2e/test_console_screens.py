"""What the main views look like, to the cell and the colour: files in ``tests/e2e/screens``.

``SAT_SCREENS=1`` writes them anew; look at what has changed before it is committed, with
``cat FILE`` in a terminal.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import Daemon, Prosody
from tests.testbed.console import Console
from tests.testbed.shown import without_times

FOLDER = Path(__file__).with_name("screens")
SIZES = ((80, 24), (200, 60))
THEMES = ("dark", "light")


@pytest.fixture(scope="module")
def talk() -> Iterator[tuple[Prosody, Daemon]]:
    """People with names that stay, who have talked."""
    people = {name: f"{name}-secret" for name in ("alice", "bob", "carol", "dave")}
    with Prosody(people) as server, Daemon() as daemon:
        server.befriend("alice", "bob", "carol", "dave")
        for name in ("alice", "bob", "carol"):
            daemon.profile(name, server)
        room = f"tea@muc.{server.host}"
        for name in ("alice", "bob"):
            daemon.jp("-p", name, "room", "join", room, "--nick", name.capitalize())
        daemon.jp("-p", "alice", "room", "subject", room, "Tea, and nothing but tea")
        for author, to, body in (
            ("alice", server.jid("bob"), "Did you *really* see it?"),
            ("bob", server.jid("alice"), "> really\nYes: https://example.org/it"),
            ("bob", server.jid("alice"), "/me points"),
            ("alice", server.jid("dave"), "Are you *there*?"),
            ("carol", server.jid("alice"), "Hello?"),
            ("bob", room, "Alice: a cup of `Earl Grey`?"),
        ):
            daemon.jp("-p", author, "message", "send", to, body, "--wait", "acknowledged")
        friend = ("--name", "Bob", "--group", "Friends")
        daemon.jp("-p", "alice", "roster", "update", server.jid("bob"), *friend)
        for peer in (server.jid("bob"), room):
            daemon.jp("-p", "alice", "conversation", "read", peer)
        daemon.jp("-p", "carol", "presence", "set", "dnd", "deep in work")
        yield server, daemon


def looks(sequence: str, before: dict[str, str]) -> dict[str, str]:
    """Return how text is drawn after an SGR sequence: its colours, and other attributes."""
    now = dict(before)
    for part in re.findall(r"[34]8;5;\d+|\d+", sequence) or ["0"]:
        number = int(part.partition(";")[0])
        if number == 0:
            now = {}
        elif 30 <= number <= 39 or 90 <= number <= 97:
            now["text"] = part
        elif 40 <= number <= 49 or 100 <= number <= 107:
            now["ground"] = part
        else:
            now[part] = part
    return {name: part for name, part in now.items() if part not in ("39", "49")}


def canonical(screen: str) -> str:
    """Return a screen whose sequences say what is seen and nothing else: a space has no colour."""
    lines = []
    now: dict[str, str] = {}
    for line in screen.split("\n"):
        written, last = "", ""
        for sequence, char in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
            if not char:
                now = looks(sequence, now)
                continue
            seen = {
                name: now[name] for name in now if char != " " or name not in ("text", "1", "3")
            }
            wanted = ";".join(sorted(seen.values()))
            if wanted != last:
                written += f"\x1b[0;{wanted}m".replace(";m", "m")
                last = wanted
            written += char
        lines.append(written.rstrip() + ("\x1b[0m" if last else ""))
    return "\n".join(lines).rstrip("\n") + "\n"


def settled(console: Console) -> str:
    """Return the screen, with its colours, once it has stopped changing."""
    seen: list[str] = []

    def is_settled(screen: str) -> bool:
        seen.append(screen)
        return len(seen) > 5 and len({*seen[-5:]}) == 1

    return console.wait_for(is_settled, colours=True)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_main_views_look_as_they_did(talk, size: tuple[int, int], theme: str) -> None:
    server, daemon = talk
    found: dict[str, str] = {}
    line = ("-p", "alice", "--theme", theme, server.jid("bob"))
    with Console(daemon, *line, size=size) as console:
        console.wait_for("Bob points")
        console.wait_for(lambda seen: "⊖" in seen and "1 new" in seen)
        found["talk"] = settled(console)
        console.press("F1")
        console.wait_for("Help")
        found["help"] = settled(console)
        console.press("C-g")
        console.wait_without("Help ─")
        console.press("F8")
        console.wait_for("Your accounts")
        found["accounts"] = settled(console)
        console.press("C-g")
        console.wait_without("Your accounts")
        for key, title, view in (("F9", "Settings", "settings"), ("C-p", "What is", "palette")):
            if view == "palette":
                # Above no day: it would cut that at another place each day.
                console.press("M-t")
                console.wait_for("choose somebody in the list")
            console.press(key)
            console.wait_for(f"┌ {title}")
            if view == "palette":
                console.type("con")
                console.wait_for("> con")
            found[view] = settled(console)
            console.press("C-g")
            console.wait_without(f"┌ {title}")
        console.press("M-w")
        console.wait_for("Bob points")
        console.press("C-f")
        console.wait_for("Search in all messages:")
        console.say("really")
        console.wait_for("2 messages with “really”")
        console.wait_for("Yes: https")
        found["search"] = settled(console)
        console.press("C-g")
        console.wait_without("messages with")
        for number, address in enumerate((f"tea@muc.{server.host}", server.jid("dave"))):
            if number:
                console.press("M-v" if size[0] > 100 else "M-h")
            console.press("M-o")
            console.wait_for("Talk to:")
            console.say(address)
            console.wait_for("there" if number else "a cup of")
            if not number:
                found["room"] = settled(console)
        console.press("M-v")
        console.press("M-o")
        console.wait_for("Talk to:")
        console.say(server.jid("bob"))
        console.wait_for("Bob points")
        found["splits"] = settled(console)
    wrong = []
    for view, screen in found.items():
        file = FOLDER / f"{view}-{size[0]}x{size[1]}-{theme}.txt"
        screen = canonical(without_times(screen))
        if os.environ.get("SAT_SCREENS"):
            FOLDER.mkdir(exist_ok=True)
            file.write_text(screen)
        elif not file.exists() or file.read_text() != screen:
            wrong.append(f"{file.name}:\n{screen}\x1b[0m")
    assert not wrong, "\n".join(wrong)
