"""Telling the person that something waits, and the daemon whether the person is there."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from sat.frontends.core.notices import Notice, Notices
from sat.frontends.core.state import Key

if TYPE_CHECKING:
    from sat.frontends.console.app import App
    from sat.frontends.core.desktop import Desktop

#: Seconds without a key, a click or the focus after which nobody is taken to be there.
AWAY = 300.0


class Attention:
    """Bells and notices on the desktop; the window's title; whether somebody is there.

    :param app: the program
    """

    def __init__(self, app: "App") -> None:
        self._app = app
        self._timer: object = None
        self._active = True
        self.notices = Notices(app.model, self._tell, self._in_view)
        self._desktop: Desktop | None = None

    def refresh(self) -> None:
        """Say in the window's title how much is unread."""
        mine = {one.name for one in self._app.profiles}
        state = self._app.attachment.state
        unread = sum(one.unread for one in state.conversations.values() if one.profile in mine)
        title = "primitivus"
        if unread:
            title = f"({unread}) {title}"
        self._app.screen.set_title(title)

    def seen(self) -> None:
        """Take note of a sign of life of the person."""
        if not self._active:
            self._active = True
            self._app.spawn(self._app.actions.set_active(True))
        timer = getattr(self._timer, "cancel", None)
        if timer is not None:
            timer()
        self._timer = self._app.later(AWAY, self.left)

    def left(self) -> None:
        """Take note that nobody looks at the terminal."""
        if self._active:
            self._active = False
            self._app.spawn(self._app.actions.set_active(False))

    def _in_view(self, key: Key) -> bool:
        return any(
            pane.key == key and self._app.sees(pane.history) and pane.history.view.at_end
            for pane in self._app.workspace.shown
        )

    def _tell(self, notice: Notice) -> None:
        mine = {one.name for one in self._app.profiles}
        if notice.profile and notice.profile not in mine:
            return
        settings, screen = self._app.settings, self._app.screen
        if notice.urgent and settings.bell:
            screen.bell()
        title, text = notice.title, notice.text
        if notice.kind in ("failure", "question") or not screen.focused:
            look = "error" if notice.kind == "failure" else "dim"
            self._app.tell(f"{title}: {text}", look)
        if settings.notify and not screen.focused:
            self._show(title, text, notice.key)

    def _show(self, title: str, text: str, key: Key | None) -> None:
        """Show a notice on the desktop: over its bus, else by the terminal; never by both."""
        from sat.frontends.core.desktop import Desktop

        self._desktop = self._desktop or Desktop("Primitivus")
        loop, screen = asyncio.get_running_loop(), self._app.screen

        def failed() -> None:
            # The loop may have ended meanwhile, and the terminal with it.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(screen.notify, title, text)

        if not self._desktop.notify(title, text, key, failed):
            screen.notify(title, text)

    def close(self) -> None:
        """Tell no more."""
        self.notices.close()
        if self._desktop is not None:
            self._desktop.close()
