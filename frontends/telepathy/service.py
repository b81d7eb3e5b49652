"""The names, objects and calls of sat-telepathy on the bus.

Signals go to those who have called something of the connection, one by one: what passes on the
session's bus can be read by every program that asks for it, and messages are nobody's business.
"""

import contextlib
import inspect
import logging

import dbus
from dbus import lowlevel

from sat.bridge.dbus_mapping import escape
from sat.bridge.dbus_values import to_bus
from sat.bridge.errors import CommandError
from sat.frontends.telepathy.connection import Connection
from sat.frontends.telepathy.exported import Exported, Method, folder
from sat.frontends.telepathy.manager import ManagerObject, Protocol
from sat.frontends.telepathy.parameters import Login
from sat.frontends.telepathy.session import Leases, told
from sat.frontends.telepathy.spec import (
    CONNECTION_NAME,
    INTROSPECTABLE,
    PROTOCOL_PATH,
    TELEPATHY,
    Failure,
)
from sat.frontends.telepathy.waiting import spawn

_log = logging.getLogger(__name__)

_BUS = "org.freedesktop.DBus"
#: So many connections there are at most: a person has fewer accounts.
_MAX_CONNECTIONS = 200


class Audience:
    """To whom the signals of some objects go."""

    def __init__(self, bus: "dbus.Bus") -> None:
        self._bus = bus
        self.names: set[str] = set()

    def signal(
        self, path: str, interface: str, name: str, signature: str, values: tuple[object, ...]
    ) -> None:
        """Send a signal to each of them."""
        for one in self.names:
            message = lowlevel.SignalMessage(path, interface, name)
            message.set_destination(one)
            if signature:
                message.append(*values, signature=signature)
            self._bus.send_message(message)


