"""Names and numbers of the Telepathy D-Bus specification (0.27), as far as they are used here."""

from enum import IntEnum

TELEPATHY = "org.freedesktop.Telepathy"
#: This connection manager's own name, and its only protocol.
OWN_NAME, PROTOCOL_NAME = "sat", "jabber"

MANAGER = f"{TELEPATHY}.ConnectionManager"
MANAGER_NAME = f"{MANAGER}.{OWN_NAME}"
MANAGER_PATH = f"/{MANAGER_NAME.replace('.', '/')}"
PROTOCOL = f"{TELEPATHY}.Protocol"
PROTOCOL_PATH = f"{MANAGER_PATH}/{PROTOCOL_NAME}"

CONNECTION = f"{TELEPATHY}.Connection"
CONNECTION_NAME = f"{CONNECTION}.{OWN_NAME}.{PROTOCOL_NAME}"
REQUESTS = f"{CONNECTION}.Interface.Requests"
CONTACTS = f"{CONNECTION}.Interface.Contacts"
CONTACT_LIST = f"{CONNECTION}.Interface.ContactList"
PRESENCE = f"{CONNECTION}.Interface.SimplePresence"
ALIASING = f"{CONNECTION}.Interface.Aliasing"
AVATARS = f"{CONNECTION}.Interface.Avatars"

CHANNEL = f"{TELEPATHY}.Channel"
TEXT = f"{CHANNEL}.Type.Text"
MESSAGES = f"{CHANNEL}.Interface.Messages"
DESTROYABLE = f"{CHANNEL}.Interface.Destroyable"

PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"

#: The kinds of handles: of nobody, and of a contact.
NOBODY, CONTACT = 0, 1

NO_TEXT, PLAIN = "", "text/plain"


class Status(IntEnum):
    """Where a connection stands."""

    CONNECTED = 0
    CONNECTING = 1
    DISCONNECTED = 2


class Reason(IntEnum):
    """Why it stands there."""

    NONE = 0
    REQUESTED = 1
    NETWORK_ERROR = 2
    AUTHENTICATION_FAILED = 3
    ENCRYPTION_ERROR = 4


class Subscription(IntEnum):
    """Whether one sees the other's presence."""

    NO = 1
    ASK = 3
    YES = 4


class Presence(IntEnum):
    """The kinds of presence."""

    OFFLINE = 1
    AVAILABLE = 2
    AWAY = 3
    EXTENDED_AWAY = 4
    BUSY = 6
    UNKNOWN = 7


class Failure(Exception):
    """A refusal that is told to a client.

    :param name: the last part of ``org.freedesktop.Telepathy.Error.…``
    :param sentence: for people
    """

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name
        self.sentence = sentence


#: How errors of the bridge are called in Telepathy, by their root.
_ERRORS = {
    "denied": "PermissionDenied",
    "unknown": "DoesNotExist",
    "timeout": "NetworkError",
    "offline": "Disconnected",
    "daemon": "Disconnected",
    "usage": "InvalidArgument",
}
_LOGINS = ("denied.password", "denied.guessing", "unknown.password")


def error_name(name: str) -> str:
    """Return what an error of the bridge is called in Telepathy."""
    if name in _LOGINS:
        return "AuthenticationFailed"
    if name.startswith("failed.tls"):
        return "EncryptionError"
    return _ERRORS.get(name.partition(".")[0], "NotAvailable")


def reason_of(error: str) -> Reason:
    """Return why a connection ends with an error of Telepathy."""
    if error in ("AuthenticationFailed", "PermissionDenied"):
        return Reason.AUTHENTICATION_FAILED
    return Reason.ENCRYPTION_ERROR if error == "EncryptionError" else Reason.NETWORK_ERROR
