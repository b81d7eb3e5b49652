"""What sat-dbus itself keeps of the daemon: its API, its profiles and the transfers under way.

They are the objects on the bus. It attaches as any frontend does, and again when the daemon was
away.
"""

from collections.abc import Callable

from gi.repository import GLib

from sat.bridge.dbus_mapping import Api, path_of
from sat.bridge.errors import CommandError
from sat.frontends.core.link import Link

#: Kinds of objects: the scope that they are listed in, and the key that names one.
KINDS = {"profile": ("profiles", "name"), "transfer": ("transfers", "id")}
_ENDED = ("done", "failed", "cancelled")
#: Milliseconds between two looks for a daemon that is away.
_RETRY = 500

Struct = dict[str, object]


class Watch:
    """The daemon's state as far as the bus shows it.

    :param path: the daemon's socket
    :param ready: is called whenever the daemon is there, and known, again
    :param changed: is told an object's kind and path, and what it was and is; None for nothing
    """

    def __init__(
        self,
        path: str,
        ready: Callable[[], None],
        changed: Callable[[str, str, Struct | None, Struct | None], None],
    ) -> None:
        self.api: Api | None = None
        #: By path: the kind, and what the daemon tells of it.
        self.objects: dict[str, tuple[str, Struct]] = {}
        self.path = path
        self._ready = ready
        self._changed = changed
        self._link: Link | None = None
        self._retry = 0

    @property
    def connected(self) -> bool:
        """Whether the daemon is there."""
        return self._link is not None

    def start(self) -> None:
        """Attach to the daemon.

        :raises CommandError: if that is impossible now
        """
        self._link = Link(self.path, "sat-dbus", self._event, self._resync, self._lost)
        self._describe()

    def close(self) -> None:
        """Attach no more."""
        if self._retry:
            GLib.source_remove(self._retry)
        if self._link is not None:
            self._link.close()

    def _describe(self) -> None:
        self._call("api.describe", {}, self._described)

    def _described(self, result: object) -> None:
        if isinstance(result, dict):
            self.api = Api(result)
            scopes = [scope for scope, _ in KINDS.values()]
            types = [f"{kind}.{how}" for kind in KINDS for how in ("changed", "removed")]
            self._call(
                "state.attach",
                {"scopes": [*scopes, "plugins"], "types": [*types, "api.changed"]},
                self._attached,
            )

    def _attached(self, result: object) -> None:
        state = result.get("state") if isinstance(result, dict) else None
        found: dict[str, tuple[str, Struct]] = {}
        for kind, (scope, key) in KINDS.items():
            listed = state.get(scope) if isinstance(state, dict) else None
            for one in listed if isinstance(listed, list) else ():
                found[path_of(kind, str(one.get(key)))] = (kind, one)
        for path in [one for one in self.objects if one not in found]:
            self._put(self.objects[path][0], path, None)
        for path, (kind, one) in found.items():
            self._put(kind, path, one)
        self._ready()

    def _call(self, method: str, params: Struct, done: Callable[[object], None]) -> None:
        def answered(result: object, error: CommandError | None) -> None:
            if error is None:
                done(result)
            elif error.name != "daemon.gone" and self._link is not None:
                self._link.close()
                self._lost()

        if self._link is not None:
            self._link.call(method, params, (), answered)

    def _event(self, event: Struct) -> None:
        kind, _, how = str(event.get("type")).partition(".")
        data = event.get("data")
        if kind not in KINDS:
            self._describe()
        elif isinstance(data, dict):
            key = KINDS[kind][1] if how == "changed" else "name"
            self._put(kind, path_of(kind, str(data.get(key))), data if how == "changed" else None)

    def _put(self, kind: str, path: str, now: Struct | None) -> None:
        if now is not None and kind == "transfer" and now.get("state") in _ENDED:
            now = None
        before = self.objects.pop(path, (kind, None))[1]
        if now is not None:
            self.objects[path] = (kind, now)
        if before != now:
            self._changed(kind, path, before, now)

    def _resync(self, _: Struct) -> None:
        self._describe()

    def _lost(self) -> None:
        self._link = None
        if not self._retry:
            self._retry = GLib.timeout_add(_RETRY, self._try_again)

    def _try_again(self) -> bool:
        try:
            self.start()
        except (CommandError, OSError):
            return True
        self._retry = 0
        return False
