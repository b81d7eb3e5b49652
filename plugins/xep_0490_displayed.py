"""XEP-0490: Message Displayed Synchronization."""

from __future__ import annotations

from sat.plugin import (
    CommandError,
    Element,
    MessageType,
    NotConnected,
    Plugin,
    Published,
    Read,
    StanzaError,
    conversation_read,
    option,
    parse_jid,
    personal_event,
)

NS_DISPLAYED = "urn:xmpp:mds:displayed:0"
NS_SID = "urn:xmpp:sid:0"
#: Conversations that wait to be told of; what is beyond is told when it is read again.
_MAX_WAITING = 1000


class Displayed(Plugin):
    """Let what is read here be read in the person's other programs, and the other way round."""

    name = "displayed"
    delay = option(
        3.0,
        minimum=0.0,
        maximum=600.0,
        help="seconds in which what is read in one conversation is told once",
    )

    def load(self) -> None:
        """Begin with nothing to tell."""
        self._waiting: dict[str, tuple[str, str]] = {}
        self._planned = False

    def connected(self) -> None:
        """Ask what was read meanwhile, and tell what could not be told."""
        self.host.spawn(self._fetch(), "asking what was read elsewhere")

    async def _fetch(self) -> None:
        try:
            found = await self.host.retrieve(NS_DISPLAYED)
        except (StanzaError, TimeoutError):
            found = {}
        for peer, payload in found.items():
            await self._note(peer, payload)
        await self._tell()

    @personal_event(NS_DISPLAYED)
    def published(self, event: Published) -> None:
        """Mark as read what was read in another program (XEP-0490, section 4)."""
        self.host.spawn(self._take(event), "noting what was read elsewhere")

    async def _take(self, event: Published) -> None:
        for peer, payload in event.items.items():
            await self._note(peer, payload)

    async def _note(self, peer: str, payload: Element) -> None:
        if payload.uri != NS_DISPLAYED or payload.name != "displayed":
            return
        try:
            jid = parse_jid(peer)
            ids = [
                one.get("id")
                for one in payload.elements(NS_SID, "stanza-id")
                if parse_jid(one.get("by") or "") in (self.jid, jid)
            ]
        except ValueError:
            return
        if ids and ids[0]:
            await self.host.mark_read(jid, archive_id=ids[0])

    @conversation_read()
    def read(self, read: Read) -> None:
        """Tell the other programs, after a while: reading on comes in many small steps."""
        message = read.archived
        if message is None or message.archive_id is None or len(self._waiting) >= _MAX_WAITING:
            return
        peer = read.peer.full()
        by = peer if message.type is MessageType.GROUPCHAT else self.jid.full()
        self._waiting[peer] = message.archive_id, by
        if not self._planned:
            self._planned = True
            self.host.later(self.delay, self._due)

    def _due(self) -> None:
        self._planned = False
        self.host.spawn(self._tell(), "telling what was read")

    async def _tell(self) -> None:
        while self._waiting and self.host.online:
            peer, (id_, by) = self._waiting.popitem()
            displayed = Element((NS_DISPLAYED, "displayed"))
            displayed.add("stanza-id", NS_SID, id=id_, by=by)
            try:
                await self.host.publish(NS_DISPLAYED, peer, displayed)
            except CommandError:
                self._waiting.clear()  # this server could not keep it private: nothing is told
            except StanzaError:
                continue  # it is told with what is read next
            except (TimeoutError, NotConnected):
                self._waiting.setdefault(peer, (id_, by))
                return
