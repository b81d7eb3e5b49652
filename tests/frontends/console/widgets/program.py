"""Every kind of text, between two lines that have to stay straight, and an editor below."""

import urwid

from sat.frontends.console.widgets.cells import clean, line
from sat.frontends.console.widgets.editor import Editor
from sat.frontends.console.widgets.layout import ISOLATING
from sat.frontends.console.widgets.painting import paint
from sat.frontends.console.widgets.paste import PasteFilter

#: Each would break or spoof the screen of who draws it as it comes.
HOSTILE = [
    "plain",
    "\x1b[2J\x1b[Hgone",
    "\x1b]0;title\x07t \x9b31m \x90q\x9c",
    "a\rb\x08\x08\x08c\x7f\x85d\te",
    "e\u0301" + "\u0301" * 10_000 + "x",
    "\u202eevil\u2066 \u2067x",
    "שלום עולם abc",
    "abc السلام عليكم def",
    "می\u200cخواهم",
    "👨‍👩‍👧 ❤️ 👍🏽 1️⃣ 🏳️‍🌈",
    "🇫🇷🇬🇧🇫 🏴\U000e0067\U000e007f",
    "日本語 한국어 ｶﾞ か\u3099",
    "क्षत्रिय हिन्दी தமிழ் কমতা",
    "\u200b\ufeff\u2060\u00ad|\u3164|",
    "\ud800\udfff \ue000 \U000f0000 \u0378",
    "☰ ䷀ ㉈ \U0001fae8",
    "\u1100\u1100\u1161 \u1160",
]
COLUMN = 60


class Lines(urwid.Widget):
    """Each text in a row, painted and laid out, with a line after both."""

    _sizing = frozenset([urwid.BOX])

    def render(self, size, focus=False):
        parts = []
        for text in HOSTILE:
            name = paint([[("name", line(text))]], 29)
            body = urwid.Text(clean(text).replace("\n", " "), wrap="clip", layout=ISOLATING)
            wrapped = urwid.Text(line(text)[:25], layout=ISOLATING).render((29,))
            drawn = urwid.CompositeCanvas(wrapped if len(text) % 2 else body.render((29,)))
            drawn.trim(0, 1)
            bar = paint([[(None, "│")]], 1)
            row = [(name, None, False, 29), (bar, None, False, 1)]
            row += [(drawn, None, False, 29), (bar, None, False, 1)]
            parts.append((urwid.CanvasJoin(row), None, False))
        canvas = urwid.CanvasCombine(parts)
        canvas.pad_trim_left_right(0, size[0] - canvas.cols())
        canvas.pad_trim_top_bottom(0, size[1] - canvas.rows())
        return canvas


class Editing(Editor):
    def act(self, action):
        if action == "send" and self.text == "quit":
            raise urwid.ExitMainLoop
        return super().act(action)


def main():
    editor = Editing(placeholder="ready", limit=2000)
    frame = urwid.Frame(Lines(), footer=urwid.Pile([editor]), focus_part="footer")
    said = urwid.Text("")
    frame.footer.contents.append((said, ("pack", None)))
    urwid.connect_signal(
        editor, "send", lambda _, text: said.set_text(f"sent {len(text)} {text[-3:]!r}")
    )
    urwid.connect_signal(editor, "refused", lambda _, why: said.set_text(why))
    screen = urwid.display.raw.Screen(bracketed_paste_mode=True)
    urwid.MainLoop(frame, screen=screen, input_filter=PasteFilter(2000)).run()


if __name__ == "__main__":
    main()
