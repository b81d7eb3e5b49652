"""The objects on the bus: introspection, properties, and the ObjectManager over them.

Profiles and transfers are objects, with small state as properties; contacts and messages are data.
"""

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

import dbus
from dbus import lowlevel

from sat.bridge.dbus_mapping import NAME, ROOT, Api, camel, resolve, signature_of
from sat.bridge.dbus_values import struct_to_bus
from sat.frontends.dbus.watch import Struct, Watch

MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
_INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
#: The types whose fields are the properties of a kind of object.
_TYPES = {"profile": "Profile", "transfer": "Transfer"}

_HEAD = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)
_STANDARD = f"""<interface name="{_INTROSPECTABLE}">
  <method name="Introspect"><arg name="xml" type="s" direction="out"/></method>
</interface>
<interface name="{PROPERTIES}">
  <method name="Get">
    <arg name="interface" type="s" direction="in"/>
    <arg name="name" type="s" direction="in"/>
    <arg name="value" type="v" direction="out"/>
  </method>
  <method name="GetAll">
    <arg name="interface" type="s" direction="in"/>
    <arg name="values" type="a{{sv}}" direction="out"/>
  </method>
  <signal name="PropertiesChanged">
    <arg name="interface" type="s"/>
    <arg name="changed" type="a{{sv}}"/>
    <arg name="gone" type="as"/>
  </signal>
</interface>
"""
_OF_ROOT = f"""<interface name="{MANAGER}">
  <method name="GetManagedObjects">
    <arg name="objects" type="a{{oa{{sa{{sv}}}}}}" direction="out"/>
  </method>
  <signal name="InterfacesAdded">
    <arg name="object" type="o"/>
    <arg name="interfaces" type="a{{sa{{sv}}}}"/>
  </signal>
  <signal name="InterfacesRemoved">
    <arg name="object" type="o"/>
    <arg name="interfaces" type="as"/>
  </signal>
</interface>
<interface name="{NAME}">
  <method name="Detach"/>
  <signal name="Resync"><arg name="data" type="a{{sv}}"/></signal>
  <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="false"/>
  <property name="ApiVersion" type="s" access="read"/>
  <property name="DaemonRunning" type="b" access="read"/>
  <property name="Socket" type="s" access="read"/>
</interface>
"""


class Refusal(Exception):
    """A call that D-Bus itself has an error for.

    :param name: the last part of ``org.freedesktop.DBus.Error.…``
    """

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


def unknown_object(path: str) -> Refusal:
    """Return what is told of a path where nothing is."""
    return Refusal("UnknownObject", f"There is no object {path}; {ROOT} lists all of them.")


def unknown_method(interface: str | None, member: str, path: str) -> Refusal:
    """Return what is told of a method that an object hasn't got."""
    name = member if interface is None else f"{interface}.{member}"
    return Refusal(
        "UnknownMethod", f"{path} has no method {name}: its plugin may be missing. Introspect it."
    )


def interface_of(kind: str) -> str:
    """Return the interface of the properties of a kind of object."""
    return f"{NAME}.{_TYPES[kind]}State"


def properties(kind: str, fields: Struct, api: Api) -> "dbus.Dictionary[str, object]":
    """Return fields of an object as D-Bus properties; what is null has no value, and is absent."""
    schema = resolve({"$ref": f"#/types/{_TYPES[kind]}"}, api.types)
    known = schema.get("properties")
    named = {camel(one): schema for one, schema in known.items()} if isinstance(known, dict) else {}
    values = {camel(one): value for one, value in fields.items()}
    return struct_to_bus(values, {"properties": named}, api.types)


def interfaces(kind: str, fields: Struct, api: Api) -> "dbus.Dictionary[str, object]":
    """Return an object's interfaces that have properties, with their values."""
    return dbus.Dictionary({interface_of(kind): properties(kind, fields, api)}, signature="sa{sv}")


