"""The program: it holds the daemon by one attachment, shows its views, and does what keys mean."""

import asyncio
import contextlib
import inspect
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from sat import __version__
from sat.bridge.errors import CommandError
from sat.bridge.model import Profile
from sat.frontends.console.attention import Attention
from sat.frontends.console.main import HUNG_UP
from sat.frontends.console.panes.contacts import ContactsPane
from sat.frontends.console.panes.status import Notice, StatusBar
from sat.frontends.console.prompt import Prompt
from sat.frontends.console.root import Root
from sat.frontends.console.screen import Event, Screen
from sat.frontends.console.texts import _
from sat.frontends.console.widgets.completing import Completions
from sat.frontends.console.widgets.popup import Overlays, Popup
from sat.frontends.console.workspace import Workspace
from sat.frontends.core.actions import Actions
from sat.frontends.core.attachment import Attachment, Link
from sat.frontends.core.mentions import Mentions
from sat.frontends.core.reach import Reach

if TYPE_CHECKING:
    from sat.frontends.console.commands import Commands
    from sat.frontends.console.faults import Faults
    from sat.frontends.console.main import Arguments
    from sat.frontends.console.panes.chat import ChatPane
    from sat.frontends.console.panes.history import History
    from sat.frontends.console.settings import Settings
    from sat.frontends.core.state import Changes

#: What an action does; it may take time, and refuse with a sentence.
Action = Callable[["App"], Awaitable[object] | object]


