"""What a connection asks of the daemon, and what it is told."""

from collections.abc import Callable

from sat.bridge.errors import CommandError
from sat.bridge.paths import socket_path
from sat.frontends.core.daemon import connect_here
from sat.frontends.core.link import Link
from sat.frontends.telepathy.parameters import Login
from sat.frontends.telepathy.spec import Failure, error_name
from sat.frontends.telepathy.waiting import Waiting, log_failure, spawn

Struct = dict[str, object]

_SCOPES = ["profiles", "conversations", "messages", "roster", "presence", "questions"]
_MAX_NAME = 60


class Session:
    """A session with the daemon, for one profile.

    :param client: what the daemon's log calls it
    :param event: is told each event of the profile: its type and its data
    :param lost: is called once, when the daemon has gone
    """

    def __init__(
        self, client: str, event: Callable[[str, Struct], None], lost: Callable[[], None]
    ) -> None:
        self._client = client
        self._event = event
        self._lost = lost
        self._link: Link | None = None
        #: The profile's name, once it is known.
        self.profile = ""

    def open(self) -> None:
        """Begin it; the daemon is started where there is none, as by every frontend.

        :raises CommandError: if there is none all the same
        """
        connect_here(self._client).close()
        try:
            self._link = Link(socket_path(), self._client, self._told, self._behind, self._lost)
        except OSError as error:
            raise CommandError(
                "daemon.missing", f"The daemon can't be reached: {error.strerror}."
            ) from error

    def close(self) -> None:
        """End it; what the daemon was asked to do goes on."""
        if self._link is not None:
            self._link.close()

    async def call(self, method: str, **params: object) -> object:
        """Make a call that concerns the daemon.

        :raises CommandError: if it is refused
        """
        if self._link is None:
            raise CommandError("offline.profile", "The connection is not connected.")
        waiting: Waiting[object] = Waiting()

        def done(result: object, error: CommandError | None) -> None:
            if error is None:
                waiting.give(result)
            else:
                waiting.fail(error)

        self._link.call(method, params, (), done)
        return await waiting

    async def ask(self, method: str, **params: object) -> Struct:
        """Make a call for the profile, and return the struct that it gives.

        :raises Failure: if it is refused
        """
        try:
            found = await self.call(method, profile=self.profile, **params)
        except CommandError as error:
            raise told(error) from error
        return found if isinstance(found, dict) else {}

    def tell(self, method: str, **params: object) -> None:
        """Make a call for the profile that nobody waits for."""
        spawn(self.ask(method, **params), lambda _: None, log_failure)

    async def attach(self) -> Struct:
        """Be told of what happens to the profile; return its state before that."""
        found = await self.call("state.attach", scopes=_SCOPES, profiles=[self.profile])
        state = found.get("state") if isinstance(found, dict) else None
        return state if isinstance(state, dict) else {}

    def _told(self, event: Struct) -> None:
        data = event.get("data")
        if isinstance(data, dict):
            self._event(str(event.get("type")), data)

    def _behind(self, _: Struct) -> None:
        # Something is missing: only another connection shows all again.
        self.close()
        self._lost()


class Leases:
    """How many connections use each profile, and which profiles are online for them alone."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._ours: set[str] = set()

    def begin(self, profile: Struct) -> None:
        """Count a connection that begins to use a profile."""
        name = str(profile["name"])
        if name not in self._counts and not profile.get("autoconnect"):
            connection = profile.get("connection")
            phase = connection.get("phase") if isinstance(connection, dict) else None
            if phase in ("offline", "failed"):
                self._ours.add(name)
        self._counts[name] = self._counts.get(name, 0) + 1

    def uses(self, name: str) -> bool:
        """Tell whether a connection uses a profile."""
        return name in self._counts

    def end(self, name: str) -> bool:
        """Count a connection that ends; tell whether the profile goes offline with it."""
        self._counts[name] -= 1
        if self._counts[name]:
            return False
        del self._counts[name]
        ours = name in self._ours
        self._ours.discard(name)
        return ours


async def find_profile(session: Session, login: Login) -> tuple[Struct, bool]:
    """Return the profile of an account, and whether it was made just now.

    Who wants to use one that is there has to know its password.

    :raises CommandError: ``denied.password`` if it is another one, or what else goes wrong
    """
    listed = await session.call("profile.list")
    profiles = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    for profile in profiles:
        if profile["jid"] == login.account:
            await session.call("profile.check", name=profile["name"], password=login.password)
            return profile, False
    made = await session.call(
        "profile.create",
        name=_free_name(login.account, {str(one["name"]) for one in profiles}),
        jid=login.account,
        password=login.password,
        server=login.server,
        direct_tls=login.direct_tls,
        resource=login.resource,
        autoconnect=False,
    )
    assert isinstance(made, dict)
    return made, True


def told(error: CommandError) -> Failure:
    """Return an error of the bridge as one of Telepathy."""
    return Failure(error_name(error.name), error.sentence)


def _free_name(account: str, taken: set[str]) -> str:
    """Return a name for the profile of an account, of the letters that names have."""
    plain = "".join(one if one.isalnum() or one in "._-" else "-" for one in account)
    stem = plain.lstrip("-.")[:_MAX_NAME] or "account"
    number, name = 1, stem
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name
