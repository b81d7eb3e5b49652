"""What the person has chosen of the console: ``primitivus.toml`` in the folder of settings."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from sat.bridge.paths import home
from sat.frontends.console.keys import PRESETS, Keys
from sat.frontends.console.texts import _
from sat.frontends.console.themes import THEMES

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "theme": str,
    "preset": str,
    "colours": int,
    "mouse": bool,
    "bell": bool,
    "notify": bool,
    "hide_offline": bool,
    "occupants": bool,
    "plain": bool,
    "images": str,
}
#: Whose pictures are shown: nobody's, those that are asked for, those of contacts by themselves.
IMAGES = ("never", "asked", "contacts")
_COLOURS = (1, 16, 256, 1 << 24)


class Settings(NamedTuple):
    """The console's settings; ``colours`` is 0 where the terminal is to say."""

    theme: str = "dark"
    preset: str = "plain"
    colours: Literal[0, 1, 16, 256, 16777216] = 0
    mouse: bool = True
    bell: bool = True
    notify: bool = True
    hide_offline: bool = False
    occupants: bool = True
    plain: bool = False
    images: str = "asked"
    keys: Keys = Keys("plain")


def path() -> Path:
    """Return where the file is."""
    return Path(home().config) / "primitivus.toml"


def load(file: Path) -> tuple[Settings, list[str]]:
    """Return what a file says, and a sentence for each thing in it that can't be.

    Whatever is wrong counts as not said: a console must start.
    """
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return Settings(), []
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or _("it is no UTF-8")
        return Settings(), [_("{file} can't be read: {reason}.").format(file=file, reason=reason)]
    import tomllib

    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Settings(), [_("{file} can't be read: {reason}.").format(file=file, reason=error)]
    wrong: list[str] = []
    keys = said.pop("keys", {})
    given = {}
    for name, value in said.items():
        if sentence := _complaint(name, value):
            wrong.append(f"{file.name}: {sentence}")
        else:
            given[name] = value
    settings = Settings(**given)
    chosen: dict[str, tuple[str, ...]] = {}
    for action, some in keys.items() if isinstance(keys, dict) else ():
        listed = [some] if isinstance(some, str) else some
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            wrong.append(
                _("{file}: the keys of {name} are texts.").format(file=file.name, name=action)
            )
            continue
        try:
            Keys(settings.preset, {**chosen, action: listed})
        except ValueError as error:
            wrong.append(f"{file.name}: {error}.")
        else:
            chosen[action] = tuple(listed)
    return settings._replace(keys=Keys(settings.preset, chosen)), wrong


def _complaint(name: str, value: object) -> str:
    kind = _KINDS.get(name)
    if kind is None:
        return _("there is no setting “{name}”.").format(name=name)
    choices: dict[str, tuple[object, ...]] = {
        "theme": tuple(THEMES),
        "preset": PRESETS,
        "colours": _COLOURS,
        "images": IMAGES,
    }
    listed = choices.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        listed = listed or (True, False)
    elif listed is None or value in listed:
        return ""
    shown = ", ".join(str(one).lower() if isinstance(one, bool) else str(one) for one in listed)
    return _("{name} is one of: {choices}.").format(name=name, choices=shown)


def with_theme(settings: Settings, theme: str) -> tuple[Settings, list[str]]:
    """Return the settings with a theme that the command line names, or a sentence why not."""
    sentence = _complaint("theme", theme)
    return (settings, [sentence]) if sentence else (settings._replace(theme=theme), [])


def save(file: Path, name: str, value: str | int | bool) -> None:
    """Write down one setting, and leave the rest of the file as the person wrote it.

    :raises OSError: if it can't be written
    """
    import re

    written = (
        str(value).lower()
        if isinstance(value, bool)
        else f'"{value}"'
        if isinstance(value, str)
        else str(value)
    )
    text = ""
    with contextlib.suppress(FileNotFoundError):
        text = file.read_text("utf-8")
    line = f"{name} = {written}"
    head, bar, rest = text.partition("[")
    new, count = re.subn(rf"(?m)^{name}\s*=.*$", line, head)
    text = (new if count else f"{line}\n{head}") + bar + rest
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(file)
