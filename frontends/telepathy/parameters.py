"""What a connection is made with: the parameters of the protocol ``jabber``."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import dbus

from sat.frontends.telepathy.exported import typed
from sat.frontends.telepathy.spec import Failure

_REQUIRED, _HAS_DEFAULT, _SECRET = 1, 4, 8
#: By name: the flags, the type, and the default, as Conn_Mgr_Param_Flags has them.
PARAMETERS: Mapping[str, tuple[int, str, object]] = {
    "account": (_REQUIRED, "s", ""),
    "password": (_REQUIRED | _SECRET, "s", ""),
    "server": (0, "s", ""),
    "port": (_HAS_DEFAULT, "q", 5222),
    "old-ssl": (_HAS_DEFAULT, "b", False),
    "resource": (0, "s", ""),
}
_KINDS: Mapping[str, type] = {"s": str, "q": int, "b": dbus.Boolean}
_MAX_PART = 1023
#: What RFC 7622 keeps out of a local part, and what ends one of the others.
_FORBIDDEN = frozenset("\"&'/:<>@ ")


@dataclass(frozen=True, slots=True)
class Login:
    """An account, and how to reach it."""

    account: str
    password: str = field(repr=False)
    server: str | None
    direct_tls: bool
    resource: str | None


def listed() -> list[tuple[str, int, str, object]]:
    """Return the parameters as ``a(susv)``."""
    return [
        (name, flags, type_, typed(type_, default))
        for name, (flags, type_, default) in PARAMETERS.items()
    ]


def read(given: Mapping[str, object]) -> Login:
    """Check the parameters of a connection.

    :raises Failure: ``InvalidArgument``, naming the one that is wrong or missing;
        ``InvalidHandle`` if the account isn't an address
    """
    for name, value in given.items():
        known = PARAMETERS.get(name)
        if known is None:
            raise Failure(
                "InvalidArgument",
                f"There is no parameter {name}; there are: {', '.join(PARAMETERS)}.",
            )
        if not isinstance(value, _KINDS[known[1]]):
            raise Failure("InvalidArgument", f"The parameter {name} is of the type {known[1]}.")
    if given.get("port", 1) not in range(1, 2**16):
        raise Failure("InvalidArgument", "The port is from 1 to 65535.")
    for name, (flags, _, _) in PARAMETERS.items():
        if flags & _REQUIRED and not given.get(name):
            raise Failure("InvalidArgument", f"The parameter {name} is missing.")
    account = normalized(str(given["account"]))
    if "@" not in account:
        raise Failure("InvalidArgument", f"{account} is no account: it needs NAME@HOST.")
    # One that is given overrides what DNS says of the domain.
    server = str(given["server"]) if given.get("server") else None
    if "port" in given and (server or given["port"] != PARAMETERS["port"][2]):
        server = f"{server or account.partition('@')[2]}:{given['port']}"
    return Login(
        account=account,
        password=str(given["password"]),
        server=server,
        direct_tls=bool(given.get("old-ssl", False)),
        resource=str(given["resource"]) if given.get("resource") else None,
    )


def normalized(jid: str) -> str:
    """Return a contact's bare JID as it is compared.

    The daemon, and the server, look at it again; this is enough to know two spellings of one.

    :raises Failure: ``InvalidHandle`` if it can't be an address
    """
    bare = jid.partition("/")[0]
    local, at, host = bare.rpartition("@")
    parts = [unicodedata.normalize("NFKC", one).casefold() for one in (local, host)]
    host = parts[1].rstrip(".")
    printable = jid.isprintable() and all(len(one.encode()) <= _MAX_PART for one in parts)
    if not printable or not host or (at and not local) or set(parts[0] + host) & _FORBIDDEN:
        raise Failure("InvalidHandle", f"{bare[:100]!r} is no address: it needs NAME@HOST.")
    return f"{parts[0]}{at}{host}"
