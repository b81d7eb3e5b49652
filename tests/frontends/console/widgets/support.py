"""What the tests of widgets share: a source of rows, drawn screens, keys."""

import urwid
from hypothesis import HealthCheck, settings

#: For properties: a busy machine is no reason to fail.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Rows:
    """Rows by number, of which each is ``heights.get(number, 1)`` lines high."""

    def __init__(self, count=0, live=True):
        self.keys = list(range(count))
        self.heights = {}
        self.live = live
        self.made = []

    def __contains__(self, key):
        return key in self.keys

    def first(self):
        return self.keys[0] if self.keys else None

    def last(self):
        return self.keys[-1] if self.keys else None

    def before(self, key):
        at = self.keys.index(key)
        return self.keys[at - 1] if at else None

    def after(self, key):
        at = self.keys.index(key) + 1
        return self.keys[at] if at < len(self.keys) else None

    def widget(self, key):
        self.made.append(key)
        lines = [f"{key}.{line}" for line in range(self.heights.get(key, 1))]
        if not lines:
            return urwid.Pile([])
        return urwid.AttrMap(urwid.Text("\n".join(lines)), "row", "row chosen")


def drawn(widget, size, focus=True):
    """Return the rows of a widget without the spaces at their ends."""
    return [row.rstrip() for row in whole(widget, size, focus)]


def whole(widget, size, focus=True):
    """Return the rows of a widget."""
    return [row.decode() for row in widget.render(size, focus).text]


def attributes(widget, size, focus=True):
    """Return for each row the attributes with the texts that they are of."""
    return [
        [(name, text.decode().rstrip()) for name, _, text in row if text.strip()]
        for row in widget.render(size, focus).content()
    ]


def press(widget, size, *keys):
    """Press keys, and return those that meant nothing."""
    return [one for one in (widget.keypress(size, key) for key in keys) if one is not None]


def told(widget, *names):
    """Return a list to which each of these signals is added when it comes."""
    heard = []
    for name in names:
        urwid.connect_signal(
            widget, name, lambda _, *values, name=name: heard.append((name, *values))
        )
    return heard
