"""One account in two consoles, by jp and in another program, and what each of them shows.

What is done is drawn from a seed; what all must show after it is kept here, as simply as it can be:
who said what in which order, how much of it is unread, and what is begun.
"""

from collections.abc import Callable
from contextlib import ExitStack
from random import Random
from typing import Any, Self

from sat.bridge.blocking import Client
from sat.bridge.errors import CommandError
from tests.e2e.watched import Watched
from tests.testbed import Daemon
from tests.testbed.processes import wait_until
from tests.testbed.server import Server
from tests.testbed.shown import SIGNS, Shown
from tests.testbed.stranger import Stranger
from tests.testbed.terminal import PATIENCE

#: What is done, and how often of a hundred times; each is done once at least.
SHARES = {
    "bob writes": 14,
    "bob writes while nobody looks": 8,
    "a console writes": 14,
    "jp writes": 8,
    "the phone writes": 10,
    "a console looks": 8,
    "a console looks away": 6,
    "a console goes elsewhere": 6,
    "a draft is written": 7,
    "a draft is cleared": 4,
    "a console is resized": 8,
    "a console is killed": 4,
    "the daemon is killed": 3,
}
SIZES = ((80, 24), (40, 12), (59, 18), (60, 12), (132, 43), (200, 60))
WORDS = ("oui", "non", "peut", "encore", "jamais", "salut")