def answer(
    watch: Watch, path: str, interface: str | None, member: str, message: lowlevel.Message
) -> tuple[object, str] | None:
    """Answer a call of the standard's interfaces with a value and its signature; None for others.

    :raises Refusal: if that can't be asked here
    """
    known = path == ROOT or path in watch.objects
    if member == "Introspect" and interface in (None, _INTROSPECTABLE):
        xml = _introspect(watch, path)
        if xml is None:
            raise unknown_object(path)
        return xml, "s"
    if interface not in (MANAGER, PROPERTIES):
        return None
    if not known:
        raise unknown_object(path)
    if interface == MANAGER and member == "GetManagedObjects" and path == ROOT:
        return _managed(watch), "a{oa{sa{sv}}}"
    if interface == PROPERTIES and member in ("Get", "GetAll", "Set"):
        return _property(watch, path, member, message)
    raise unknown_method(interface, member, path)


def _managed(watch: Watch) -> "dbus.Dictionary[str, object]":
    api = watch.api
    assert api is not None
    found = {
        dbus.ObjectPath(path): interfaces(kind, fields, api)
        for path, (kind, fields) in watch.objects.items()
    }
    return dbus.Dictionary(found, signature="oa{sa{sv}}")


def _property(
    watch: Watch, path: str, member: str, message: lowlevel.Message
) -> tuple[object, str]:
    expected = {"Get": "ss", "GetAll": "s", "Set": "ssv"}[member]
    if message.get_signature() != expected:
        raise Refusal("InvalidArgs", f"{member} takes ({expected}).")
    interface, *rest = message.get_args_list()
    values = _values(watch, path, str(interface))
    if member == "GetAll":
        return values, "a{sv}"
    name = str(rest[0])
    if name not in values:
        raise Refusal("UnknownProperty", f"{path} has no property {interface}.{name}.")
    if member == "Set":
        raise Refusal("PropertyReadOnly", f"{name} can't be set: methods change things.")
    return values[name], "v"


def _values(watch: Watch, path: str, interface: str) -> "dbus.Dictionary[str, object]":
    api = watch.api
    assert api is not None
    if path == ROOT and interface == NAME:
        own: Mapping[str, object] = {
            "ApiVersion": api.version,
            "DaemonRunning": watch.connected,
            "Socket": watch.path,
        }
        return struct_to_bus(own, {}, {})
    kind, fields = watch.objects.get(path, ("", {}))
    if kind and interface == interface_of(kind):
        return properties(kind, fields, api)
    return struct_to_bus({}, {}, {})


def _introspect(watch: Watch, path: str) -> str | None:
    api = watch.api
    assert api is not None
    inside = path.rstrip("/") + "/"
    below = sorted(
        {one.removeprefix(inside).partition("/")[0] for one in [ROOT, *watch.objects]
         if one.startswith(inside)}
    )  # fmt: skip
    kind = watch.objects.get(path, ("", {}))[0]
    if path != ROOT and not kind and not below:
        return None
    parts = [_HEAD, "<node>\n", _STANDARD]
    if path == ROOT:
        parts += [_OF_ROOT, api.introspect()]
    elif kind:
        if kind == "profile":
            parts.append(api.introspect(of_profile=True))
        parts.append(_properties_xml(kind, api))
    parts += [f"<node name={quoteattr(one)}/>\n" for one in below]
    return "".join((*parts, "</node>\n"))


def _properties_xml(kind: str, api: Api) -> str:
    known = resolve({"$ref": f"#/types/{_TYPES[kind]}"}, api.types).get("properties")
    lines = []
    for name, schema in known.items() if isinstance(known, dict) else ():
        choices = schema.get("anyOf", [])
        solid = [one for one in choices if one.get("type") != "null"]
        signature = signature_of(solid[0] if len(solid) == 1 else schema, api.types)
        lines.append(f'  <property name="{camel(name)}" type="{signature}" access="read"/>\n')
    return f'<interface name="{interface_of(kind)}">\n{"".join(lines)}</interface>\n'
