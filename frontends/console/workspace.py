"""The conversations on the screen: which are open, and which has the focus."""

import asyncio
from typing import TYPE_CHECKING

import urwid

from sat.bridge.errors import CommandError
from sat.frontends.console.panes.chat import ChatPane
from sat.frontends.console.panes.welcome import Welcome
from sat.frontends.console.texts import _
from sat.frontends.core.state import Key

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.core.state import Changes


class Workspace:
    """Conversations by profile and peer.

    :param app: the program
    """

    def __init__(self, app: "App") -> None:
        self._app = app
        self._panes: dict[Key, ChatPane] = {}
        self.widget = urwid.WidgetPlaceholder[urwid.Widget](Welcome(app))

    @property
    def current(self) -> ChatPane | None:
        """The conversation that has the focus, or had it last."""
        widget = self.widget.original_widget
        return widget if isinstance(widget, ChatPane) else None

    @property
    def shown(self) -> list[ChatPane]:
        """The conversations that can be seen now."""
        return [self.current] if self.current is not None else []

    async def begin(self, addresses: tuple[str, ...]) -> None:
        """Open what the command line names, or what was talked about last."""
        for address in addresses:
            self.open((self.profile_for(address), address))

    def profile_for(self, address: str) -> str:
        """Return the profile that an address is meant for.

        :raises CommandError: ``unknown.profile`` if there is none
        """
        state = self._app.attachment.state
        named = self._app.arguments.profile
        if named is not None:
            if named not in state.profiles:
                raise CommandError(
                    "unknown.profile", _("There is no profile “{name}”.").format(name=named)
                )
            return named
        for name in state.profiles:
            if (name, address) in state.roster or (name, address) in state.rooms:
                return name
        if self.current is not None:
            return self.current.key[0]
        for name, profile in state.profiles.items():
            if profile.default or len(state.profiles) == 1:
                return name
        if state.profiles:
            return next(iter(state.profiles))
        raise CommandError("unknown.profile", _("There is no account yet: F8 makes one."))

    def open(self, key: Key) -> ChatPane:
        """Show a conversation, and give it the focus."""
        pane = self._panes.get(key)
        if pane is None:
            pane = self._panes[key] = ChatPane(self._app, key)
            self._app.spawn(pane.open())
        self.widget.original_widget = pane
        self._app.root.in_contacts = False
        pane.to_editor()
        self.focus_changed()
        self._app.screen.draw_soon()
        return pane

    def restyle(self) -> None:
        """Draw all messages anew, in another theme."""
        for pane in self._panes.values():
            pane.history.restyle()

    def changed(self, changes: "Changes") -> None:
        """Take note of what happened."""
        for pane in self._panes.values():
            pane.changed(changes)

    def link_changed(self) -> None:
        """Take note that the daemon is there, or gone."""
        if self._app.attachment.is_attached:
            for pane in self._panes.values():
                self._app.spawn(pane.open())

    def focus_changed(self) -> None:
        """Take note that something else is looked at."""
        for pane in self.shown:
            pane.history.mark_read()

    async def close(self) -> None:
        """Keep what was begun, and let go of all."""
        await asyncio.gather(*(pane.close() for pane in self._panes.values()))
