"""A file to be chosen, or a name for a new one."""

import stat
from pathlib import Path
from typing import ClassVar

import urwid

from sat.frontends.console.widgets.acting import Picking, steps
from sat.frontends.console.widgets.cells import cut, fill, line, width
from sat.frontends.console.widgets.keys import KeyMap
from sat.frontends.console.widgets.listing import Entry, Folder, is_kind
from sat.frontends.console.widgets.painting import Span, paint
from sat.frontends.console.widgets.paste import written

#: From so many rows on there is room for what keys do.
_ROOMY = 6


class FileChooser(Picking):
    """A box widget with a folder's path, what is typed, and the entries that have it in them.

    What is typed may be a path: ``~``, ``..`` and ``/`` lead to other folders as soon as a ``/``
    follows. Only regular files are chosen.

    Signal: ``chosen`` (path; a name that is no UTF-8 has lone surrogates, as ``os.fsencode`` takes
    it).

    Attributes of the display: ``chooser path``, ``chooser text``, ``chooser error``, ``file``,
    ``folder``, ``file size``, and each as ``… chosen``.

    Actions: ``up``, ``down``, ``page-up``, ``page-down``, ``first``, ``last``, ``choose``,
    ``enter`` (a folder), ``leave`` (to the folder above), ``erase``, ``erase-all``,
    ``complete`` (the selected one's name), ``hidden`` (show names that begin with a dot, or not).
    A click selects, and chooses what was selected; the wheel scrolls.

    :param folder: where it begins; its path is absolute
    :param home: what ``~`` is
    :param new: whether a name that is not there yet can be chosen
    """

    signals: ClassVar[list[str]] = ["chosen"]
    KEYS: ClassVar[KeyMap] = {
        "up": ("up", "ctrl p"),
        "down": ("down", "ctrl n"),
        "page-up": ("page up",),
        "page-down": ("page down",),
        "first": ("home",),
        "last": ("end",),
        "choose": ("enter",),
        "enter": ("right",),
        "leave": ("left",),
        "erase": ("backspace", "ctrl h"),
        "erase-all": ("ctrl u",),
        "complete": ("tab",),
        "hidden": ("meta .", "ctrl t"),
    }
    #: Said of what can't be sent; with the file's name.
    no_file = "“{name}” is no regular file."
    #: Said of a folder; with its path, and the system's words.
    not_readable = "“{name}” can't be read: {why}."
    #: Said of a name that is not there.
    not_there = "There is no “{name}” here."
    #: Shown where nothing is to be seen.
    empty = "(nothing)"
    #: Says below the entries what keys do, where there is room.
    hint = ""

    def __init__(self, folder: Path, home: Path, new: bool = False) -> None:
        super().__init__()
        self._home = home
        self._new = new
        self._folder: Folder | None = None
        self._path = folder
        self._text = ""
        self._hidden = False
        self._error = ""
        self._found: list[Entry] = []
        self.go(folder)

    @property
    def path(self) -> Path:
        """The folder that is shown."""
        return self._path

    @property
    def text(self) -> str:
        """What was typed; a text that is put here may be typed on."""
        return self._text

    @text.setter
    def text(self, text: str) -> None:
        self._write(text)

    @property
    def error(self) -> str:
        """The sentence that is shown, or nothing."""
        return self._error

    def go(self, folder: Path, select: str = "") -> bool:
        """Show a folder; tell whether it can be read, else why not is shown.

        :param select: the name of what is selected in it
        """
        self._invalidate()
        try:
            self._folder = Folder(folder)
        except OSError as error:
            why = error.strerror or str(error)
            self._error = self.not_readable.format(name=line(str(folder)), why=line(why))
            return False
        self._path = folder
        self._error = ""
        self._text = ""
        self._search()
        names = [one.name for one in self._found]
        self._at = names.index(select) if select in names else 0
        return True

    def _search(self) -> None:
        self._found = (
            [] if self._folder is None else self._folder.matching(self._text, self._hidden)
        )
        self._at = 0
        self._invalidate()

    def _write(self, text: str) -> None:
        self._error = ""
        self._text = text
        before, slash, after = text.rpartition("/")
        if slash:
            if self.go(self._resolve(before + "/")):
                self._text = after
            else:
                self._text = text
        self._search()

    def _resolve(self, text: str) -> Path:
        """Return the path that a typed text means here."""
        first, slash, rest = text.partition("/")
        if first == "~":
            return self._home / rest
        if not first and slash:
            return Path("/") / rest.lstrip("/")
        path = self._path
        for part in text.split("/"):
            path = path.parent if part == ".." else path / part
        return path

    def act(self, action: str) -> bool:
        """Do an action by name."""
        last = len(self._found) - 1
        moves = {**steps(self._height), "first": -last - 1, "last": last + 1}
        selected = self._found[self._at] if self._found else None
        self._invalidate()
        if action in moves:
            self._at = max(0, min(self._at + moves[action], last))
            return True
        match action:
            case "choose":
                self._choose(selected)
            case "enter" if selected is not None and selected.is_folder:
                self.go(self._path / selected.name)
            case "leave" if self._path != self._path.parent:
                self.go(self._path.parent, self._path.name)
            case "erase" if self._text:
                self._write(self._text[:-1])
            case "erase":
                return self.act("leave")
            case "erase-all":
                self._write("")
            case "complete" if selected is not None:
                self._write(selected.name + ("/" if selected.is_folder else ""))
            case "hidden":
                self._hidden = not self._hidden
                self._search()
            case _:
                return False
        return True

    def _choose(self, selected: Entry | None) -> None:
        typed = self._text.strip()
        exact = Entry(typed, False) if self._new and typed else None
        if typed in ("~", ".."):
            self.go(self._resolve(typed))
        elif exact is not None and not is_kind(self._path / typed, stat.S_IFDIR):
            self._emit("chosen", str(self._path / typed))
        elif selected is None:
            self._error = self.not_there.format(name=line(typed)) if typed else ""
        elif selected.is_folder:
            self.go(self._path / selected.name)
        elif not is_kind(self._path / selected.name, stat.S_IFREG):
            self._error = self.no_file.format(name=line(selected.name))
        else:
            self._emit("chosen", str(self._path / selected.name))

    def typed(self, key: str) -> str | None:
        """Add a key to what was typed."""
        text = written(key, 4096)
        if not text:
            return key
        self._write(self._text + text)
        return None

    @property
    def _height(self) -> int:
        return max(1, self._size[1] - 2 - self._below(self._size[1]))

    def _below(self, height: int) -> int:
        """Return how many rows there are below the entries."""
        return 1 if self.hint and height >= _ROOMY else 0

    def clicked(self, col: int, row: int) -> bool:
        """Select what is clicked, choose what was selected."""
        at = self._entry(row, len(self._found))
        if at is None:
            return False
        if at == self._at:
            return self.act("choose")
        self._at = at
        self._invalidate()
        return True

    def render(self, size: tuple[int, int], focus: bool = False) -> urwid.Canvas:  # type: ignore[override]
        """Draw the folder's path, what is typed, and the entries in view."""
        columns, height = size
        self._size = size
        self._scroll()
        rows: list[list[Span]] = []
        if height > 2:
            rows.append([("chooser path", _end(line(str(self._path)), columns))])
        if height > 1:
            text = line(self._text)
            error = f"  {self._error}" if self._error else ""
            rows.append([("chooser text", f"> {text}"), ("chooser error", error)])
        shown = self._found[self._top : self._top + self._height]
        rows += [self._row(one, columns, at == self._at) for at, one in enumerate(shown, self._top)]
        if not shown:
            rows.append([("file", self.empty)])
        if self._below(height):
            rows += [[("file", "")]] * (height - 1 - len(rows))
            rows.append([("file size", cut(self.hint, columns))])
        cursor = None
        if focus and height > 1:
            cursor = (min(2 + width(line(self._text)), columns - 1), min(height - 2, 1))
        return paint(rows, columns, height, cursor)

    def _row(self, entry: Entry, columns: int, chosen: bool) -> list[Span]:
        end = " chosen" if chosen else ""
        weight = self._folder.weight(entry) if self._folder is not None else ""
        weight = f" {weight}" if weight and columns > 20 else ""
        name = line(entry.name) + ("/" if entry.is_folder else "")
        kind = "folder" if entry.is_folder else "file"
        room = columns - width(weight)
        return [(f"{kind}{end}", fill(name, room)), (f"file size{end}", weight)]


def _end(text: str, cells: int) -> str:
    """Return the end of a path that fits."""
    if width(text) <= cells:
        return text
    while text and width(text) > cells - 1:
        text = text[max(1, (width(text) - cells) // 2) :]
    return cut(f"…{text}", cells)
