"""What each action does: the functions behind the names of :mod:`sat.frontends.console.keys`."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sat.frontends.console.doing import messages, moving, people, talking, windows

if TYPE_CHECKING:
    from sat.frontends.console.app import App

#: Does something; it may take time, and refuse with a sentence.
Doing = Callable[["App"], Awaitable[object] | object]

DOING: dict[str, Doing] = {
    **moving.DOING,
    **messages.DOING,
    **people.DOING,
    **talking.DOING,
    **windows.DOING,
}
