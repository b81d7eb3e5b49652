"""The texts of the console and of the core in other languages.

``python -m tests.house.messages`` renews the catalogues: it reads the texts from the code, keeps
what is translated, writes what is new with an empty translation (for a person to fill in), and
compiles what the program reads.
"""

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from sat.frontends.core.commands.line import is_offered
from sat.frontends.core.commands.table import COMMANDS
from tests.house.tree import ROOT

CONSOLE = ROOT / "frontends" / "console"
CORE = ROOT / "frontends" / "core"
CATALOGUES = CONSOLE / "locale"
DOMAIN = "primitivus"
KEYWORDS = {"_": None, "mark": None, "ngettext": (1, 2)}


def texts() -> Catalog:
    """Return all texts that the code has, without translations."""
    catalog = Catalog(project="Salut à Toi", charset="utf-8")
    for folder, within in ((CONSOLE, ""), (CORE, "core/")):
        found = extract_from_dir(
            folder, [("**.py", "python")], keywords=KEYWORDS, comment_tags=("For translators:",)
        )
        for file, _line, text, comments, context in found:
            if text:
                place = [(f"{within}{file}", 0)]
                catalog.add(text, locations=place, auto_comments=comments, context=context)
    for text in sorted(told_of_commands()):
        catalog.add(text, locations=[("core/commands/table.py", 0)])
    return catalog


def told_of_commands() -> set[str]:
    """Return what is said of the commands that can be given in a conversation.

    They are the table's own words, without any mark: each jp loads the table, and has no language.
    """
    found = set()
    for command in COMMANDS:
        if is_offered(command):
            options = [one for one in command.options if not one.hidden]
            found |= {command.summary}
            found |= {text for one in command.arguments for text in (one.name, one.help)}
            found |= {text for one in options for text in (one.value, one.help)}
    return found - {""}


def files() -> list[Path]:
    """Return the catalogues that people translate."""
    return sorted(CATALOGUES.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read(file: Path) -> Catalog:
    """Return a catalogue."""
    with file.open("rb") as text:
        return read_po(text, locale=file.parts[-3], domain=DOMAIN)


def untranslated(catalog: Catalog) -> list[str]:
    """Return the texts that have no translation, or one that nobody has looked at."""
    missing = []
    for message in catalog:
        strings = (
            [*message.string] if isinstance(message.string, tuple | list) else [message.string]
        )
        if message.id and (message.fuzzy or not all(strings)):
            missing.append(message.id if isinstance(message.id, str) else message.id[0])
    return missing


def compiled(catalog: Catalog) -> bytes:
    """Return a catalogue as gettext reads it."""
    written = io.BytesIO()
    write_mo(written, catalog)
    return written.getvalue()


def main() -> int:
    """Renew all catalogues; 0 if nothing is left to translate."""
    template = texts()
    left = 0
    for file in files():
        catalog = read(file)
        catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        catalog.project, catalog.version = "Salut à Toi", "1"
        catalog.last_translator = catalog.language_team = catalog.msgid_bugs_address = "none"
        catalog.revision_date = catalog.creation_date
        with file.open("wb") as written:
            write_po(written, catalog, width=88, sort_output=True, include_lineno=False)
        missing = untranslated(catalog)
        for text in missing:
            print(f"{file.relative_to(ROOT)}: not translated: {text!r}")
        left += len(missing)
        file.with_suffix(".mo").write_bytes(compiled(catalog))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
