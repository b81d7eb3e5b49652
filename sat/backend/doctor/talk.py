"""What the doctor does over a stream: knock, or log in and ask what the server can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from sat.xmpp.account import Account, Features, Resumable
from sat.xmpp.disco import DiscoInfo, info_query, items_query, read_items
from sat.xmpp.element import Element
from sat.xmpp.errors import Fault
from sat.xmpp.login import Login, secure
from sat.xmpp.namespaces import NS_CLIENT
from sat.xmpp.steps import Steps
from sat.xmpp.stream import Stream
from sat.xmpp.times import parse_datetime
from sat.xmpp.tls import Verifier

NS_TIME = "urn:xmpp:time"
#: Services of a server that are asked what they are.
_MAX_SERVICES = 20
#: Elements that may come before an answer.
_MAX_OTHERS = 1000


class Knock:
    """Goes as far as the certificate, and doesn't log in."""

    def __init__(
        self, stream: Stream, account: Account, random: Random, seconds: float, soon: float
    ) -> None:
        self._account = account
        self._steps = Steps(stream, account.jid.host, soon)
        self.authenticating = False
        #: Until when the certificate is valid.
        self.ends: datetime | None = None

    @property
    def early(self) -> list[Element]:
        """Stanzas that came too early: none can."""
        return self._steps.early

    async def run(self, verifier: Verifier, previous: Resumable | None = None) -> Features:
        """See whether the server encrypts, and is the right one.

        :raises Fault: if it isn't
        """
        await secure(self._steps, verifier, self._account)
        self.ends = verifier.ends()
        return Features(self._account.jid, frozenset(), False, "")


@dataclass(frozen=True, slots=True)
class Told:
    """What a server told after the login.

    :param server: of itself
    :param account: of the account, which has its own features (XEP-0163, XEP-0313)
    :param services: of its other services
    :param time: which time it is (XEP-0202), asked last; None if it doesn't tell
    """

    features: Features
    server: DiscoInfo
    account: DiscoInfo
    services: tuple[DiscoInfo, ...]
    time: datetime | None


class Interview(Login):
    """Logs in, and asks; no presence is sent, so that nobody sees it and nothing is delivered."""

    def __init__(
        self, stream: Stream, account: Account, random: Random, seconds: float, soon: float
    ) -> None:
        super().__init__(stream, account, random, seconds, soon)
        self._jid = account.jid
        self._asked = 0
        #: What the server told, once it has.
        self.told: Told | None = None

    async def run(self, verifier: Verifier, previous: Resumable | None = None) -> Features:
        """Log in and ask.

        :raises Fault: if either fails
        """
        features = await super().run(verifier, previous)
        server = self._jid.host
        info = await self._info(server)
        account = await self._info(self._jid.userhost())
        items = await self._ask(server, items_query())
        addresses = [item.jid.full() for item in read_items(items)] if items is not None else []
        services = [await self._info(address) for address in addresses[:_MAX_SERVICES]]
        time = await self._ask(server, Element((NS_TIME, "time")))
        self.told = Told(features, info, account, tuple(services), _moment(time))
        return features

    async def _info(self, address: str) -> DiscoInfo:
        query = await self._ask(address, info_query())
        return DiscoInfo.from_element(query) if query is not None else DiscoInfo()

    async def _ask(self, to: str, payload: Element) -> Element | None:
        """Return the payload of an answer; None if the server refuses."""
        self._asked += 1
        id_ = f"doctor-{self._asked}"
        request = Element((NS_CLIENT, "iq"), {"type": "get", "id": id_, "to": to})
        request.children.append(payload)
        self._stream.send(request)
        for _ in range(_MAX_OTHERS):
            answer = await self._steps.next()
            if answer.name != "iq" or answer.uri != NS_CLIENT or answer.get("id") != id_:
                continue
            if answer.get("type") != "result":
                return None
            return next(iter(answer.elements()), None)
        raise Fault("stream.policy-violation", "The server talks without being asked.")


def _moment(time: Element | None) -> datetime | None:
    utc = time.child("utc", NS_TIME) if time is not None else None
    try:
        return parse_datetime(utc.text) if utc is not None else None
    except ValueError:
        return None