class Many:
    """Alice in many places, and bob.

    :param random: what is done is drawn from it
    """

    def __init__(self, server: Server, daemon: Daemon, random: Random) -> None:
        self.server, self.daemon = server, daemon
        self.peer = server.jid("bob")
        self._random = random
        self._stack = ExitStack()
        self._number = 0
        #: What all must show.
        self.said: list[tuple[str, str]] = []
        self.unread = 0
        self.draft = ""
        #: What was done, for who looks for a cause.
        self.story: list[str] = []
        self.consoles: list[Watched] = []
        self.bob: Stranger
        self.phone: Stranger
        self._wrong = ""
        #: What the phone has sent itself, and how much it had seen before each.
        self._phone_sent: list[tuple[int, str]] = []

    def __enter__(self) -> Self:
        with self._stack as stack:
            self.daemon.profile("alice", self.server)
            self.bob = stack.enter_context(Stranger(self.server, "bob"))
            self.phone = stack.enter_context(Stranger(self.server, "alice", "phone"))
            self.phone.tell("carbons")
            self.phone.expect("carbons")
            for size in SIZES[:2]:
                self.consoles.append(Watched(self.daemon, self.peer, size))
            stack.callback(lambda: [one.terminal.close() for one in self.consoles])
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, count: int) -> None:
        """Do so many things, and see after each that all show the same.

        :raises AssertionError: with what was done, and what each shows
        """
        self._check("began")
        for name in self._plan(count):
            doing: dict[str, Callable[[], str]] = {
                "bob writes": self._bob_writes,
                "bob writes while nobody looks": self._bob_writes_to_nobody,
                "a console writes": self._console_writes,
                "jp writes": self._jp_writes,
                "the phone writes": self._phone_writes,
                "a console looks": self._console_looks,
                "a console looks away": self._console_looks_away,
                "a console goes elsewhere": self._console_goes_elsewhere,
                "a draft is written": self._draft_is_written,
                "a draft is cleared": self._draft_is_cleared,
                "a console is resized": self._console_is_resized,
                "a console is killed": self._console_is_killed,
                "the daemon is killed": self._daemon_is_killed,
            }
            self._check(doing[name]())

    def _plan(self, count: int) -> list[str]:
        plan = [name for name, share in SHARES.items() for _ in range(max(1, share * count // 100))]
        plan += self._random.choices([*SHARES], [*SHARES.values()], k=max(0, count - len(plan)))
        self._random.shuffle(plan)
        return plan

    # ---- what is done

    def _next(self) -> str:
        self._number += 1
        return f"m{self._number} {self._random.choice(WORDS)}"

    def _choose(self) -> tuple[str, Watched]:
        number = self._random.randrange(len(self.consoles))
        return f"console {number + 1}", self.consoles[number]

    def _bob_writes(self) -> str:
        body = self._next()
        self.bob.tell("send", self.server.jid("alice"), body)
        self.said.append(("bob", body))
        self.unread = 0 if any(one.looked_at for one in self.consoles) else self.unread + 1
        return f"bob wrote {body}"

    def _bob_writes_to_nobody(self) -> str:
        for console in self.consoles:
            if console.looked_at and self._random.random() < 0.5:
                self.unread = 0
                console.hide()
            else:
                console.look_away()
        # A tab that is shown until now reads what comes before it is left.
        self._check("nobody looks")
        return self._bob_writes()

    def _console_writes(self) -> str:
        name, console = self._choose()
        body = self._next()
        console.write(body)
        console.terminal.press("Enter")
        self.said.append(("alice", body))
        self.draft, self.unread = "", 0
        return f"{name} wrote {body}"

    def _jp_writes(self) -> str:
        body = self._next()
        self.daemon.jp("-p", "alice", "message", "send", self.peer, body)
        self.said.append(("alice", body))
        return f"jp wrote {body}"

    def _phone_writes(self) -> str:
        body = self._next()
        self._phone_sent.append((len(self._phone_got()), body))
        self.phone.tell("send", self.peer, body)
        self.said.append(("alice", body))
        # Who answers has read, with whichever program.
        self.unread = 0
        return f"the phone wrote {body}"

    def _console_looks(self) -> str:
        name, console = self._choose()
        console.look()
        self.unread = 0
        return f"{name} is looked at"

    def _console_looks_away(self) -> str:
        name, console = self._choose()
        console.look_away()
        return f"{name} is looked at no more"

    def _console_goes_elsewhere(self) -> str:
        name, console = self._choose()
        if not console.hidden:
            # The key that leaves is a sign of somebody who has seen what was there.
            self.unread = 0
        console.hide()
        return f"{name} shows another tab"

    def _draft_is_written(self) -> str:
        name, console = self._choose()
        self.draft = f"begun {self._random.randrange(1000)}"
        console.write(self.draft)
        self.unread = 0
        return f"{name} began “{self.draft}”"

    def _draft_is_cleared(self) -> str:
        name, console = self._choose()
        console.clear()
        self.draft, self.unread = "", 0
        return f"{name} dropped what was begun"

    def _console_is_resized(self) -> str:
        name, console = self._choose()
        size = self._random.choice(SIZES)
        console.resize(size)
        return f"{name} has {size[0]} × {size[1]}"

    def _console_is_killed(self) -> str:
        name, console = self._choose()
        console.kill()
        console.open()
        self.unread = 0
        return f"{name} was killed and opened again"

    def _daemon_is_killed(self) -> str:
        self.daemon.kill()
        meanwhile = self._random.choice(
            (lambda: "nothing happened", self._bob_writes, self._phone_writes, self._console_writes)
        )()
        self.daemon.start()
        return f"the daemon was killed, {meanwhile}, it came back"

    # ---- what is shown

    def _check(self, done: str) -> None:
        self.story.append(done)
        assert wait_until(self._agree, PATIENCE, 0.05), "\n".join(
            (
                f"after {len(self.story)} actions:",
                *self.story[-12:],
                self._wrong,
                f"wanted: {self.said[-12:]}, unread {self.unread}, draft “{self.draft}”",
                *(one.terminal.screen() for one in self.consoles),
            )
        )

    def _agree(self) -> bool:
        self._wrong = self._what_differs()
        return not self._wrong

    def _what_differs(self) -> str:
        seen = self._phone_saw()
        if seen != self.said:
            return f"the phone saw {seen[-12:]}"
        screens: dict[int, Shown] = {}
        for number, console in enumerate(self.consoles, 1):
            screen = console.shown()
            if (screen is None) != console.hidden:
                return f"console {number} shows {'a' if screen else 'no'} conversation"
            if screen is not None:
                screens[number] = screen
            wrong = self._differs(screen) if screen is not None else ""
            if not wrong and console.unread() != self.unread:
                wrong = f"{console.unread()} unread"
            if wrong:
                return f"console {number} shows {wrong}"
        # A session is asked first: it costs nothing to look at once more, and jp a process.
        try:
            with Client(str(self.daemon.socket)) as client:
                asked = client.call("conversation.list", profile="alice")
                history = client.call("message.list", profile="alice", peer=self.peer, limit=1000)
        except CommandError as error:
            return error.sentence
        assert isinstance(asked, list) and isinstance(history, list)
        wrong = self._daemon_differs(screens, asked, history)
        if wrong:
            return f"the daemon has {wrong}"
        listed = self.daemon.json("-p", "alice", "conversation", "list")
        if listed != asked:
            return f"jp lists the conversations {listed}, and the daemon has {asked}"
        found = self.daemon.json("-p", "alice", "message", "list", self.peer, "--limit", "1000")
        return "" if found == history else f"jp lists {found[-5:]}, the daemon has {history[-5:]}"

    def _differs(self, screen: Shown) -> str:
        count = len(screen.lines)
        wanted = self.said[len(self.said) - count :]
        if count > len(self.said) or (count < len(self.said) and (screen.whole or not count)):
            return f"{count} of {len(self.said)} messages"
        for line, (author, body) in zip(screen.lines, wanted, strict=True):
            if line.body != body or line.author not in (author, ""):
                return f"{line} in the place of {author}: {body}"
        if screen.draft != self.draft:
            return f"“{screen.draft}” as begun"
        return ""

    def _daemon_differs(
        self,
        screens: dict[int, Shown],
        listed: list[dict[str, Any]],
        found: list[dict[str, Any]],
    ) -> str:
        said = [("alice" if one["direction"] == "out" else "bob", one["body"]) for one in found]
        if said != self.said:
            return f"the messages {said[-12:]}"
        for one in listed:
            told = (one["peer"], one["unread"], one["draft"], one["last"] and one["last"]["id"])
            last = found[-1]["id"] if found else None
            if told != (self.peer, self.unread, self.draft, last):
                return f"the conversation {one}"
            if not self.unread and not self._read_is_right(one, found):
                return f"{one['read']} as read, of {[one['id'] for one in found]}"
        # One that was begun, and dropped before anything was said, may stay.
        if len(listed) > 1 or (not listed and (self.said or self.draft)):
            return f"{len(listed)} conversations"
        signs = [SIGNS[one["state"]] if one["direction"] == "out" else " " for one in found]
        for number, screen in screens.items():
            shown = [line.sign for line in screen.lines]
            if shown != signs[len(signs) - len(shown) :]:
                return f"the states {signs[-len(shown) :]}, and console {number} shows {shown}"
        waiting = [one for one in found if one["state"] in ("pending", "sent", "failed")]
        return f"{waiting[0]['body']} still as {waiting[0]['state']}" if waiting else ""

    @staticmethod
    def _read_is_right(conversation: dict[str, Any], found: list[dict[str, Any]]) -> bool:
        """Tell whether what is read reaches the last message that came from the other."""
        came = [one["id"] for one in found if one["direction"] == "in"]
        return not came or int(conversation["read"] or "0", 16) >= int(came[-1], 16)

    def _phone_got(self) -> list[tuple[str, str]]:
        return [
            (str(one["sender"]).partition("@")[0], str(one["body"]))
            for one in tuple(self.phone.seen)
            if one["what"] in ("message", "carbon")
        ]

    def _phone_saw(self) -> list[tuple[str, str]]:
        """Return what the phone got and sent, in the order in which it did."""
        saw = self._phone_got()
        for number, (before, body) in enumerate(self._phone_sent):
            saw.insert(before + number, ("alice", body))
        return saw
