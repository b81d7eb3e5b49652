"""A blocking client of the bridge over D-Bus: :mod:`sat.bridge.blocking` with another transport.

It needs dbus-python and PyGObject, and ``sat-dbus`` on the session's bus. It knows what the
introspection says, and nothing else.
"""

import select
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from xml.etree import ElementTree

import dbus
from dbus import lowlevel
from dbus.mainloop.glib import DBusGMainLoop
from dbus.types import UnixFd
from gi.repository import GLib

from sat.bridge.blocking import Client
from sat.bridge.dbus_mapping import DESCRIPTORS, ERRORS, NAME, ROOT, names_of
from sat.bridge.dbus_values import from_bus, typed
from sat.bridge.errors import RESYNC, CommandError
from sat.bridge.paths import home

_BUS = "org.freedesktop.DBus"
_PROPERTIES = f"{_BUS}.Properties"
#: libdbus' own limit is 25 s where none is given; this stands for none.
_FOREVER = 2**31 / 1000 - 1
#: Milliseconds after which Python may look at its signals.
_SLICE = 250
#: The service starts in that many seconds, the daemon with it.
_START = 90.0


class DBusClient(Client):
    """One session with the running daemon, through ``sat-dbus``, which the bus starts if need be.

    A key that is null over the socket is absent here.

    :param timeout: seconds that a call may take; None for no limit
    :raises CommandError: ``offline.bus`` if there is no session bus, ``daemon.bus`` if sat-dbus
        doesn't start, ``denied.home`` if it serves another home than this one
    """

    def __init__(self, *, timeout: float | None = 60.0) -> None:
        self.timeout = timeout
        self.hello: dict[str, object] = {}
        self._received: list[dict[str, object]] = []
        self._ended: CommandError | None = None
        self._methods: dict[tuple[str, str], list[tuple[str, str]]] | None = None
        self._context = GLib.MainContext.default()
        try:
            self._bus = dbus.SessionBus(private=True, mainloop=DBusGMainLoop())
        except dbus.DBusException as error:
            raise CommandError(
                "offline.bus", f"There is no session bus: {error.get_dbus_message()}."
            ) from error
        self._bus.set_exit_on_disconnect(False)
        self._owner = self._find()
        # It is taken away by what it is: a bound method is another one each time.
        self._listener = self._filter
        self._bus.add_message_filter(self._listener)
        self._bus.add_match_string(
            f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{self._owner}'"
        )
        found = from_bus(self._ask(ROOT, _PROPERTIES, "GetAll", "s", NAME)[0])
        about = found if isinstance(found, dict) else {}
        #: Whether sat-dbus has found a daemon.
        self.daemon_runs = about.get("DaemonRunning") is True
        if about.get("Socket") != home().socket:
            self.close()
            raise CommandError(
                "denied.home",
                f"The sat-dbus of this bus serves another home, with the socket "
                f"{about.get('Socket')}: unset SAT_BRIDGE, or begin with dbus-run-session.",
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session; what the daemon was asked to do goes on."""
        if self._bus.get_is_connected():
            self._bus.remove_message_filter(self._listener)
            self._bus.close()

    def events(
        self, timeout: float | None = None, *, reader: int | None = None
    ) -> Iterator[dict[str, object]]:
        """Yield events as they come, as :meth:`sat.bridge.blocking.Client.events`."""
        limit = None if timeout is None else time.monotonic() + timeout
        closed = None
        if reader is not None:
            closed = select.poll()
            closed.register(reader, 0)
        while True:
            if self._received:
                yield self._received.pop(0)
                continue
            if self._ended is not None:
                raise self._ended
            if closed is not None and any(event & select.POLLERR for _, event in closed.poll(0)):
                raise BrokenPipeError
            if limit is not None and time.monotonic() >= limit:
                raise CommandError(
                    "timeout.event", f"What was waited for did not come within {timeout:g} seconds."
                )
            self._turn(limit)

    @property
    def waiting(self) -> bool:
        """Whether an event is here already, so that :meth:`events` won't block."""
        while not self._received and self._context.iteration(False):
            continue
        return bool(self._received)

    def _call(self, method: str, params: dict[str, object], descriptors: Sequence[int]) -> object:
        return self._start(method, params, descriptors)()

    def _start(
        self, method: str, params: dict[str, object], descriptors: Sequence[int]
    ) -> Callable[[], object]:
        """Make a call, and return what waits for its result."""
        answers: list[lowlevel.Message] = []
        self._send_call(method, params, descriptors, answers.append)
        return lambda: self._result(self._wait_for(answers, ".".join(names_of(method))))

    def start(
        self,
        method: str,
        params: dict[str, object],
        descriptors: Sequence[int],
        done: Callable[[object, CommandError | None], None],
    ) -> None:
        """Make a call without waiting; a :meth:`turn` tells ``done`` its result or its error.

        :raises CommandError: if it can't be made at all
        """

        def answered(answer: lowlevel.Message) -> None:
            try:
                done(self._result(self._values(answer, ".".join(names_of(method)))), None)
            except CommandError as error:
                done(None, error)

        self._send_call(method, params, descriptors, answered)

    def turn(self) -> None:
        """Let the bus do something, for all clients of this process: they share GLib's main loop.

        So all of them belong to one thread.
        """
        self._turn(None)

    def taken(self) -> tuple[list[dict[str, object]], CommandError | None]:
        """Return the events that came since the last time, and how the session has ended."""
        received, self._received = self._received, []
        return received, self._ended

    def wake(self) -> None:
        """Let :meth:`turn` return soon; for other threads."""
        self._context.wakeup()

    def _send_call(
        self,
        method: str,
        params: dict[str, object],
        descriptors: Sequence[int],
        answered: Callable[[lowlevel.Message], None],
    ) -> None:
        interface, member = names_of(method)
        arguments = self._arguments(interface, member)
        if arguments is None:
            raise CommandError("unknown.method", f"There is no method {method} on the bus.")
        left = {name: value for name, value in params.items() if value is not None}
        values = []
        for name, signature in arguments[:-1]:
            if name not in left:
                raise CommandError("usage.params", f"{method}: missing required field `{name}`")
            values.append(_value(method, name, left.pop(name), signature))
        options = {name: _value(method, name, value, "v") for name, value in left.items()}
        if descriptors:
            files = [UnixFd(one) for one in descriptors]
            options[DESCRIPTORS] = dbus.Array(files, signature="h")
        values.append(dbus.Dictionary(options, signature="sv"))
        signature = "".join(one for _, one in arguments)
        self._send_message(ROOT, interface, member, signature, values, answered)

    @staticmethod
    def _result(values: list[object]) -> object:
        return from_bus(values[0]) if values else None

    def _arguments(self, interface: str, member: str) -> list[tuple[str, str]] | None:
        if self._methods is None:
            xml = self._ask(ROOT, f"{_BUS}.Introspectable", "Introspect", "")[0]
            self._methods = {
                (str(found.get("name")), str(method.get("name"))): [
                    (str(one.get("name")), str(one.get("type")))
                    for one in method.iter("arg")
                    if one.get("direction") == "in"
                ]
                for found in ElementTree.fromstring(str(xml)).iter("interface")  # noqa: S314
                for method in found.iter("method")
            }
        return self._methods.get((interface, member))

    def _find(self) -> str:
        """Return the unique name of sat-dbus, which the bus starts if it can."""
        try:
            if self._bus.name_has_owner(NAME):
                return str(self._bus.get_name_owner(NAME))
            self._bus.call_blocking(
                _BUS, "/org/freedesktop/DBus", _BUS, "StartServiceByName", "su", (NAME, 0),
                timeout=_START,
            )  # fmt: skip
            return str(self._bus.get_name_owner(NAME))
        except dbus.DBusException as error:
            raise CommandError(
                "daemon.bus",
                f"sat-dbus is not on the session's bus, and does not start "
                f"({error.get_dbus_message()}): run “sat-dbus install” once, or sat-dbus itself.",
            ) from error

    def _ask(
        self, path: str, interface: str, member: str, signature: str, *values: object
    ) -> list[object]:
        """Call a method on the bus and wait for the answer; events are kept meanwhile."""
        answers: list[lowlevel.Message] = []
        self._send_message(path, interface, member, signature, values, answers.append)
        return self._wait_for(answers, f"{interface}.{member}")

    def _send_message(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str,
        values: Sequence[object],
        answered: Callable[[lowlevel.Message], None],
    ) -> None:
        if self._ended is not None:
            raise self._ended
        message = lowlevel.MethodCallMessage(self._owner, path, interface, member)
        message.append(*values, signature=signature)
        limit = _FOREVER if self.timeout is None else self.timeout
        self._bus.send_message_with_reply(message, answered, limit)

    def _wait_for(self, answers: list[lowlevel.Message], called: str) -> list[object]:
        while not answers and self._ended is None:
            self._turn(None)
        if not answers:
            assert self._ended is not None
            raise self._ended
        return self._values(answers[0], called)

    def _values(self, answer: lowlevel.Message, called: str) -> list[object]:
        if answer.get_type() == lowlevel.MESSAGE_TYPE_ERROR:
            raise self._error(answer, called)
        return list(answer.get_args_list(byte_arrays=True))

    def _error(self, answer: lowlevel.Message, called: str) -> CommandError:
        name = str(answer.get_error_name())
        told_values: list[object] = [*answer.get_args_list(), "", ""]
        sentence, more = told_values[:2]
        if name.startswith(f"{ERRORS}."):
            data = from_bus(more) if isinstance(more, dict) else {}
            told = data if isinstance(data, dict) else {}
            own = told.pop("name", name.removeprefix(f"{ERRORS}."))
            return CommandError(str(own), str(sentence), told)
        if name == f"{_BUS}.Error.NoReply" and self._owner:
            return CommandError(
                "timeout.answer",
                f"The daemon did not answer {called} within {self.timeout or 0:g} seconds; what "
                "was asked for may still be done.",
            )
        if name == f"{_BUS}.Error.UnknownMethod":
            return CommandError("unknown.method", str(sentence))
        if name == f"{_BUS}.Error.InvalidArgs":
            return CommandError("usage.params", str(sentence))
        return CommandError("daemon.bus", f"{called}: {sentence} ({name})")

    def _filter(self, _: object, message: lowlevel.Message) -> int:
        if message.get_type() == lowlevel.MESSAGE_TYPE_SIGNAL:
            self._take(message)
        return int(lowlevel.HANDLER_RESULT_NOT_YET_HANDLED)

    def _take(self, message: lowlevel.Message) -> None:
        sender, member = message.get_sender(), message.get_member()
        if sender == _BUS and member == "NameOwnerChanged":
            name, _, owner = message.get_args_list()
            if name == self._owner and not owner:
                self._ended = CommandError("daemon.gone", "sat-dbus ended the session.")
        elif sender == self._owner and message.get_interface().startswith(NAME):
            if message.get_interface() == NAME:
                self._ended = CommandError("log.trimmed", RESYNC)
                return
            data, event = (from_bus(one) for one in message.get_args_list(byte_arrays=True))
            if isinstance(event, dict):
                self._received.append({**event, "data": data})

    def _turn(self, limit: float | None) -> None:
        """Let the main loop do one thing, or look at Python's own signals in a moment."""
        slice_ = _SLICE
        if limit is not None:
            slice_ = max(1, min(slice_, int((limit - time.monotonic()) * 1000) + 1))
        timer = GLib.timeout_add(slice_, _go_on)
        self._context.iteration(True)
        GLib.source_remove(timer)


def _go_on() -> bool:
    return True


def _value(method: str, name: str, value: object, signature: str) -> object:
    try:
        return typed(value, signature)
    except (TypeError, ValueError, OverflowError) as error:
        raise CommandError("usage.params", f"{method}: {name}: {error}") from error
