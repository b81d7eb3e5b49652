"""Handles: the numbers that stand for contacts as long as a connection lasts."""

from collections.abc import Iterable

from sat.frontends.telepathy.parameters import normalized
from sat.frontends.telepathy.spec import CONTACT, Failure

#: So many are made for strangers: a client that asks for more of them wants no good.
_MAX_STRANGERS = 10_000


class Handles:
    """The handles of one connection; the first is the person's own."""

    def __init__(self, own: str) -> None:
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._strangers = 0
        self.own = self.of(own)

    def of(self, jid: str) -> int:
        """Return the handle of an address that the daemon has told."""
        number = self._numbers.get(jid)
        if number is None:
            self._names.append(jid)
            number = self._numbers[jid] = len(self._names)
        return number

    def known(self, jid: str) -> int | None:
        """Return the handle of an address, if it has one."""
        return self._numbers.get(jid)

    def asked(self, text: str) -> int:
        """Return the handle of an address that a client has told.

        :raises Failure: ``InvalidHandle`` if it is none, ``NotAvailable`` if there are too many
        """
        jid = normalized(text)
        if jid not in self._numbers:
            if self._strangers >= _MAX_STRANGERS:
                raise Failure(
                    "NotAvailable",
                    f"This connection has handles for {_MAX_STRANGERS} strangers already.",
                )
            self._strangers += 1
        return self.of(jid)

    def name(self, handle: int) -> str:
        """Return the address that a handle stands for.

        :raises Failure: ``InvalidHandle`` if it is none
        """
        if not 1 <= handle <= len(self._names):
            raise Failure("InvalidHandle", f"There is no handle {handle} of a contact.")
        return self._names[int(handle) - 1]

    def names(self, kind: int, handles: Iterable[int]) -> list[str]:
        """Return the addresses that handles of a kind stand for.

        :raises Failure: ``InvalidHandle``, ``NotImplemented``
        """
        check_kind(kind)
        return [self.name(one) for one in handles]


def check_kind(kind: int) -> None:
    """Refuse other handles than those of contacts.

    :raises Failure: ``NotImplemented``
    """
    if kind != CONTACT:
        raise Failure("NotImplemented", f"Handles of the kind {kind} don't exist here: 1 is one.")
