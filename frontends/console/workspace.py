"""The conversations on the screen: in tabs, and in each side by side or one over another."""

import asyncio
from collections.abc import Hashable
from itertools import count
from typing import TYPE_CHECKING

import urwid

from sat.bridge.errors import CommandError
from sat.frontends.console.panes.chat import ChatPane
from sat.frontends.console.panes.welcome import Welcome
from sat.frontends.console.texts import _
from sat.frontends.console.widgets.panes import Panes
from sat.frontends.console.widgets.tabs import Tabs
from sat.frontends.core.state import Key
from sat.frontends.core.views.names import name_of

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.core.state import Changes

#: Conversations that are kept ready though they are not on the screen.
KEPT = 8
#: Conversations that are known to have been looked at.
_VISITED = 50


class Workspace:
    """Conversations by profile and peer, and where each is shown.

    :param app: the program
    """

    def __init__(self, app: "App") -> None:
        self._app = app
        self._chats: dict[Key, ChatPane] = {}
        #: Which conversations had the focus, the last one at the end.
        self._visited: list[Key] = []
        self._numbers = count(1)
        self._tabs = Tabs()
        self._tabs.keys = {}
        urwid.connect_signal(self._tabs, "chosen", self._chosen)
        urwid.connect_signal(self._tabs, "closing", lambda _tabs, key: self._close_tab(key))
        self._panes: dict[Hashable, Panes] = {}
        self.widget = urwid.WidgetPlaceholder[urwid.Widget](urwid.SolidFill(" "))
        self.new_tab()

    # ---- what is shown

    @property
    def panes(self) -> Panes:
        """The tab that is shown."""
        return self._panes[self._tabs.chosen]

    @property
    def current(self) -> ChatPane | None:
        """The conversation that has the focus."""
        focus = self.panes.focus
        return focus if isinstance(focus, ChatPane) else None

    @property
    def shown(self) -> list[ChatPane]:
        """The conversations that can be seen now."""
        size = self.panes._size
        found = (self.panes.panes[key] for key in self.panes.boxes(size))
        return [one for one in found if isinstance(one, ChatPane)]

    @property
    def tells_trouble(self) -> bool:
        """Whether a place without conversation can be seen, which says why there is no daemon."""
        panes = self.panes
        return any(isinstance(panes.panes[key], Welcome) for key in panes.boxes(panes._size))

    async def begin(self, addresses: tuple[str, ...]) -> None:
        """Open what the command line names."""
        for number, address in enumerate(addresses):
            if number:
                self.split(beside=True)
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

    # ---- changing it

    def open(self, key: Key) -> ChatPane:
        """Show a conversation where it is already, or in the place of the one in focus."""
        for tab, panes in self._panes.items():
            if key in panes.panes:
                self._tabs.choose(tab)
                panes.focus_on(key)
                break
        else:
            kept = self._chats.get(key)
            self.panes.show(key, self._chat(key))
            self._forget()
            if kept is not None:
                # Where somebody had scrolled back to, long ago, is no place to begin from.
                self._app.spawn(kept.history.go_to_end())
        chat = self._chats[key]
        self._app.root.in_contacts = False
        chat.to_editor()
        self._changed()
        return chat

    def back(self) -> bool:
        """Go to the conversation that had the focus before this one; tell whether there is one."""
        here = self.current.key if self.current is not None else None
        known = self._app.attachment.state.profiles
        before = [key for key in self._visited if key != here and key[0] in known]
        if before:
            self.open(before[-1])
        return bool(before)

    def give_back(self, key: Key, text: str) -> None:
        """Put back what was written and not taken, unless something else was begun since."""
        chat = self._chats.get(key)
        if chat is None:
            self._app.actions.draft(*key, text)
        elif not chat.editor.text:
            chat.editor.text = text
            chat.editor.cursor = len(text)
        self._changed()

    def take_keys(self) -> None:
        """Let keys mean what they mean from now on."""
        for chat in self._chats.values():
            chat.editor.keys = self._app.keys.widget("edit-")

    def split(self, *, beside: bool) -> None:
        """Divide the place in focus; the new half waits for a conversation."""
        self.panes.split(self._nobody(), Welcome(self._app), beside=beside)
        self._changed()

    def close_current(self) -> None:
        """Close the conversation in focus; its place goes to what is beside it."""
        if not self.panes.close(self.panes.focus_key):
            if len(self._panes) > 1:
                self._close_tab(self._tabs.chosen)
            else:
                self.panes.show(self._nobody(), Welcome(self._app))
        if self.current is None:
            # Where nothing is open, the arrows and Enter choose what is.
            self._app.root.in_contacts = True
            self._app.contacts.enter()
        self._forget()
        self._changed()

    def new_tab(self) -> None:
        """Show another tab, which waits for a conversation."""
        tab = next(self._numbers)
        panes = Panes(self._nobody(), Welcome(self._app))
        panes.keys = {}
        urwid.connect_signal(panes, "focused", lambda *_: self._changed())
        self._panes[tab] = panes
        self._tabs.add(tab, "", panes)
        self._tabs.choose(tab)
        self._changed()

    def act_panes(self, action: str) -> bool:
        """Move the focus or the sizes of what is on the screen."""
        return self.panes.act(action)

    def act_tabs(self, action: str) -> bool:
        """Go to another tab."""
        return self._tabs.act(action)

    def _nobody(self) -> Key:
        return ("", str(next(self._numbers)))

    def _chat(self, key: Key) -> ChatPane:
        chat = self._chats.pop(key, None)
        if chat is None:
            chat = ChatPane(self._app, key)
            self._app.spawn(chat.open())
        self._chats[key] = chat
        return chat

    def _forget(self) -> None:
        """Let go of conversations that were not shown for long."""
        placed = {key for panes in self._panes.values() for key in panes.panes}
        hidden = [key for key in self._chats if key not in placed]
        for key in hidden[: max(0, len(hidden) - KEPT)]:
            self._app.spawn(self._chats.pop(key).close())

    def _close_tab(self, tab: Hashable) -> None:
        if len(self._panes) > 1:
            # First, for its neighbour is shown, and named, while it goes.
            del self._panes[tab]
            self._tabs.remove(tab)
            self._forget()
            self._changed()

    def _chosen(self, _tabs: Tabs, _key: Hashable) -> None:
        self._changed()

    def _changed(self) -> None:
        """Draw what is shown now, and read what can be seen."""
        if not self._panes or self._tabs.chosen not in self._panes:
            return
        if (pane := self.current) is not None:
            others = [key for key in self._visited if key != pane.key]
            self._visited = [*others[1 - _VISITED :], pane.key]
        several = len(self._panes) > 1
        self.widget.original_widget = self._tabs if several else self.panes
        self._name_tabs()
        self.focus_changed()
        if self._app.started:
            self._app.screen.draw_soon()

    def _name_tabs(self) -> None:
        state = self._app.attachment.state
        for tab, panes in self._panes.items():
            keys = [key for key in panes.panes if isinstance(key, tuple) and key[0]]
            number = self._tabs.tabs.index(tab) + 1
            names = "+".join(name_of(state, *key) for key in keys)
            self._tabs.rename(tab, f"{number}:{names}" if names else str(number))
            known = [state.conversations[key] for key in keys if key in state.conversations]
            unread = 0 if tab == self._tabs.chosen else sum(one.unread for one in known)
            mentioned = any(self._app.mentions[key] for key in keys)
            mark = "mention" if mentioned else "unread" if unread else ""
            self._tabs.mark(tab, mark, unread)

    # ---- what happens

    def redraw(self) -> None:
        """Draw all conversations anew: they have other parts now."""
        for chat in self._chats.values():
            chat._invalidate()

    def restyle(self) -> None:
        """Draw all messages anew, in another theme."""
        for chat in self._chats.values():
            chat.history.restyle()

    def changed(self, changes: "Changes") -> None:
        """Take note of what happened."""
        for chat in self._chats.values():
            chat.changed(changes)

    def refresh(self) -> None:
        """Have drawn anew what has changed since the last picture."""
        if len(self._panes) > 1:
            self._name_tabs()
        for chat in self.shown:
            chat.refresh()

    def link_changed(self) -> None:
        """Take note that the daemon is there, or gone."""
        for panes in self._panes.values():
            for shown in panes.panes.values():
                if isinstance(shown, Welcome):
                    shown._invalidate()
        if self._app.attachment.is_attached:
            for chat in self._chats.values():
                self._app.spawn(chat.open())

    def focus_changed(self) -> None:
        """Take note that something else is looked at."""
        for chat in self._chats.values():
            chat.history.watched(self._app.sees(chat.history))
        for chat in self.shown:
            chat.history.mark_read()

    async def close(self) -> None:
        """Let go of all."""
        await asyncio.gather(*(chat.close() for chat in self._chats.values()))
