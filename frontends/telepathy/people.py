"""The contacts of a connection: who they are, what they show, and who sees whom."""

from collections.abc import Callable, Iterable, Mapping

from sat.bridge.dbus_values import to_bus
from sat.frontends.telepathy.handles import Handles
from sat.frontends.telepathy.session import Session, Struct
from sat.frontends.telepathy.spec import Presence, Subscription

#: What is shown as which kind of presence; the names are those of the daemon's own ``show``.
SHOWS: Mapping[str, Presence] = {
    "available": Presence.AVAILABLE,
    "chat": Presence.AVAILABLE,
    "away": Presence.AWAY,
    "xa": Presence.EXTENDED_AWAY,
    "dnd": Presence.BUSY,
}
OFFLINE, UNKNOWN = "offline", "unknown"
_SEEN, _SEEING = ("to", "both"), ("from", "both")
#: The kind of question that a request to see us is.
_REQUEST = "subscription"


class People:
    """Who is known to one connection, by handle."""

    def __init__(self, handles: Handles, session: Session) -> None:
        self.handles = handles
        self.session = session
        self._own: Struct = {"show": "unavailable"}
        self._contacts: dict[int, Struct] = {}
        self._presences: dict[int, dict[str, Struct]] = {}
        self._requests: dict[int, Struct] = {}
        self._tokens: dict[int, str] = {}
        #: Are told of changes: whose subscriptions, presence, alias, and picture.
        self.listed: Callable[[int], None] = _nobody
        self.unlisted: Callable[[int], None] = _nobody
        self.shown: Callable[[int], None] = _nobody
        self.named: Callable[[int], None] = _nobody
        self.pictured: Callable[[int], None] = _nobody

    def load(self, state: Struct, own: Struct) -> None:
        """Take over the state that the connection begins with, and the profile."""
        self._own = own
        for contact in _structs(state.get("roster")):
            self._contacts[self.handles.of(str(contact["jid"]))] = contact
        for question in _structs(state.get("questions")):
            self._asked(question)

    # ---- what happens

    def event(self, type_: str, data: Struct) -> None:
        """Take an event of the daemon that may concern them."""
        if type_ == "roster.changed":
            self._contact_changed(data)
        elif type_ == "roster.removed":
            self._contact_removed(self.handles.of(str(data["name"])))
        elif type_ == "presence.changed":
            self._presence_changed(data)
        elif type_ == "avatar.changed":
            self._avatar_changed(self.handles.of(str(data["jid"])), str(data.get("hash") or ""))
        elif type_ == "question.added" and self._asked(data):
            self.listed(self.handles.of(str(data["peer"])))
        elif type_ == "question.closed":
            self._answered(str(data["name"]))
        elif type_ == "profile.changed":
            before, self._own = self._own, data
            if any(before.get(key) != data.get(key) for key in ("show", "status")):
                self.shown(self.handles.own)

    def _contact_changed(self, contact: Struct) -> None:
        handle = self.handles.of(str(contact["jid"]))
        before = self._contacts.get(handle, {})
        self._contacts[handle] = contact
        if any(before.get(key) != contact.get(key) for key in ("jid", "subscription", "ask")):
            self.listed(handle)
        if before.get("name", "") != contact.get("name", ""):
            self.named(handle)

    def _contact_removed(self, handle: int) -> None:
        if self._contacts.pop(handle, None) is not None:
            self.unlisted(handle)

    def _presence_changed(self, presence: Struct) -> None:
        jid = str(presence["jid"])
        bare, _, _ = jid.partition("/")
        handle = self.handles.of(bare)
        if handle == self.handles.own:
            return  # another program of the person's: what they show is the profile's
        before = self.presence(handle)
        resources = self._presences.setdefault(handle, {})
        if presence.get("show", "available") in SHOWS:
            resources[jid] = presence
        else:
            resources.pop(jid, None)
        if not resources:
            del self._presences[handle]
        if self.presence(handle) != before:
            self.shown(handle)

    def _avatar_changed(self, handle: int, token: str) -> None:
        if self._tokens.get(handle) != token:
            self._tokens[handle] = token
            self.pictured(handle)

    def _asked(self, question: Struct) -> bool:
        if question.get("kind") != _REQUEST or not question.get("peer"):
            return False
        self._requests[self.handles.of(str(question["peer"]))] = question
        return True

    def _answered(self, id_: str) -> None:
        for handle, question in list(self._requests.items()):
            if question.get("id") == id_:
                del self._requests[handle]
                self.listed(handle)

    # ---- what is known

    @property
    def all(self) -> list[int]:
        """The handles of the contacts, and of those who ask to see us."""
        return [*{**self._contacts, **self._requests}]

    def subscribe(self, handle: int) -> Subscription:
        """Tell whether we see their presence."""
        contact = self._contacts.get(handle, {})
        if contact.get("subscription") in _SEEN:
            return Subscription.YES
        return Subscription.ASK if contact.get("ask") else Subscription.NO

    def publish(self, handle: int) -> Subscription:
        """Tell whether they see ours."""
        if self._contacts.get(handle, {}).get("subscription") in _SEEING:
            return Subscription.YES
        return Subscription.ASK if handle in self._requests else Subscription.NO

    def request(self, handle: int) -> str:
        """Return what they said when they asked to see us."""
        form = self._requests.get(handle, {}).get("form")
        return text(form.get("instructions", "")) if isinstance(form, dict) else ""

    def alias(self, handle: int) -> str:
        """Return what they are called: the name in the roster, or the first part of the address."""
        name = self._contacts.get(handle, {}).get("name")
        return text(name or self.handles.name(handle).partition("@")[0])

    def token(self, handle: int) -> str | None:
        """Return what stands for their picture: "" if they have none, None if it isn't known."""
        return self._tokens.get(handle)

    def presence(self, handle: int) -> tuple[int, str, str]:
        """Return what they show: the kind, its name, and the words with it."""
        if handle == self.handles.own:
            show = str(self._own.get("show", "available"))
            kind = SHOWS.get(show)
            return (
                (Presence.OFFLINE, OFFLINE, "")
                if kind is None
                else (kind, show, text(self._own.get("status", "")))
            )
        resources = self._presences.get(handle)
        if resources:
            best = max(resources.values(), key=_rank)
            show = str(best.get("show", "available"))
            return SHOWS[show], show, text(best.get("status", ""))
        if self.subscribe(handle) is Subscription.YES:
            return Presence.OFFLINE, OFFLINE, ""
        return Presence.UNKNOWN, UNKNOWN, ""


def text(value: object) -> str:
    """Return a text that the bus takes."""
    return str(to_bus(value, {"type": "string"}, {}))


def _rank(presence: Struct) -> tuple[int, int]:
    """Order the resources of a contact: by priority, then by how near they are to be spoken to."""
    shows = ("xa", "away", "dnd", "available", "chat")
    priority = presence.get("priority", 0)
    show = str(presence.get("show", "available"))
    return priority if isinstance(priority, int) else 0, shows.index(show)


def _structs(value: object) -> Iterable[Struct]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _nobody(_: int) -> None:
    """Nobody is told."""
