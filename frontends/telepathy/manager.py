"""The connection manager itself, and its one protocol."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from sat.frontends.telepathy import parameters
from sat.frontends.telepathy.channels import requestable
from sat.frontends.telepathy.connection import INTERFACES
from sat.frontends.telepathy.exported import Exported, Part, Sender, method, typed
from sat.frontends.telepathy.spec import (
    MANAGER,
    MANAGER_PATH,
    PROTOCOL,
    PROTOCOL_NAME,
    Failure,
)


def _described() -> dict[str, object]:
    """Return the properties of the protocol."""
    return {
        "Interfaces": (),
        "Parameters": parameters.listed(),
        "ConnectionInterfaces": INTERFACES,
        "RequestableChannelClasses": requestable(),
        "VCardField": "jabber",
        "EnglishName": "Jabber",
        "Icon": "im-jabber",
        "AuthenticationTypes": (),
    }


class Protocol(Part):
    """``Protocol``: what can be known of it without a connection."""

    NAME = PROTOCOL
    PROPERTIES: ClassVar[Mapping[str, str]] = {
        "Interfaces": "as",
        "Parameters": "a(susv)",
        "ConnectionInterfaces": "as",
        "RequestableChannelClasses": "a(a{sv}as)",
        "VCardField": "s",
        "EnglishName": "s",
        "Icon": "s",
        "AuthenticationTypes": "as",
    }

    def values(self) -> Mapping[str, object]:
        """Return the properties."""
        return _described()

    @method("IdentifyAccount", "Parameters:a{sv}", "Account_ID:s")
    def identify(self, given: dict[str, object]) -> str:
        """Return what names the account that some parameters are of."""
        return parameters.normalized(str(given.get("account", "")))

    @method("NormalizeContact", "Contact_ID:s", "Normalized_Contact_ID:s")
    def normalize(self, contact: str) -> str:
        """Return an address as it is compared."""
        return parameters.normalized(contact)


class Manager(Part):
    """``ConnectionManager``: what there is, and connections.

    :param connect: makes a connection for who asks, and returns its name and path on the bus
    """

    NAME = MANAGER
    SIGNALS: ClassVar[Mapping[str, str]] = {"NewConnection": "Bus_Name:s Object_Path:o Protocol:s"}
    PROPERTIES: ClassVar[Mapping[str, str]] = {"Protocols": "a{sa{sv}}", "Interfaces": "as"}

    def __init__(self, connect: Callable[[str, parameters.Login], tuple[str, str]]) -> None:
        self._connect = connect

    def values(self) -> Mapping[str, object]:
        """Return the properties."""
        shown = {
            f"{PROTOCOL}.{name}": typed(Protocol.PROPERTIES[name], value)
            for name, value in _described().items()
        }
        return {"Protocols": {PROTOCOL_NAME: typed("a{sv}", shown)}, "Interfaces": ()}

    @method("ListProtocols", "", "Protocols:as")
    def protocols(self) -> object:
        """Return the names of the protocols."""
        return (PROTOCOL_NAME,)

    @method("GetParameters", "Protocol:s", "Parameters:a(susv)")
    def parameters(self, protocol: str) -> object:
        """Return what a connection is made with."""
        _check(protocol)
        return parameters.listed()

    @method(
        "RequestConnection",
        "Protocol:s Parameters:a{sv}",
        "Bus_Name:s Object_Path:o",
        sender=True,
    )
    def request(self, sender: str, protocol: str, given: dict[str, object]) -> object:
        """Make a connection; it begins when Connect is called."""
        _check(protocol)
        login = parameters.read(given)
        name, path = self._connect(sender, login)
        self.emit("NewConnection", name, path, PROTOCOL_NAME)
        return name, path


class ManagerObject(Exported):
    """The object of the manager, above that of its protocol.

    :param connect: as of :class:`Manager`
    """

    def __init__(
        self, sender: Sender, connect: Callable[[str, parameters.Login], tuple[str, str]]
    ) -> None:
        super().__init__(MANAGER_PATH, sender, (Manager(connect),))

    def children(self) -> set[str]:
        """Return the name of the protocol."""
        return {PROTOCOL_NAME}


def _check(protocol: str) -> None:
    if protocol != PROTOCOL_NAME:
        raise Failure(
            "NotImplemented", f"There is no protocol {protocol} here; there is {PROTOCOL_NAME}."
        )
