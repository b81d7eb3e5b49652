"""Any text as terminal cells: what is drawn is as wide as was computed, on every terminal.

Terminals disagree on how wide sequences are: a family joined of three people takes two cells, or
six; a heart with an emoji selector takes one, or two. And text can hold what is obeyed rather than
shown. So text is brought to what terminals agree on (measured with tmux 3.3, and what urwid
computes):

- control characters and escape sequences (ECMA-48) are left out, and so are overrides and marks
  of direction (UAX #9), tags, variation selectors and all that is invisible;
- joined emoji are shown as their parts, and shades of skin left out;
- a cell has at most ``MARKS`` marks, and a mark that has no letter is left out;
- code points which are private, unassigned (as Python knows Unicode), half a surrogate pair, or
  of a width on which terminals differ become U+FFFD.

Text that is safe in this sense stays as it is when it is made safe again.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

import wcwidth
from urwid import calc_text_pos, calc_width, get_encoding_mode
from urwid.util import get_encoding

#: The most marks that are drawn over one letter: what tmux keeps in a cell.
MARKS = 4
#: Shown for what can't be.
REPLACEMENT = "\ufffd"

_TAB = "    "
_ZWNJ = "\u200c"
_CIRCLE = "\u25cc"
#: Begin and end what has a direction of its own (UAX #9).
ISOLATE, END_ISOLATE = "\u2068", "\u2069"

# What most people write, and nothing in it needs a look.
_PLAIN = re.compile(
    "[\n -~\u00a1-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u03ff\u0400-\u0482\u048a-\u052f"
    "\u1e00-\u1eff\u2010-\u2027\u2030-\u205e\u2190-\u21ff\u2500-\u25fe\u3000-\u3029\u3041-\u3096"
    "\u30a0-\u30ff\u3400-\u4dbf\u4e00-\u9ffc\uac00-\ud7a3\uff01-\uff9f"
    "\U0001f600-\U0001f64f]*"
)
# What is seldom met is compiled when it is.
_SEQUENCE = (
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"  # strings
    "|\x1b[ -/]*[0-~]?"
)
# Halves of flags: wcwidth looks back to where their run begins, for each of them.
_LONG_RUN = "[\U0001f1e6-\U0001f1ff]{32}"
_JAMO = "[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?"
_LINE_END = "\r\n?|[\x0b\x0c\x85\u2028\u2029]"
_RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]"
_pattern = cache(re.compile)

# Terminals and wcwidth differ on these: hexagrams, counting rods, ambiguous numbers.
_DISPUTED = frozenset(
    code
    for first, last in (
        (0x2630, 0x2637),
        (0x268A, 0x268F),
        (0x3248, 0x324F),
        (0x4DC0, 0x4DFF),
        (0x1D300, 0x1D356),
        (0x1D360, 0x1D378),
    )
    for code in range(first, last + 1)
)
_BLANK = frozenset((0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800))
_DROPPED_MARKS = frozenset((0x034F, 0x302E, 0x302F, 0x16FF0, 0x16FF1, *range(0xFE00, 0xFE10)))
# Without end, they are one character: leading consonants of Hangul that are in no syllable.
_LEADING = frozenset((*range(0x1100, 0x1160), *range(0xA960, 0xA97D)))
_PREPENDED = frozenset((0x0D4E, 0x111C2, 0x111C3, 0x1193F, 0x11941, 0x11A3A, 0x11D46, 0x11F02))
_ODD = _DISPUTED | _PREPENDED | _LEADING
_FLAG = range(0x1F1E6, 0x1F200)
_SHADE = range(0x1F3FB, 0x1F400)
_FLAGS_ARE_TWO_CELLS = calc_width("\U0001f1eb\U0001f1f7", 0, 2) == 2

_NARROW, _WIDE, _MARK, _SPACING, _VIRAMA, _DROP, _REPLACE, _SPACE, _END, _LETTER, _TONE = range(11)


@lru_cache(4096)
def _kind(char: str) -> int:
    code, category = ord(char), unicodedata.category(char)
    if char == "\n":
        return _END
    if code in _FLAG:
        return _LETTER
    if code in _SHADE:
        return _TONE
    if code in _BLANK or category == "Zs":
        return _WIDE if code == 0x3000 else _SPACE
    if category in ("Cc", "Cf") or code in _DROPPED_MARKS or 0xE0100 <= code < 0xE01F0:
        return _MARK if char == _ZWNJ else _DROP
    if category in ("Cn", "Co", "Cs") or code in _ODD:
        return _REPLACE
    if category == "Mc":
        return _REPLACE if unicodedata.combining(char) == 9 else _SPACING
    if category in ("Mn", "Me"):
        return _VIRAMA if unicodedata.combining(char) == 9 else _MARK
    cells = wcwidth.wcwidth(char)
    # Vowels and finals of Hangul that are in no syllable have no cell of their own.
    return {1: _NARROW, 2: _WIDE}.get(cells, _REPLACE)


def clean(text: str) -> str:
    """Return the text as what every terminal shows alike; its lines end with U+000A.

    Where urwid writes another encoding than UTF-8, what that lacks is ``?`` in each of its cells.
    """
    plain = (text.isascii() and text.isprintable()) or _PLAIN.fullmatch(text)
    safe = text if plain else _clean(text)
    if safe.isascii() or get_encoding_mode() == "utf8":
        return safe
    encoding = get_encoding()
    return "".join(
        one if _is_encodable(one, encoding) else "?" * width(one) for one in graphemes(safe)
    )


def _is_encodable(text: str, encoding: str) -> bool:
    try:
        return len(text.encode(encoding)) == width(text)
    except UnicodeEncodeError:
        return False


def _clean(text: str) -> str:
    if _has_escapes(text):
        text = _pattern(_SEQUENCE).sub("", text)
    text = _pattern(_LINE_END).sub("\n", text)
    if "\t" in text:
        text = text.replace("\t", _TAB)
    if _PLAIN.fullmatch(text):
        return text
    found, cells = _cells(text)
    safe = "".join(found)
    if sum(map(width, safe.split("\n"))) != cells:
        # wcwidth and urwid have other tables in other versions: nothing doubtful then.
        safe = "".join(REPLACEMENT if _kind(one) in (_SPACING, _VIRAMA) else one for one in safe)
    return safe


def line(text: str) -> str:
    """Return the text as :func:`clean`, in one line, with single spaces."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(clean(text).split())


