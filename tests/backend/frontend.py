"""A frontend as a test wants one: it speaks lines over the real socket, and keeps what it is told.

What it is told stays in ``events`` until a test expects it, as with the peers of
:mod:`tests.hostile`::

    sent = await frontend.call("message.send", to="bob@server.test", body="hello")
    added = await frontend.expect("message.added", id=sent["id"])
    await frontend.forbid("message.changed", state="failed")
"""

import itertools
import json

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from sat.bridge.errors import CommandError
from tests.hostile.peer import PATIENCE, fail


def holds(wanted: dict, found: dict) -> bool:
    """Tell whether an object has the fields wanted; a function as a value judges the field."""
    return all(
        name in found
        and (
            value(found[name])
            if callable(value)
            else holds(value, found[name])
            if isinstance(value, dict) and isinstance(found[name], dict)
            else found[name] == value
        )
        for name, value in ((name.removesuffix("_"), value) for name, value in wanted.items())
    )


class Frontend(Protocol):
    """One session: make one with :func:`attach`."""

    def __init__(self, reactor) -> None:
        self._reactor = reactor
        self._numbers = itertools.count(1)
        self._rest = b""
        self._answers: dict[int, Deferred] = {}
        self._waiting: list[tuple[str, dict, Deferred]] = []
        self._gone: Deferred[None] | None = None
        self.lost = False
        #: All events that came, as the ``params`` of their lines, and those not expected yet.
        self.events: list[dict] = []
        self.unread: list[dict] = []
        #: What the daemon says to lines that are no requests.
        self.complaints: list[dict] = []
        #: How the daemon answered to hello and to attaching.
        self.hello: dict = {}
        self.attached: dict = {}

    def dataReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message: dict) -> None:
        if message.get("method") == "event":
            self.events.append(message["params"])
            self.unread.append(message["params"])
            self._look(message["params"])
            return
        if message["id"] is None:
            self.complaints.append(message)
            return
        answer = self._answers.pop(message["id"])
        if "error" in message:
            more = dict(message["error"]["data"])
            name = more.pop("name")
            answer.errback(CommandError(name, message["error"]["message"], more))
        else:
            answer.callback(message["result"])

    def connectionLost(self, reason) -> None:
        self.lost = True
        for answer in list(self._answers.values()):
            answer.errback(CommandError("daemon.gone", "The daemon ended the session."))
        if self._gone is not None:
            self._gone.callback(None)

    # ---- calls

    def call(self, method: str, descriptor: int | None = None, /, **params) -> Deferred:
        """Call a method; ``from_`` and the like stand for names that Python keeps.

        :raises CommandError: what the daemon answers
        """
        number = next(self._numbers)
        answer: Deferred = Deferred()
        self._answers[number] = answer
        given = {name.removesuffix("_"): value for name, value in params.items()}
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": given}
        if descriptor is not None:
            request["descriptors"] = 1
            self.transport.sendFileDescriptor(descriptor)
        self.transport.write(json.dumps(request).encode() + b"\n")
        return answer

    async def refused(self, method: str, descriptor: int | None = None, /, **params):
        """Call a method that is to fail, and return its error."""
        try:
            result = await self.call(method, descriptor, **params)
        except CommandError as error:
            assert error.sentence and "Traceback" not in error.sentence
            return error
        raise AssertionError(f"{method} was not refused, but answered {result}")

    # ---- events

    async def expect(self, type: str, seconds: float = PATIENCE, /, **fields) -> dict:
        """Return the data of the first unread event of a type with these fields; use it up."""
        return (await self.event(type, seconds, **fields))["data"]

    async def event(self, type: str, seconds: float = PATIENCE, /, **fields) -> dict:
        """Return the first unread event of a type with these fields in its data; use it up."""
        found = self._find(type, fields)
        if found is not None:
            return found
        waiting: Deferred = Deferred()
        self._waiting.append((type, fields, waiting))
        waiting.addTimeout(seconds, self._reactor, fail(lambda: self._story(type, fields)))
        return await waiting

    async def forbid(self, type: str, seconds: float = 0.2, /, **fields) -> None:
        """Fail if any event that came, or comes within some seconds, is of a type and so."""
        await deferLater(self._reactor, seconds, lambda: None)
        for event in self.events:
            wrong = event["type"] == type and holds(fields, event["data"])
            assert not wrong, f"{json.dumps(event)} came"

    def _find(self, type: str, fields: dict) -> dict | None:
        for event in self.unread:
            if event["type"] == type and holds(fields, event["data"]):
                self.unread.remove(event)
                return event
        return None

    def _look(self, event: dict) -> None:
        """Hand an event to the first who waits for it."""
        self._waiting = [entry for entry in self._waiting if not entry[2].called]
        for entry in self._waiting:
            type, fields, waiting = entry
            if event["type"] == type and holds(fields, event["data"]):
                self._waiting.remove(entry)
                self.unread.remove(event)
                waiting.callback(event)
                return

    def _story(self, type: str, fields: dict) -> str:
        came = "\n  ".join(json.dumps(event)[:400] for event in self.unread[-15:])
        return f"{type} with {fields} didn't come; unread:\n  {came or 'nothing'}"

    async def close(self) -> None:
        """Hang up."""
        if not self.lost:
            self._gone = Deferred()
            self.transport.loseConnection()
            await self._gone


async def attach(reactor, path: str, **how) -> Frontend:
    """Open a session, say hello, and attach to the events."""
    frontend = await connectProtocol(UNIXClientEndpoint(reactor, path), Frontend(reactor))
    frontend.hello = await frontend.call("session.hello", api="1", client="test 1")
    frontend.attached = await frontend.call("state.attach", **how)
    return frontend