class App:
    """One console, from its begin to its end.

    :param arguments: the command line
    :param settings: the person's own
    """

    def __init__(self, arguments: "Arguments", settings: "Settings") -> None:
        self.arguments = arguments
        self.settings = settings
        self.keys = settings.keys
        #: Why there is no daemon, as it was told above the bottom line.
        self._why = ""
        #: Whether there is a screen yet.
        self.started = False
        self.reach = Reach(f"primitivus {__version__}", arguments.remote)
        self.attachment = Attachment(self.reach)
        self.model = self.attachment.model
        self.actions = Actions(self.attachment)
        self.mentions = Mentions(self.model)
        self._commands: Commands | None = None
        self.notice = Notice()
        self.status = StatusBar(self)
        self.workspace: Workspace = Workspace(self)
        self.contacts = ContactsPane(self)
        self.root = Root(
            self.contacts, self.workspace.widget, [self.notice, self.status], doer=self
        )
        self.root.on_focus = self.workspace.focus_changed
        self.screen: Screen
        self.shows_occupants = settings.occupants
        self.overlays = Overlays(self.root, self.fault)
        self._faults: Faults | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: asyncio.Future[int]

    async def run(self, wrong: list[str]) -> int:
        """Run until the person leaves; return the exit code.

        :param wrong: sentences to begin with
        :raises CommandError: if the daemon can't be reached by the way that was named
        """
        loop = asyncio.get_running_loop()
        await self.reach.prepare()
        self._left = loop.create_future()
        loop.set_exception_handler(self._failed)
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, self._hang_up)
        self.screen = Screen(
            self.overlays,
            self.settings,
            filter=self._filter,
            closed=self._hang_up,
            before=self._say_changes,
            fault=self._tell_fault,
        )
        self.attention = Attention(self)
        self.attachment.observe_link(self._link_changed)
        self.model.observe(self._changed)
        self.screen.start()
        self.started = True
        try:
            if wrong:
                self.tell("\n".join(wrong), "error")
            self.attachment.begin()
            self.spawn(self._opened())
            return await self._left
        finally:
            self.screen.stop()
            self.attention.close()
            for task in self._tasks:
                task.cancel()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.actions.flush(), 2)
            await self.workspace.close()
            await self.attachment.close()
            await self.reach.close()

    def leave(self) -> None:
        """End the console; the daemon goes on."""
        if not self._left.done():
            self._left.set_result(0)

    # ---- what others use

    def tell(self, sentence: str, look: str = "dim") -> None:
        """Show a sentence above the bottom line, until the next key."""
        self.notice.say(sentence, look)
        self.root.changed()
        self.screen.draw_soon()

    def spawn(self, work: Coroutine[object, object, object]) -> None:
        """Have something done that takes time; what it is refused with is shown."""

        async def guarded() -> None:
            try:
                await work
            except CommandError as error:
                self.tell(error.sentence, "error")
            except Exception as error:
                self._tell_fault(error)
            else:
                self.screen.draw_soon()

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def fault(self, error: Exception, final: bool = False) -> str:
        """Write down an error that is a fault of the program, and return what is told of it.

        With ``SAT_TRACEBACK`` it ends the program: whoever sets that wants to see it.

        :param final: whether it can't go on like that
        """
        if (final or os.environ.get("SAT_TRACEBACK")) and not self._left.done():
            self._left.set_exception(error)
        if self._faults is None:
            from sat.frontends.console.faults import Faults, path

            self._faults = Faults(path())
        return self._faults.take(error)

    def _tell_fault(self, error: Exception, final: bool = False) -> None:
        self.tell(self.fault(error, final), "error")

    def do(self, name: str) -> bool:
        """Do an action by its name; tell whether there is one."""
        from sat.frontends.console.doing import DOING

        action = DOING.get(name)
        if action is None:
            return False
        self.run_action(action)
        return True

    def run_action(self, action: Action) -> None:
        """Do something; what it is refused with is shown."""
        try:
            done = action(self)
        except CommandError as error:
            self.tell(error.sentence, "error")
        except Exception as error:
            self._tell_fault(error)
        else:
            if inspect.iscoroutine(done):
                self.spawn(done)
        self.screen.draw_soon()

    @property
    def commands(self) -> "Commands":
        """What lines say, for whoever writes the first."""
        if self._commands is None:
            from sat.frontends.console.commands import Commands

            self._commands = Commands(self)
        return self._commands

    @property
    def profiles(self) -> list[Profile]:
        """The person's accounts, or the one that the command line names."""
        named = self.arguments.profile
        known = self.attachment.state.profiles.values()
        return [one for one in known if named is None or one.name == named]

    def show(self, popup: Popup[Any]) -> None:
        """Put a window on top of what is on the screen."""
        popup.keys = {"close": self.keys.of("dialog-close")}
        self.overlays.show(popup)
        self.screen.draw_soon()

    def dismiss(self, popup: Popup[Any]) -> None:
        """Take a window away."""
        popup.act("close")
        self.screen.draw_soon()

    def show_rows(self, title: str, rows: list[tuple[str, str]]) -> None:
        """Show pairs of what is typed and what it does."""
        from sat.frontends.console.windows import show

        show.rows(self, title, rows)

    def show_text(self, title: str, text: str) -> None:
        """Show a text: above the bottom line where it is short, else in a window."""
        told = text.strip()
        if "\n" not in told and len(title) + len(told) < self.screen.size[0]:
            self.tell(f"{title}: {told}")
            return
        from sat.frontends.console.windows import show

        show.text(self, title, text)

    def later(self, delay: float, function: Callable[[], None], /) -> object:
        """Call a function after so many seconds."""
        return asyncio.get_running_loop().call_later(delay, self._called, function)

    def _called(self, function: Callable[[], None]) -> None:
        function()
        self.screen.draw_soon()

    def sees(self, history: "History") -> bool:
        """Tell whether the person looks at a conversation now."""
        return self.screen.focused and any(pane.history is history for pane in self.workspace.shown)

    def submit(self, pane: "ChatPane", text: str) -> None:
        """Send what was written in a conversation, or do it if it is a command."""
        self.commands.submit(pane.key, text)

    def ask(
        self,
        label: str,
        done: Callable[[str], object],
        *,
        text: str = "",
        changed: Callable[[str], object] | None = None,
        completer: Callable[[str, int], Completions | None] | None = None,
        dropped: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask for a line at the bottom; what ``done`` makes of it may take time, or be refused.

        :param dropped: is called where no answer is given
        """

        def answered(given: str) -> None:
            self.run_action(lambda _: done(given))

        self.root.prompt = Prompt(
            label, answered, left=self._answered, keys=self.keys, text=text, changed=changed,
            completer=completer, dropped=dropped,
        )  # fmt: skip
        self.root.changed()
        self.screen.draw_soon()

    def _answered(self) -> None:
        self.root.prompt = None
        self.root.changed()

    # ---- keys

    def key(self, key: str) -> bool:
        """Do what a key means whatever has the focus; tell whether it means anything."""
        action = self.keys.action("anywhere", key)
        return action is not None and self.do(action)

    def click(self) -> None:
        """Take note that the person is there."""
        self._touched()

    def _filter(self, keys: list[Event]) -> list[Event]:
        left: list[Event] = []
        for key in keys:
            if key == "focus out":
                self.attention.left()
                self.workspace.focus_changed()
                continue
            if key == "focus in":
                self.attention.seen()
                self.workspace.focus_changed()
                continue
            if isinstance(key, str) and key != "window resize":
                self._touched()
                action = self.keys.action("anywhere", key)
                if self.overlays.top is not None and action in ("quit", "redraw"):
                    self.do(action)
                    continue
            left.append(key)
        return left

    def _touched(self) -> None:
        if not self.screen.focused:
            self.screen.focused = True
            self.workspace.focus_changed()
        self.attention.seen()
        if self.notice.text:
            self.notice.say("")
            self.root.changed()

    def hint(self) -> str:
        """Return which keys help here."""
        return " ".join(
            f"{self.keys.shown(name)} {text}"
            for name, text in (("help", _("help")), ("quit", _("leave")))
            if self.keys.shown(name)
        )

    # ---- what happens

    async def _opened(self) -> None:
        """Once there is a daemon: show what the person asked for, or how to begin."""
        await self.attachment.attached()
        named = self.arguments.profile
        if named is not None and named not in self.attachment.state.profiles:
            # An empty screen would be taken for an account without contacts.
            self.workspace.profile_for("")
        await self.workspace.begin(self.arguments.open)
        if not self.attachment.state.profiles:
            self.do("profiles")
        elif self.workspace.current is None:
            # So that the arrows and Enter do what anybody tries first.
            self.root.in_contacts = True
            self.contacts.begin()

    async def _look_back(self) -> None:
        """Mark where our name was said while this console wasn't there."""
        self.contacts.view.renew(await self.mentions.look_back(self.attachment))

    def _changed(self, changes: "Changes") -> None:
        if self._commands is not None and (changes.plugins or changes.anew):
            self._commands.forget()
        self.workspace.changed(changes)
        self.screen.draw_soon()

    def _say_changes(self) -> None:
        """Have drawn anew what has changed: once for a picture, however much it was."""
        self.status.refresh()
        self.contacts.refresh()
        self.workspace.refresh()
        self.attention.refresh()

    def _link_changed(self, link: Link) -> None:
        self.status.refresh()
        self.workspace.link_changed()
        self.screen.draw_soon()
        if link.phase == "attached":
            if self.notice.text and self.notice.text == self._why:
                self.tell("")
            self.spawn(self._look_back())
        long = len(link.sentence) > self.screen.size[0] // 2
        if link.phase == "lost" and long and not self.workspace.tells_trouble:
            # The bottom line has no room for all of it.
            self.tell(link.sentence, "error")
            self._why = self.notice.text

    def _hang_up(self) -> None:
        if not self._left.done():
            self._left.set_result(HUNG_UP)

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Tell what went wrong; end where there is no terminal any more."""
        error = context.get("exception")
        if self._left.done():
            return
        if (isinstance(error, RuntimeError) and "stdin" in str(error)) or isinstance(
            error, OSError
        ):
            self._hang_up()
        elif isinstance(error, Exception):
            self._tell_fault(error)
        else:
            loop.default_exception_handler(context)