def _has_escapes(text: str) -> bool:
    return any(one in text for one in "\x1b\x90\x98\x9b\x9d\x9e\x9f")


def _cells(text: str) -> tuple[list[str], int]:
    """Return the safe characters, and how many cells they take."""
    text = _pattern(_JAMO).sub(lambda one: unicodedata.normalize("NFC", one[0]), text)
    found: list[str] = []
    total = 0
    marks = 0  # that the last letter still takes
    spacing = False  # whether it takes a mark which has a cell of its own
    based = False
    letter = ""  # the first half of a flag
    flags = 0
    for char in text:
        kind = _kind(char)
        if letter and kind != _LETTER:
            found[-1] = _plain_letter(letter)
            total += 1
            letter = ""
        if kind in (_NARROW, _WIDE):
            found.append(char)
            total += 1 if kind == _NARROW else 2
            marks, spacing, based = MARKS, kind == _NARROW, True
        elif kind in (_MARK, _VIRAMA):
            if marks and not (char == _ZWNJ and found[-1].endswith(_ZWNJ)):
                marks -= 1
                # Else urwid takes both consonants as one cell, and terminals give them two.
                found.append(char + _ZWNJ if kind == _VIRAMA else char)
        elif kind == _SPACING:
            found.append(char if spacing else _CIRCLE + char)
            total += 1 if spacing else 2
            marks, spacing, based = marks if spacing else MARKS, False, True
        elif kind in (_SPACE, _END):
            found.append(" " if kind == _SPACE else "\n")
            total += kind == _SPACE
            marks, spacing, based = 0, False, False
        elif kind == _LETTER:
            if letter and _FLAGS_ARE_TWO_CELLS:
                flags += 1
                # See _LONG_RUN: urwid asks wcwidth for whole texts.
                found[-1] = letter + char + (_ZWNJ if flags % 8 == 0 else "")
                total += 2
                letter = ""
            else:
                if letter:
                    found[-1] = _plain_letter(letter)
                    total += 1
                found.append("")
                letter = char
            marks, spacing, based = 0, False, True
        elif kind == _REPLACE or (kind == _TONE and not based):
            found.append(REPLACEMENT)
            total += 1
            marks, spacing, based = 0, False, True
    if letter:
        found[-1] = _plain_letter(letter)
        total += 1
    return found, total


def _plain_letter(letter: str) -> str:
    return chr(ord(letter) - _FLAG.start + ord("A"))


def width(text: str) -> int:
    """Return how many cells a safe text takes that has no line end."""
    return len(text) if text.isascii() else calc_width(text, 0, len(text))


def cut(text: str, cells: int, mark: str = "…") -> str:
    """Return what of a safe text fits, with a mark at its end if that is not all.

    :param cells: how many there are
    :param mark: what tells that there was more; it is left out where it doesn't fit
    """
    if cells <= 0:
        return ""
    if len(text) * 2 <= cells or width(text) <= cells:
        return text
    room = cells - width(mark)
    if room < 0:
        return cut(text, cells, "")
    end, _ = calc_text_pos(text, 0, len(text), room)
    return text[:end] + mark


def fill(text: str, cells: int, mark: str = "…") -> str:
    """Return a safe text cut or filled with spaces to exactly that many cells."""
    text = cut(text, cells, mark)
    return text + " " * (cells - width(text))


def is_right_to_left(text: str, begin: int = 0, end: int | None = None) -> bool:
    """Return whether there are right-to-left letters in a text, or in a part of it."""
    if text.isascii():
        return False
    found = _pattern(_RIGHT_TO_LEFT).search(text, begin, len(text) if end is None else end)
    return found is not None


def isolate(text: str) -> str:
    """Return a safe text so that it reorders nothing around it, if it has right-to-left letters.

    The isolates (U+2068 and U+2069) take no cell. They end with the line.
    """
    if ISOLATE in text or not is_right_to_left(text) or get_encoding_mode() != "utf8":
        return text
    return f"{ISOLATE}{text}{END_ISOLATE}"


def graphemes(text: str) -> Iterator[str]:
    """Yield what a person takes for a character each (UAX #29), of any text."""
    if text.isascii():
        yield from text
        return
    at = 0
    for run in _pattern(_LONG_RUN).finditer(text):
        yield from wcwidth.iter_graphemes(text[at : run.end()])
        at = run.end()
    yield from wcwidth.iter_graphemes(text[at:])
