"""From a command line that is read to a screen that is drawn, and back."""

import asyncio
import sys
from typing import TYPE_CHECKING

# Where Twisted is installed, urwid imports it for a loop that is not used here: that would cost
# more than all else until the first screen.
_unused = "twisted" not in sys.modules
if _unused:
    sys.modules["twisted"] = None  # type: ignore[assignment]
import urwid  # noqa: E402

if _unused:
    del sys.modules["twisted"]

from sat.frontends.console import encoding, settings  # noqa: E402

if TYPE_CHECKING:
    from sat.frontends.console.main import Arguments


def run(arguments: "Arguments") -> int:
    """Run the console until it is left; return the exit code.

    :raises CommandError: if it can't begin
    """
    charset, told = encoding.choose()
    chosen, wrong = settings.load(settings.path())
    if told:
        wrong.insert(0, told)
    if arguments.theme is not None:
        chosen, more = settings.with_theme(chosen, arguments.theme)
        wrong += more
    urwid.set_encoding(charset)
    if arguments.plain or chosen.plain:
        from sat.frontends.console.plain import run as run_plain

        return asyncio.run(run_plain(arguments, chosen, wrong))
    from sat.frontends.console.app import App

    return asyncio.run(App(arguments, chosen).run(wrong))
