"""Keys as names of actions: which key does what is the program's to say."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

#: Names of actions, each with the keys that mean it, as urwid names keys ("ctrl a", "page up").
KeyMap = Mapping[str, Iterable[str]]


class Keyed:
    """What does things by name, and knows which keys mean them.

    A class has its usual keys in ``KEYS``. Setting ``keys`` replaces them all; an action that is
    left out of it has no key, and can still be done by ``act``.
    """

    KEYS: ClassVar[KeyMap] = {}
    _by_key: dict[str, str] | None = None
    _keys: KeyMap | None = None

    @property
    def keys(self) -> KeyMap:
        """The keys of every action."""
        return self.KEYS if self._keys is None else self._keys

    @keys.setter
    def keys(self, keys: KeyMap) -> None:
        self._keys = keys
        self._by_key = None

    def action(self, key: str) -> str | None:
        """Return the name of the action that a key means, or None."""
        if self._by_key is None:
            self._by_key = {key: action for action, keys in self.keys.items() for key in keys}
        return self._by_key.get(key)

    def does(self, key: str) -> bool:
        """Do what a key means; tell whether it means anything, and there was anything to do."""
        action = self.action(key)
        return action is not None and self.act(action)

    def act(self, action: str) -> bool:
        """Do an action by name, as its key would; tell whether there was anything to do."""
        raise NotImplementedError


def merged(*maps: KeyMap) -> dict[str, tuple[str, ...]]:
    """Return key maps as one, in which later ones replace the keys of the actions they name."""
    found: dict[str, tuple[str, ...]] = {}
    for one in maps:
        found.update((action, tuple(keys)) for action, keys in one.items())
    return found
