"""Lists of what the state holds: order, filter, and one row for one change."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sat.bridge import events
from sat.bridge.model import (
    Contact,
    Conversation,
    Direction,
    MessageState,
    MessageType,
    Occupant,
    Option,
    Presence,
    Profile,
    Question,
    Removed,
    Room,
    Transfer,
    TransferState,
)
from sat.frontends.core.mentions import Mentions
from sat.frontends.core.model import Model
from sat.frontends.core.views.contacts import Contacts, best
from sat.frontends.core.views.conversations import Conversations
from sat.frontends.core.views.parts import (
    Occupants,
    Profiles,
    Questions,
    Settings,
    Transfers,
    section_of,
)
from tests.frontends.core.support import NOW, Watch, message

LATELY = datetime.now(UTC)


def contact(jid, rev=1, **more):
    return Contact(profile="alice", jid=jid, rev=rev, **more)


def presence(jid, show="available", **more):
    return events.PresenceChanged(Presence(profile="alice", jid=jid, show=show, **more))


class Told:
    """A model, with what is counted of it."""

    def __init__(self, *found):
        self.model = Model()
        self.mentions = Mentions(self.model)
        self.model.put(found)

    def tell(self, *told):
        self.model.take([(one, None) for one in told])


def names(view):
    return [row.name for row in view.rows]


def test_contacts_by_group_and_presence():
    told = Told(
        contact("bob@x", name="Bob", groups=("friends",)),
        contact("ann@x", groups=("friends", "work")),
        contact("eve@x"),
        Room(profile="alice", jid="tea@r", nick="al", name="Tea", state="joined", rev=1),
    )
    view = Contacts(told.model, told.mentions)
    watch = Watch(view.rows)
    assert [(row.group, row.name) for row in view.rows] == [
        ("", "Tea"), ("friends", "ann"), ("friends", "Bob"), ("work", "ann"), ("", "eve"),
    ]  # fmt: skip
    told.tell(presence("bob@x/1", "away", status="at\nlunch"))
    assert names(view) == ["Tea", "Bob", "ann", "ann", "eve"]
    assert view.rows[1].show == "away" and view.rows[1].status == "at lunch"
    assert len(watch.told) == 2
    watch.told.clear()
    told.tell(presence("bob@x/1", "dnd"))
    assert watch.told == [("changed", ("alice", "bob@x", "friends"))]
    told.tell(events.RosterChanged(contact("bob@x", 2, name="Bob", groups=("work",))))
    assert [row.group for row in view.rows if row.name == "Bob"] == ["work"]
    told.tell(events.RosterRemoved(Removed(profile="alice", name="ann@x", rev=3)))
    assert names(view) == ["Tea", "Bob", "eve"]
    view.show(grouped=False, offline=False)
    assert names(view) == ["Tea", "Bob"]
    view.show(profile="other")
    assert not view.rows
    watch.check()
    view.close()
    told.tell(presence("bob@x/1", "unavailable"))
    watch.check()


def test_the_best_resource_counts():
    told = Told(contact("bob@x"))
    view = Contacts(told.model, told.mentions)
    told.tell(
        presence("bob@x/phone", "away", priority=5),
        presence("bob@x/desk", "chat", priority=1),
        presence("bob@x/bot", "chat", priority=-1),
    )
    assert (view.rows[0].show, view.rows[0].resources) == ("away", 3)
    assert [one.jid for one in view.resources("alice", "bob@x")] == [
        "bob@x/phone", "bob@x/desk", "bob@x/bot",
    ]  # fmt: skip
    told.tell(presence("bob@x/phone", "unavailable"))
    assert view.rows[0].show == "chat"
    told.tell(presence("bob@x/desk", "unavailable"), presence("bob@x/bot", "unavailable"))
    assert (view.rows[0].show, view.rows[0].resources) == ("unavailable", 0)
    assert best([]) is None and view.resources("alice", "bob@x") == []


def test_contacts_are_found_by_name_address_and_group():
    told = Told(
        contact("bob@x", name="Robert", groups=("Friends",)),
        contact("carol@y", name="Straße"),
    )
    view = Contacts(told.model, told.mentions, offline=False)
    assert not view.rows
    for text, found in [
        ("rob", ["Robert"]), ("BOB@", ["Robert"]), ("frie", ["Robert"]), ("y strasse", ["Straße"]),
        ("rob carol", []),
    ]:  # fmt: skip
        view.filter(text)
        assert names(view) == found, text
    view.filter("rob")
    told.tell(events.RosterChanged(contact("rob@z", 2)))
    assert names(view) == ["Robert", "rob"]
    view.filter("")
    assert not view.rows


def test_unread_and_mentions_are_counted():
    room = Room(profile="alice", jid="tea@r", nick="al", state="joined", rev=1)
    told = Told(room, contact("bob@x"))
    view = Contacts(told.model, told.mentions)
    chats = Conversations(told.model, told.mentions)
    more = {"peer": "tea@r", "from_": "tea@r/eve", "type": MessageType.GROUPCHAT}
    told.tell(
        events.MessageAdded(message(10, **more)),
        events.MessageAdded(message(11, **more, body="hey al!")),
        events.MessageAdded(message(12, **more, body="AL, also")),
        events.MessageAdded(message(13, **more, body="already")),
        events.MessageAdded(message(14, **more, body="al", direction=Direction.OUT)),
        events.MessageAdded(message(15)),
    )
    rows = {row.jid: row for row in view.rows}
    assert (rows["tea@r"].unread, rows["tea@r"].mentions) == (4, 2)
    assert (rows["bob@x"].unread, rows["bob@x"].mentions) == (1, 0)
    assert {row.peer: row.mentions for row in chats.rows} == {"tea@r": 2, "bob@x": 0}
    read = Conversation(profile="alice", peer="tea@r", unread=2, read="b", rev=20)
    told.tell(events.ConversationChanged(read))
    assert view.rows[0].mentions == chats.rows.get(("alice", "tea@r")).mentions == 1
    told.tell(events.ConversationChanged(msgspec.structs.replace(read, unread=0, rev=21)))
    assert view.rows[0].mentions == 0


def test_those_who_are_no_contacts_are_there_too():
    room = Room(profile="alice", jid="tea@r", nick="al", state="joined", rev=1)
    told = Told(room, contact("bob@x", groups=("a",)))
    view = Contacts(told.model, told.mentions)
    watch = Watch(view.rows)
    told.tell(
        events.MessageAdded(message(1, peer="eve@evil", from_="eve@evil/1", ts=LATELY)),
        events.MessageAdded(message(2, peer="tea@r/dora", from_="tea@r/dora")),
        events.MessageAdded(
            message(3, peer="old@x", direction=Direction.OUT, ts=LATELY - timedelta(days=40))
        ),
    )
    assert [(row.kind, row.name) for row in view.rows] == [
        ("room", "tea"), ("private", "dora (tea)"), ("stranger", "eve"), ("contact", "bob"),
    ]  # fmt: skip
    there = Occupant(profile="alice", room="tea@r", nick="dora", role="visitor", show="away")
    told.tell(events.OccupantChanged(there))
    assert view.rows[1].show == "away"
    told.tell(events.RosterChanged(contact("eve@evil", 9)))
    assert [row.kind for row in view.rows if row.name == "eve"] == ["contact"]
    watch.check()


def _told(kind, jid, rev, groups, show):
    if kind == "contact":
        return events.RosterChanged(contact(jid, rev, groups=groups))
    if kind == "contact removed":
        return events.RosterRemoved(Removed(profile="alice", name=jid, rev=rev))
    if kind == "presence":
        return presence(f"{jid}/1", show)
    if kind == "message":
        return events.MessageAdded(message(rev, peer=jid, from_=jid, ts=LATELY, body="al"))
    if kind == "read":
        read = Conversation(profile="alice", peer=jid, read=f"{rev:x}", rev=rev)
        return events.ConversationChanged(read)
    if kind == "room":
        room = Room(profile="alice", jid=jid.partition("/")[0], nick="al", rev=rev)
        return events.RoomChanged(room)
    return events.ProfileRemoved(Removed(profile="alice", name="alice", rev=rev))


STORIES = st.lists(
    st.tuples(
        st.sampled_from(
            ["contact", "contact removed", "presence", "message", "read", "room", "gone"]
        ),
        st.sampled_from(["bob@x", "carol@x", "tea@r", "tea@r/n"]),
        st.lists(st.sampled_from(["a", "B"]), max_size=2, unique=True).map(tuple),
        st.sampled_from(["away", "unavailable", "chat"]),
        st.booleans(),
    ),
    max_size=25,
)


@given(STORIES)
def test_a_view_that_follows_is_as_one_that_begins_now(steps):
    story = Told()
    contacts = Contacts(story.model, story.mentions)
    chats = Conversations(story.model, story.mentions)
    watches = [Watch(contacts.rows), Watch(chats.rows)]
    batch = []
    for rev, (kind, jid, groups, show, last) in enumerate(steps, 1):
        batch.append(_told(kind, jid, rev, groups, show))
        if last:
            story.tell(*batch)
            batch = []
            for watch in watches:
                watch.check()
    for follows, view in ((contacts, Contacts), (chats, Conversations)):
        fresh = view(story.model, story.mentions)
        assert list(fresh.rows) == list(follows.rows)


def test_a_storm_of_presences_is_one_reset_and_a_single_one_a_single_row():
    told = Told(*(contact(f"c{number:05}@x") for number in range(10_000)))
    view = Contacts(told.model, told.mentions)
    watch = Watch(view.rows)
    told.tell(*(presence(f"c{number:05}@x/1") for number in range(10_000)))
    assert watch.told == [("reset", None)]
    told.tell(presence("c00500@x/1", "away"))
    assert watch.told[1:] == [("changed", ("alice", "c00500@x", ""))]


def test_conversations_with_the_latest_first():
    told = Told(contact("bob@x", name="Bob\x1b[2J"))
    view = Conversations(told.model, told.mentions)
    watch = Watch(view.rows)
    told.tell(
        events.MessageAdded(message(1, body="hi\n" + "x" * 10_000)),
        events.MessageAdded(message(2, peer="carol@x", direction=Direction.OUT)),
    )
    assert [(row.name, row.author) for row in view.rows] == [("carol", ""), ("Bob", "Bob")]
    assert view.rows[0].state is MessageState.PENDING and view.rows[1].state is None
    assert view.rows[1].line.startswith("hi xx") and len(view.rows[1].line) <= 200
    told.tell(events.MessageAdded(message(3)))
    assert names(view) == ["Bob", "carol"]
    draft = Conversation(profile="alice", peer="bob@x", draft="be\ngun", last=message(3), rev=9)
    told.tell(events.ConversationChanged(draft))
    assert view.rows[0].draft == "be gun"
    view.filter("car")
    assert names(view) == ["carol"]
    view.filter("")
    view.show("nobody")
    assert not view.rows
    watch.check()


def test_a_room_that_is_known_later_tells_what_its_people_are():
    told = Told()
    view = Conversations(told.model, told.mentions)
    told.tell(events.MessageAdded(message(1, peer="tea@r/eve", from_="tea@r/eve")))
    assert view.rows[0].kind == "contact"
    told.tell(events.RoomChanged(Room(profile="alice", jid="tea@r", nick="a", name="Tea", rev=2)))
    assert (view.rows[0].kind, view.rows[0].name) == ("private", "eve (Tea)")


def test_occupants_by_role_and_nick():
    told = Told(Room(profile="alice", jid="tea@r", nick="al", rev=1))
    view = Occupants(told.model, "alice", "tea@r")
    watch = Watch(view.rows)

    def enter(nick, role, room="tea@r"):
        one = Occupant(profile="alice", room=room, nick=nick, role=role)
        told.tell(events.OccupantChanged(one))

    for nick, role in [("zed", "moderator"), ("Bob", "participant"), ("al", "participant")]:
        enter(nick, role)
    enter("x", "visitor", "coffee@r")
    assert [one.nick for one in view.rows] == ["zed", "al", "Bob"] and view.room.nick == "al"
    enter("al", "moderator")
    enter("zed", "none")
    assert [one.nick for one in view.rows] == ["al", "Bob"] == view.nicks
    watch.check()
    told.model.resume()
    assert not view.rows
    watch.check()


def test_the_parts_in_their_order():
    def transfer(id, state, minutes):
        return Transfer(
            id=id, profile="alice", peer="bob@x", direction=Direction.OUT, name=id, size=1,
            state=state, ts=NOW + timedelta(minutes=minutes), rev=minutes,
        )  # fmt: skip

    def option(name, help=""):
        return Option(name=name, kind="boolean", value=True, default=True, help=help, rev=1)

    told = Told(
        Profile(name="bob", jid="bob@x", rev=1),
        Profile(name="zed", jid="zed@x", default=True, rev=1),
        transfer("old", TransferState.DONE, 1),
        transfer("now", TransferState.RUNNING, 2),
        transfer("new", TransferState.DONE, 3),
        option("ping.timeout", "how long"),
        option("caps.on"),
        Question(id="q2", profile="bob", kind="x", sentence="2?", ts=NOW, rev=1),
        Question(
            id="q1", profile="zed", kind="x", sentence="1?", ts=NOW - timedelta(days=1), rev=2
        ),
    )
    assert [one.name for one in Profiles(told.model).rows] == ["zed", "bob"]
    assert [one.id for one in Transfers(told.model).rows] == ["now", "new", "old"]
    assert [one.id for one in Questions(told.model).rows] == ["q1", "q2"]
    assert [one.id for one in Questions(told.model, "bob").rows] == ["q2"]
    settings = Settings(told.model)
    assert [section_of(one) for one in settings.rows] == ["caps", "ping"]
    settings.filter("long")
    assert [one.name for one in settings.rows] == ["ping.timeout"]
    questions = Questions(told.model)
    watch = Watch(questions.rows)
    told.tell(events.QuestionClosed(Removed(profile="zed", name="q1", rev=5)))
    assert [one.id for one in questions.rows] == ["q2"]
    told.model.load(b"{}")
    assert not questions.rows
    watch.check()


@pytest.mark.parametrize("text", ["", " ", "\t"])
def test_a_filter_without_words_shows_all(text):
    told = Told(contact("bob@x"))
    view = Contacts(told.model, told.mentions)
    view.filter("none")
    view.filter(text)
    assert names(view) == ["bob"]
