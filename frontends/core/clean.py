"""Text from the network, made harmless for a terminal.

A peer's text could move the cursor, answer for the keyboard (ECMA-48 control sequences) or show
words in another order than they are read (Unicode's bidirectional overrides, UAX #9).
"""

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = (*range(0x00, 0x20), *range(0x7F, 0xA0))
_SURROGATES = range(0xD800, 0xE000)

_DROPPED: dict[int, str | None] = dict.fromkeys((*_CONTROLS, *_BIDI, 0xFEFF))
_DROPPED |= {0x2028: "\n", 0x2029: "\n", 0x0A: "\n", 0x09: "    "}

_ESCAPED = {one: f"\\u{one:04x}" for one in (*range(0x7F, 0xA0), *_BIDI, 0x2028, 0x2029)}


def clean(text: str) -> str:
    """Return the text without control sequences, control characters and overrides.

    Line ends stay; tabs become spaces; half a surrogate pair becomes U+FFFD.
    """
    if text.isprintable():
        return text
    if "\x1b" in text or "\x9b" in text:
        import re

        text = re.sub(
            r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
            r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC
            r"|\x1b[ -/]*[0-~]?",
            "",
            text,
        )
    text = text.translate(_DROPPED)
    return "".join("\ufffd" if ord(one) in _SURROGATES else one for one in text)


def clean_line(text: str) -> str:
    """Return the text as one line: as :func:`clean`, with spaces for line ends."""
    return text if text.isprintable() else " ".join(clean(text).split())


def encode_json(value: object) -> bytes:
    """Write a value as one line of JSON that a terminal shows and does not obey."""
    import json

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if not text.isascii() or "\x7f" in text:
        text = text.translate(_ESCAPED)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"
