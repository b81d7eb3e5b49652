"""Pictures of two lists beside each other, one after another: by any screen, and in a terminal."""

import os
import random
import sys

import urwid
from urwid.display import raw

from sat.frontends.console.widgets.thin import ThinScreen

PALETTE = [
    ("red", "light red", "default"),
    ("bar", "white", "dark blue"),
    ("out", "default,standout", "default"),
    ("under", "default,underline", "default"),
    ("struck", "dark gray,strikethrough", "default"),
    ("bold", "default,bold", "default"),
    ("deep", "", "", "", "#fea", "#123"),
]
NAMES = [None, *(one[0] for one in PALETTE)]
#: In which cells they are is known.
WORDS = [
    *("alpha", "beta", "gamma-delta", "x", "  ", "12:34", "     ", "│", "…", "é"),
    *("日本語", "ｶ", "e\u0301", "o\u0323\u0302x", "👍", "שלום"),
]
#: These take as many cells everywhere, but not each by itself.
JOINED = ["🇫🇷", "\u2068אב\u2069", "क\u094d\u200cष", "ข้ำ", "हि"]
#: How many pictures are drawn for each key.
EACH = 8


def cut(parts, columns):
    """Return parts (attribute, text) as exactly that many cells, in bytes."""
    text, attributes, used = b"", [], 0
    for name, part in parts:
        end, cells = urwid.calc_text_pos(part, 0, len(part), columns - used)
        data = part[:end].encode()
        text, used = text + data, used + cells
        attributes.append((name, len(data)))
    left = columns - used
    return text + b" " * left, [*attributes, (parts[-1][0] if parts else None, left)]


def picture(rows, columns, cursor=None):
    """Return a canvas of rows, each of which is a list of (attribute, text)."""
    made = [cut(row, columns) for row in rows]
    canvas = urwid.TextCanvas(
        [text for text, _ in made],
        [[one for one in attributes if one[1]] for _, attributes in made],
        cursor=cursor,
        maxcol=columns,
    )
    return urwid.CompositeCanvas(canvas)


def beside(*pictures):
    return urwid.CanvasJoin([(one, None, False, one.cols()) for one in pictures])


class Story:
    """Two lists beside each other, and a line below."""

    def __init__(self, lists, size=(30, 10)):
        self.lists = lists
        self.offsets = [0, 0]
        self.size = size
        self.place = None
        self.foot = [("out", "foot")]

    def step(self, kind, *values):
        if kind == "new":
            self.lists[values[0]].append(values[1])
            self.offsets[values[0]] += 1
        elif kind == "scroll":
            self.offsets[values[0]] += values[1]
        elif kind == "both":
            self.offsets = [one + values[0] for one in self.offsets]
        elif kind == "set":
            chosen = self.lists[values[0]]
            chosen[values[1] % len(chosen)] = values[2]
        elif kind == "cursor":
            self.place = values[0]
        elif kind == "size":
            self.size = values
        elif kind == "foot":
            self.foot = values[0]

    def canvas(self):
        columns, lines = self.size
        left = columns // 3
        parts = []
        for width, rows, offset in zip(
            (left, columns - left), self.lists, self.offsets, strict=True
        ):
            shown = [rows[(line + offset) % len(rows)] for line in range(lines - 1)]
            parts.append(picture([*shown, self.foot], width))
        canvas = beside(*parts)
        if self.place is not None:
            canvas.cursor = int(self.place[0] * columns), int(self.place[1] * lines)
        return canvas


def _line(dice):
    words = dice.choices([*WORDS, *JOINED], k=dice.randrange(1, 7))
    return [(dice.choice(NAMES) if dice.random() < 0.4 else None, one + " ") for one in words]


def _step(dice):
    which = dice.randrange(2)
    return dice.choice(
        [
            ("new", which, _line(dice)),
            ("new", which, _line(dice)),
            ("scroll", which, dice.randint(-6, 6)),
            ("both", dice.randint(-3, 3)),
            ("set", which, dice.randrange(40), _line(dice)),
            ("cursor", (dice.random(), dice.random())),
        ]
    )


def main(kind, columns, lines):
    """Draw some pictures for each g that is pressed; the last row tells how many."""
    screen = {"thin": ThinScreen, "urwid": raw.Screen}[kind]()
    screen.set_terminal_properties(colors=256)
    screen.register_palette(PALETTE)
    dice = random.Random(7)
    story = Story([[_line(dice) for _ in range(40)] for _ in range(2)], (columns, lines))
    drawn = 0
    with screen.start():
        while True:
            story.foot = [("out", f"drawn {drawn}")]
            screen.draw_screen((columns, lines), story.canvas())
            while b"g" not in (key := os.read(0, 1)):
                if not key:
                    return
            for _ in range(EACH):
                drawn += 1
                story.step(*_step(dice))
                screen.draw_screen((columns, lines), story.canvas())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