class Service:
    """The connection manager on a bus.

    :param bus: the connection; its filter is set here, its name asked for by the caller
    """

    def __init__(self, bus: "dbus.Bus") -> None:
        self._bus = bus
        self._leases = Leases()
        self._everybody = Audience(bus)
        self._connections: dict[str, tuple[Connection, Audience]] = {}
        manager = ManagerObject(self._everybody, self._connect)
        protocol = Exported(PROTOCOL_PATH, self._everybody, (Protocol(),))
        self._fixed = {one.path: one for one in (manager, protocol)}
        bus.add_match_string(
            f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg2=''"
        )
        bus.add_message_filter(self._filter)

    def close(self) -> None:
        """End all connections; the profiles that others use go on."""
        for connection, _ in [*self._connections.values()]:
            connection.end()

    # ---- connections

    def _connect(self, holder: str, login: Login) -> tuple[str, str]:
        if len(self._connections) >= _MAX_CONNECTIONS:
            raise Failure("NotAvailable", f"There are {_MAX_CONNECTIONS} connections already.")
        account = escape(login.account)
        names = (f"{account}__{number}" if number else account for number in range(1_000_000))
        name = next(
            one
            for one in (f"{CONNECTION_NAME}.{last}" for last in names)
            if f"/{one.replace('.', '/')}" not in self._connections
        )
        path = f"/{name.replace('.', '/')}"
        owned = self._bus.request_name(name, dbus.bus.NAME_FLAG_DO_NOT_QUEUE)
        if owned != dbus.bus.REQUEST_NAME_REPLY_PRIMARY_OWNER:
            raise Failure("NotAvailable", f"Another program has the name {name}.")
        audience = Audience(self._bus)
        audience.names.add(holder)
        connection = Connection(path, name, holder, audience, login, self._leases, self._gone)
        self._connections[path] = (connection, audience)
        return name, path

    def _gone(self, connection: Connection) -> None:
        del self._connections[connection.path]
        with contextlib.suppress(dbus.DBusException):  # the bus may have ended before it
            self._bus.release_name(connection.name)

    def _left(self, name: str) -> None:
        """Forget a program that left the bus; what it alone held ends."""
        self._everybody.names.discard(name)
        for connection, audience in [*self._connections.values()]:
            audience.names.discard(name)
            connection.holders.discard(name)
            if not connection.holders:
                _log.info("%s ends, for who asked for it has left the bus", connection.name)
                connection.end()

    # ---- what comes from the bus

    def _filter(self, _: object, message: lowlevel.Message) -> int:
        kind = message.get_type()
        if kind == lowlevel.MESSAGE_TYPE_METHOD_CALL:
            if message.get_interface() == f"{_BUS}.Peer":
                return int(lowlevel.HANDLER_RESULT_NOT_YET_HANDLED)
            self._called(message)
            return int(lowlevel.HANDLER_RESULT_HANDLED)
        if (
            kind == lowlevel.MESSAGE_TYPE_SIGNAL
            and message.get_sender() == _BUS
            and message.get_member() == "NameOwnerChanged"
        ):
            name, _before, owner = message.get_args_list()
            if not owner:
                self._left(str(name))
        return int(lowlevel.HANDLER_RESULT_NOT_YET_HANDLED)

    def _called(self, message: lowlevel.Message) -> None:
        try:
            self._dispatch(message)
        except Exception as error:
            self._refuse(message, error)

    def _dispatch(self, message: lowlevel.Message) -> None:
        path, member = str(message.get_path()), str(message.get_member())
        interface = message.get_interface()
        exported, audience = self._find(path)
        if exported is None:
            if member == "Introspect" and interface in (None, INTROSPECTABLE):
                self._introspect(message, path)
                return
            raise Failure("DoesNotExist", f"There is no object {path}; it may have ended.")
        audience.names.add(str(message.get_sender()))
        one, function = exported.find(None if interface is None else str(interface), member)
        if message.get_signature() != one.signature:
            wanted = ", ".join(f"{name}: {type_}" for name, type_ in one.takes)
            raise Failure(
                "InvalidArgument",
                f"{member} takes ({one.signature}), not ({message.get_signature()}): {wanted}.",
            )
        arguments = message.get_args_list()
        if one.sender:
            arguments = [str(message.get_sender()), *arguments]
        result = function(*arguments)
        if inspect.iscoroutine(result):
            spawn(
                result,
                lambda value: self._answer(message, one, value),
                lambda error: self._refuse(message, error),
            )
        else:
            self._answer(message, one, result)

    def _find(self, path: str) -> tuple[Exported | None, Audience]:
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, self._everybody
        for own, (connection, audience) in self._connections.items():
            if path == own:
                return connection, audience
            if path.startswith(f"{own}/"):
                return connection.channels.all().get(path), audience
        return None, self._everybody

    def _introspect(self, message: lowlevel.Message, path: str) -> None:
        inside = f"{path.rstrip('/')}/"
        known = [*self._fixed, *self._connections]
        below = {
            one.removeprefix(inside).partition("/")[0] for one in known if one.startswith(inside)
        }
        if not below:
            raise Failure("DoesNotExist", f"There is no object {path}; it may have ended.")
        answer = lowlevel.MethodReturnMessage(message)
        answer.append(folder(below), signature="s")
        self._send(answer, message)

    # ---- what goes to the bus

    def _answer(self, message: lowlevel.Message, one: Method, result: object) -> None:
        answer = lowlevel.MethodReturnMessage(message)
        try:
            if len(one.gives) == 1:
                answer.append(result, signature=one.results)
            elif one.gives:
                assert isinstance(result, tuple)
                answer.append(*result, signature=one.results)
        except Exception as error:
            self._refuse(message, error)
            return
        self._send(answer, message)

    def _refuse(self, message: lowlevel.Message, error: Exception) -> None:
        if isinstance(error, CommandError):
            error = told(error)
        if not isinstance(error, Failure):
            # Else the caller would wait for an answer that never comes.
            _log.error("%s can't be answered", message.get_member(), exc_info=error)
            error = Failure("NotAvailable", "This is a fault of sat-telepathy: see its log.")
        sentence = str(to_bus(error.sentence, {"type": "string"}, {}))
        answer = lowlevel.ErrorMessage(message, f"{TELEPATHY}.Error.{error.name}", sentence)
        self._send(answer, message)

    def _send(self, answer: lowlevel.Message, message: lowlevel.Message) -> None:
        if not message.get_no_reply():
            self._bus.send_message(answer)
