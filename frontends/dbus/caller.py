"""A program on the bus: it has a session of its own with the daemon, as every frontend has.

What belongs to a session (events, filters, blobs) is so the program's own, and ends with it.
"""

from collections.abc import Callable, Sequence

from sat.bridge.errors import CommandError
from sat.frontends.core.link import Done, Link

Event = dict[str, object]


class Caller:
    """A name on the bus that has called, until it leaves.

    :param path: the daemon's socket
    :param name: its unique name on the bus
    :param event: is told each event, where it is attached
    :param resync: is told that it has to attach anew, for some events are gone
    """

    def __init__(
        self,
        path: str,
        name: str,
        event: Callable[[str, Event], None],
        resync: Callable[[str, Event], None],
    ) -> None:
        self.name = name
        self._path = path
        self._tell = event
        self._tell_resync = resync
        self._link: Link | None = None
        self._attached: dict[str, object] | None = None
        self._active: dict[str, object] | None = None
        self._epoch = ""
        self._seq = 0

    @property
    def attached(self) -> bool:
        """Whether it is told of events."""
        return self._attached is not None

    def wants(self, profile: str) -> bool:
        """Tell whether it is told of a profile."""
        if self._attached is None:
            return False
        profiles = self._attached.get("profiles")
        return not isinstance(profiles, list) or profile in profiles

    def call(
        self, method: str, params: dict[str, object], descriptors: Sequence[int], done: Done
    ) -> None:
        """Make a call in its session.

        :raises CommandError: as :meth:`sat.frontends.core.link.Link.call`
        """
        if method == "state.attach":
            self._open().call(method, params, descriptors, self._keep(params, done))
            return
        if method == "state.active":
            self._active = params
        self._open().call(method, params, descriptors, done)

    def resume(self) -> None:
        """Attach again where it was, if it was attached, once the daemon is there again.

        :raises CommandError: if it isn't
        """
        if self.attached and self._link is None:
            self._open()

    def detach(self) -> None:
        """End its session: it is told nothing more."""
        self._attached = None
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _open(self) -> Link:
        if self._link is not None:
            return self._link
        link = Link(self._path, f"dbus {self.name}", self._event, self._resync, self._lost)
        self._link = link
        if self._attached is not None:
            place = {"epoch": self._epoch, "seq": self._seq}
            link.call("state.attach", self._attached | {"resume": place}, (), self._resumed)
            if self._active is not None:
                link.call("state.active", self._active, (), _ignore)
        return link

    def _lost(self) -> None:
        self._link = None

    def _keep(self, params: dict[str, object], done: Done) -> Done:
        """Note where the events begin before its answer is passed on."""

        def answered(result: object, error: CommandError | None) -> None:
            if isinstance(result, dict):
                self._attached = {one: params[one] for one in params if one != "resume"}
                self._at(result)
            elif error is not None and error.name == "log.trimmed":
                # The daemon has ended the events that it was told before.
                self._attached = None
            done(result, error)

        return answered

    def _resumed(self, result: object, error: CommandError | None) -> None:
        if isinstance(result, dict) and result.get("mode") == "resumed":
            return
        if error is None or error.name != "daemon.gone":
            # A snapshot, or nothing at all: between there and here something is missing.
            self._resync({} if error is None else error.data)

    def _at(self, attached: dict[str, object]) -> None:
        epoch, seq = attached.get("epoch"), attached.get("seq")
        self._epoch = epoch if isinstance(epoch, str) else ""
        self._seq = seq if isinstance(seq, int) else 0

    def _event(self, event: Event) -> None:
        seq = event.get("seq")
        if isinstance(seq, int):
            self._seq = seq
        if self.attached:
            self._tell(self.name, event)

    def _resync(self, data: Event) -> None:
        self._attached = None
        self._tell_resync(self.name, data)


def _ignore(result: object, error: CommandError | None) -> None:
    """Whether somebody is there counts as long as the session lasts, and it has just begun."""
