"""Whatever a server can do to a daemon leaves a trace, or none: seen through the bridge alone.

``async with Trace(home, person) as trace: person.peer.send(…)`` looks at all that a frontend can
know before and after, and at what was answered on the wire.
"""

from xml.etree import ElementTree as ET

from tests.backend.support import pause, until
from tests.hostile.login import NS_SM

_OWN = {f"{{{NS_SM}}}{name}" for name in ("a", "r")}


async def everything(home) -> dict:
    """Return all that a frontend that attaches now is told, and every message."""
    frontend = await home.attach()
    try:
        await pause(home.reactor, 0.02)
        state = frontend.attached["state"]
        told = sorted((one["type"], repr(one["data"])) for one in frontend.events)
        messages = {
            one["peer"]: await home.call("message.list", peer=one["peer"], limit=1000)
            for one in state["conversations"]
        }
        return {"state": state, "told": told, "messages": messages}
    finally:
        await frontend.close()


async def acknowledged(home, peer) -> int:
    """Ask how many stanzas the daemon has handled, and return its answer."""
    count = len(peer.acks)
    peer.send(f"<r xmlns='{NS_SM}'/>")
    await until(home.reactor, lambda: len(peer.acks) > count)
    return peer.acks[-1]


class Trace:
    """What changed while it was open; it ends when all stanzas sent meanwhile were handled.

    :param stanzas: how many are sent
    """

    def __init__(self, home, person, stanzas: int = 1) -> None:
        self._home, self._peer, self._stanzas = home, person.peer, stanzas
        #: What came on the wire meanwhile, without acknowledgements.
        self.answers: list[ET.Element] = []
        #: Events that the frontend was told.
        self.events: list[dict] = []
        self.before: dict = {}
        self.after: dict = {}

    async def __aenter__(self) -> "Trace":
        await self._settle(0)
        self.before = await everything(self._home)
        self._handled = await acknowledged(self._home, self._peer)
        self._seen = len(self._home.frontend.events)
        self._received = len(self._peer.received)
        return self

    async def __aexit__(self, kind, *_) -> None:
        if kind is not None:
            return
        await self._settle(self._handled + self._stanzas)
        self.after = await everything(self._home)
        self.events = self._home.frontend.events[self._seen :]
        self.answers = [one for one in self._peer.received[self._received :] if one.tag not in _OWN]

    async def _settle(self, count: int) -> None:
        while await acknowledged(self._home, self._peer) < count:
            await pause(self._home.reactor, 0.01)
        # What was handled may have something told, or answered, a turn later.
        await pause(self._home.reactor, 0.05)

    @property
    def changed(self) -> bool:
        """Whether a frontend sees anything that it didn't see before."""
        return bool(self.events) or self.after != self.before

    @property
    def told(self) -> list[str]:
        """What was told to whom asked: the answers that are no refusals."""
        return [
            ET.tostring(one, encoding="unicode")
            for one in self.answers
            if one.get("type") != "error"
        ]
