"""The names, objects and calls of sat-dbus on the bus.

All calls come through one filter, for what there is to call is known from the daemon alone and
changes while it runs. Signals go to attached names one by one: what passes on the session's bus
can be read by every program that asks for it, and messages are nobody's business.
"""

import logging
import os
from collections.abc import Callable

import dbus
from dbus import lowlevel

from sat.bridge.dbus_mapping import (
    DESCRIPTORS,
    NAME,
    ROOT,
    Method,
    Signal,
    camel,
    error_name,
    path_of,
)
from sat.bridge.dbus_values import from_bus, struct_to_bus, take_descriptors, to_bus
from sat.bridge.errors import CommandError
from sat.frontends.dbus import objects
from sat.frontends.dbus.caller import Caller
from sat.frontends.dbus.watch import Struct, Watch

_log = logging.getLogger(__name__)

_BUS = "org.freedesktop.DBus"
_ERRORS = f"{_BUS}.Error"


class Service:
    """The bridge on a bus.

    :param bus: the connection; its filter is set here, its name asked for by the caller
    :param path: the daemon's socket
    :param ready: is called whenever the daemon is there again
    """

    def __init__(self, bus: "dbus.Bus", path: str, ready: Callable[[], None]) -> None:
        self._bus = bus
        self._path = path
        self._ready = ready
        self._callers: dict[str, Caller] = {}
        self.watch = Watch(path, self._daemon_is_there, self._object_changed)
        bus.add_match_string(
            f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg2=''"
        )
        bus.add_message_filter(self._filter)

    def close(self) -> None:
        """End all sessions; what the daemon was asked to do goes on."""
        self.watch.close()
        for caller in self._callers.values():
            caller.detach()

    # ---- what comes from the bus

    def _filter(self, _: object, message: lowlevel.Message) -> int:
        kind = message.get_type()
        if kind == lowlevel.MESSAGE_TYPE_SIGNAL:
            self._name_left(message)
        elif kind == lowlevel.MESSAGE_TYPE_METHOD_CALL:
            if message.get_interface() == f"{_BUS}.Peer":
                return int(lowlevel.HANDLER_RESULT_NOT_YET_HANDLED)
            self._called(message)
            return int(lowlevel.HANDLER_RESULT_HANDLED)
        return int(lowlevel.HANDLER_RESULT_NOT_YET_HANDLED)

    def _name_left(self, message: lowlevel.Message) -> None:
        if message.get_sender() != _BUS or message.get_member() != "NameOwnerChanged":
            return
        name, _, owner = message.get_args_list()
        caller = self._callers.pop(str(name), None) if not owner else None
        if caller is not None:
            caller.detach()

    def _called(self, message: lowlevel.Message) -> None:
        try:
            self._dispatch(message)
        except CommandError as error:
            self._refuse(message, error)
        except objects.Refusal as error:
            self._send(
                lowlevel.ErrorMessage(message, f"{_ERRORS}.{error.name}", str(error)), message
            )
        except OSError as error:
            reason = f"sat-dbus can't reach the daemon: {error.strerror}."
            self._refuse(message, CommandError("failed.system", reason))
        except Exception:
            # Else the caller would wait for an answer that never comes.
            _log.exception("%s can't be answered", message.get_member())
            self._refuse(
                message,
                CommandError("failed.internal", "This is a fault of sat-dbus: see its log."),
            )

    def _dispatch(self, message: lowlevel.Message) -> None:
        path, member = str(message.get_path()), str(message.get_member())
        interface = message.get_interface()
        interface = None if interface is None else str(interface)
        own = objects.answer(self.watch, path, interface, member, message)
        if own is not None:
            value, signature = own
            self._reply(message, value, signature)
            return
        if (interface, member) == (NAME, "Detach") and path == ROOT:
            self._caller(message).detach()
            self._reply(message, None, "")
            return
        api = self.watch.api
        method = api.find(interface, member) if api is not None else None
        kind, known = self.watch.objects.get(path, ("", {}))
        if path != ROOT and kind != "profile":
            raise objects.unknown_object(path)
        if method is None or (kind and not method.per_profile):
            raise objects.unknown_method(interface, member, path)
        self._call(message, method, str(known["name"]) if kind else None)

    def _call(self, message: lowlevel.Message, method: Method, profile: str | None) -> None:
        given = str(message.get_signature())
        if given != method.signature:
            told = ", ".join(f"{name}: {one}" for name, one in method.arguments)
            raise objects.Refusal(
                "InvalidArgs",
                f"{method.interface}.{method.member} takes ({method.signature}), not ({given}): "
                f"{told}.",
            )
        *values, options = message.get_args_list(byte_arrays=True)
        files = take_descriptors(options, DESCRIPTORS)
        try:
            params = from_bus(options)
            assert isinstance(params, dict)
            for (name, _), value in zip(method.arguments, values, strict=False):
                params[name] = from_bus(value)
            if profile is not None:
                params["profile"] = profile
        except BaseException:
            for one in files:
                os.close(one)
            raise

        def done(result: object, error: CommandError | None) -> None:
            if error is not None:
                self._refuse(message, error)
                return
            assert self.watch.api is not None
            try:
                value = None
                if method.result:
                    value = to_bus(result, method.result_schema, self.watch.api.types)
                self._reply(message, value, method.result)
            except CommandError as failure:
                self._refuse(message, failure)

        self._caller(message).call(method.name, params, files, done)

    def _caller(self, message: lowlevel.Message) -> Caller:
        name = str(message.get_sender())
        caller = self._callers.get(name)
        if caller is None:
            caller = Caller(self._path, name, self._tell, self._tell_resync)
            self._callers[name] = caller
        return caller

    # ---- what goes to the bus

    def _reply(self, message: lowlevel.Message, value: object, signature: str) -> None:
        answer = lowlevel.MethodReturnMessage(message)
        if signature:
            answer.append(value, signature=signature)
        self._send(answer, message)

    def _refuse(self, message: lowlevel.Message, error: CommandError) -> None:
        sentence = str(to_bus(error.sentence, {"type": "string"}, {}))
        answer = lowlevel.ErrorMessage(message, error_name(error.name), sentence)
        answer.append(struct_to_bus({**error.data, "name": error.name}, {}, {}), signature="a{sv}")
        self._send(answer, message)

    def _send(self, answer: lowlevel.Message, message: lowlevel.Message) -> None:
        if not message.get_no_reply():
            self._bus.send_message(answer)

    def _signal(
        self, name: str, path: str, interface: str, member: str, signature: str, *values: object
    ) -> None:
        signal = lowlevel.SignalMessage(path, interface, member)
        signal.set_destination(name)
        signal.append(*values, signature=signature)
        self._bus.send_message(signal)

    def _tell(self, name: str, event: Struct) -> None:
        api = self.watch.api
        type_, data = str(event.get("type")), event.get("data")
        if api is None or not isinstance(data, dict):
            return
        signal = api.signals.get(type_) or Signal(
            {"type": type_, "doc": "", "data": {"type": "object"}}, {}
        )
        profile = event.get("profile")
        path = path_of("profile", profile) if isinstance(profile, str) and profile else ROOT
        told = {one: value for one, value in event.items() if one != "data"}
        values = to_bus(data, signal.schema, api.types), struct_to_bus(told, {}, {})
        self._signal(name, path, signal.interface, signal.member, f"{signal.data}a{{sv}}", *values)

    def _tell_resync(self, name: str, data: Struct) -> None:
        self._signal(name, ROOT, NAME, "Resync", "a{sv}", struct_to_bus(data, {}, {}))

    def _object_changed(
        self, kind: str, path: str, before: Struct | None, now: Struct | None
    ) -> None:
        api = self.watch.api
        assert api is not None
        profile = str((now or before or {}).get("name" if kind == "profile" else "profile"))
        for caller in self._callers.values():
            if not caller.wants(profile):
                continue
            if now is None:
                names = dbus.Array([objects.interface_of(kind)], signature="s")
                interface, member, signature, values = (
                    objects.MANAGER, "InterfacesRemoved", "oas", (dbus.ObjectPath(path), names),
                )  # fmt: skip
                self._signal(caller.name, ROOT, interface, member, signature, *values)
            elif before is None:
                shown = objects.interfaces(kind, now, api)
                values = (dbus.ObjectPath(path), shown)
                self._signal(
                    caller.name, ROOT, objects.MANAGER, "InterfacesAdded", "oa{sa{sv}}", *values
                )
            else:
                changed = {one: now[one] for one in now if now[one] != before.get(one)}
                gone = [camel(one) for one in changed if changed[one] is None]
                self._signal(
                    caller.name,
                    path,
                    objects.PROPERTIES,
                    "PropertiesChanged",
                    "sa{sv}as",
                    objects.interface_of(kind),
                    objects.properties(kind, changed, api),
                    dbus.Array(gone, signature="s"),
                )

    def _daemon_is_there(self) -> None:
        for caller in self._callers.values():
            try:
                caller.resume()
            except (CommandError, OSError) as error:
                _log.warning("%s can't be attached again: %s", caller.name, error)
        self._ready()
