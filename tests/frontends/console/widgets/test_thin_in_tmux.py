"""What is sent to a terminal shows the same as urwid's own drawing in a real one, too."""

import re
from pathlib import Path

from tests.frontends.console.widgets import drawing
from tests.frontends.console.widgets.terminal import Terminal


def _looks(captured):
    """Return what is seen of what tmux captured: characters, each with how it looks."""
    rows = []
    look = {}
    for row in captured.split("\n"):
        cells = []
        for sequence, text in re.findall(r"\x1b\[([\d;]*)m|([^\x1b]+)", row):
            if text:
                # What colour a blank would be written in isn't seen.
                blank = {name: one for name, one in look.items() if name != "fg"}
                cells += [(one, blank if one == " " else dict(look)) for one in text]
                continue
            numbers = sequence.split(";")
            while numbers:
                one = numbers.pop(0) or "0"
                if one in ("38", "48"):
                    count = 2 if numbers[0] == "5" else 4
                    look["fg" if one == "38" else "bg"] = tuple(numbers[:count])
                    del numbers[:count]
                elif one == "0":
                    look = {}
                elif one in ("39", "49"):
                    look.pop("fg" if one == "39" else "bg", None)
                elif one[:-1] in ("3", "9", "4", "10"):
                    look["fg" if one[0] in "39" else "bg"] = one
                else:
                    look[one] = True
        # tmux doesn't tell whether it has cells that were erased; pyte does.
        while cells and cells[-1][0] == " ":
            cells.pop()
        rows.append(cells)
    return rows


def test_a_real_terminal_shows_the_same(tmp_path):
    terminals = []
    try:
        for kind in "thin", "urwid":
            folder = tmp_path / kind
            folder.mkdir()
            script = f"{Path(drawing.__file__)} {kind} 50 14"
            terminals.append(Terminal(folder, script, (50, 14)))
        for batch in range(12):
            seen = []
            for terminal in terminals:
                terminal.wait_for(f"drawn {batch * drawing.EACH}" if batch else "drawn 0")
                captured = terminal._run("capture-pane", "-p", "-e", "-N")
                where = terminal._run("display-message", "-p", "#{cursor_x} #{cursor_y}")
                seen.append((where, _looks(captured)))
                terminal.press("g")
            differing = [
                pair for pair in zip(seen[0][1], seen[1][1], strict=True) if pair[0] != pair[1]
            ]
            assert seen[0][0] == seen[1][0], batch
            assert not differing, batch
    finally:
        for terminal in terminals:
            terminal.close()
