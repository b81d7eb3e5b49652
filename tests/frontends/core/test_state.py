"""A frontend's state: only events change it, and what is stale changes nothing."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sat.bridge import events
from sat.bridge.client import UnknownEvent
from sat.bridge.model import (
    Contact,
    Conversation,
    Direction,
    Message,
    MessageState,
    MessageType,
    Option,
    Presence,
    Profile,
    Progress,
    Question,
    Removed,
    Room,
    Transfer,
    TransferState,
)
from sat.frontends.core.mentions import is_mention
from sat.frontends.core.state import (
    State,
    apply,
    apply_all,
    from_snapshot,
    put,
    resumed,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ALICE = Profile(name="alice", jid="alice@x", rev=1)
BOB = ("alice", "bob@x")


def message(rev, id="m1", direction=Direction.IN, **more):
    defaults = {
        "profile": "alice", "peer": "bob@x", "type": MessageType.CHAT, "from_": "bob@x",
        "to": "alice@x", "body": f"text {rev}", "ts": NOW + timedelta(seconds=rev),
        "state": MessageState.RECEIVED,
    }  # fmt: skip
    return Message(id=id, direction=direction, rev=rev, **(defaults | more))


def contact(rev, jid="bob@x", **more):
    return Contact(profile="alice", jid=jid, rev=rev, **more)


def transfer(rev, **more):
    return Transfer(
        id="t1", profile="alice", peer="bob@x", direction=Direction.OUT, name="f", size=9,
        ts=NOW, rev=rev, **more,
    )  # fmt: skip


def run(*told, state=None):
    state = State() if state is None else state
    for event in told:
        state = apply(state, event)
    return state


def test_a_message_makes_its_conversation_and_counts():
    state = run(
        events.MessageAdded(message(1)),
        events.MessageAdded(message(2, "m2")),
        events.MessageAdded(message(3, "m3", Direction.OUT)),
        events.MessageAdded(message(4, "m4", type=MessageType.HEADLINE)),
    )
    conversation = state.conversations[BOB]
    assert (conversation.unread, conversation.last.id, conversation.rev) == (2, "m4", 4)


def test_a_message_that_comes_late_counts_but_is_not_the_last():
    state = run(
        events.MessageAdded(message(1)),
        events.MessageAdded(message(2, "m0", ts=NOW - timedelta(days=1))),
    )
    assert (state.conversations[BOB].unread, state.conversations[BOB].last.id) == (2, "m1")


def test_reading_elsewhere_is_seen_and_an_event_told_twice_counts_once():
    added = events.MessageAdded(message(1))
    read = Conversation(profile="alice", peer="bob@x", read="m1", last=message(1), rev=2)
    state = run(added, added, events.ConversationChanged(read), added)
    assert state.conversations[BOB] == read


def test_what_is_told_again_of_a_message_hides_no_reading_after_it():
    # It was added as 1, read as 2, and changed as 3: whoever resumes is told of it as it is.
    state = apply(State(), events.MessageAdded(message(3)), 1)
    read = Conversation(profile="alice", peer="bob@x", read="m1", last=message(3), rev=2)
    state = apply(state, events.ConversationChanged(read), 2)
    assert state.conversations[BOB] == read


def test_who_has_resumed_is_told_anew_who_is_there():
    there = Presence(profile="alice", jid="bob@x/phone", show="away")
    state = apply(State(), events.PresenceChanged(there))
    assert state.presence and not resumed(state).presence


def test_the_last_message_of_a_conversation_follows_its_changes():
    state = run(
        events.MessageAdded(message(1, direction=Direction.OUT, state=MessageState.PENDING)),
        events.MessageChanged(message(2, direction=Direction.OUT, state=MessageState.SENT)),
        events.MessageChanged(message(3, "older")),
    )
    assert state.conversations[BOB].last.state is MessageState.SENT
    assert state.conversations[BOB].unread == 0


def test_a_removed_contact_stays_away_until_it_is_added_again():
    removed = events.RosterRemoved(Removed(profile="alice", name="bob@x", rev=3))
    state = run(
        events.RosterChanged(contact(1)),
        removed,
        events.RosterChanged(contact(2)),
    )
    assert not state.roster
    state = run(events.RosterChanged(contact(4)), removed, state=state)
    assert state.roster[BOB].rev == 4


def test_a_removed_profile_takes_all_that_it_had():
    gone = events.ProfileRemoved(Removed(profile="alice", name="alice", rev=9))
    state = run(events.ProfileChanged(ALICE))
    state = run(
        events.RosterChanged(contact(2)),
        events.MessageAdded(message(3)),
        events.TransferChanged(transfer(4)),
        events.PresenceChanged(Presence(profile="alice", jid="bob@x/1")),
        events.RosterChanged(Contact(profile="carol", jid="bob@x", rev=5)),
        gone,
        events.RosterChanged(contact(8)),
        events.MessageAdded(message(7, "m2")),
        state=state,
    )
    assert list(state.roster) == [("carol", "bob@x")]
    assert not any((state.profiles, state.conversations, state.transfers))
    assert not state.presence
    again = Profile(name="alice", jid="alice@y", rev=10)
    state = run(events.ProfileChanged(again), events.RosterChanged(contact(11)), gone, state=state)
    assert state.profiles == {"alice": again}
    assert BOB in state.roster


def test_presence_comes_and_goes():
    here = Presence(profile="alice", jid="bob@x/1", show="away")
    gone = msgspec.structs.replace(here, show="unavailable")
    state = run(events.PresenceChanged(here))
    assert state.presence == {("alice", "bob@x/1"): here}
    assert not run(events.PresenceChanged(gone), state=state).presence


def test_progress_goes_forward_alone():
    def progress(done):
        return events.TransferProgressed(Progress(id="t1", profile="alice", done=done, size=9))

    running = transfer(1, state=TransferState.RUNNING)
    state = run(progress(1), events.TransferChanged(running), progress(5), progress(3))
    assert state.transfers["t1"].done == 5
    state = run(events.TransferChanged(running), state=state)
    assert state.transfers["t1"].done == 5
    done = transfer(2, state=TransferState.DONE, done=9)
    assert run(events.TransferChanged(done), state=state).transfers["t1"] == done


def test_a_question_that_was_answered_elsewhere_closes():
    question = Question(id="q1", profile="alice", kind="file", sentence="?", ts=NOW, rev=1)
    state = run(
        events.QuestionAdded(question),
        events.QuestionClosed(Removed(profile="alice", name="q1", rev=2)),
        events.QuestionAdded(question),
    )
    assert not state.questions


def test_a_page_that_comes_late_does_no_harm():
    state = run(events.RosterChanged(contact(5, name="new")))
    state = put(state, contact(4, name="old"))
    assert state.roster[BOB].name == "new"
    assert put(state, contact(6, name="newest")).roster[BOB].name == "newest"


def test_a_snapshot_becomes_the_state():
    option = Option(name="ping.timeout", kind="number", value=1.5, default=10.0, rev=1)
    found = {
        "profiles": [ALICE],
        "roster": [contact(2)],
        "conversations": [Conversation(profile="alice", peer="bob@x", unread=2, rev=3)],
        "options": [option],
        "moons": [{"a scope": "of a newer daemon"}],
    }
    state = from_snapshot(msgspec.json.encode(found))
    assert state.profiles == {"alice": ALICE}
    assert state.roster == {BOB: contact(2)}
    assert state.conversations[BOB].unread == 2
    assert state.options == {"ping.timeout": option}
    with pytest.raises(ValueError, match="Expected `array`"):
        from_snapshot(b'{"profiles":1}')


def test_an_unknown_event_changes_nothing():
    class MoonChanged(events.Event, frozen=True):
        data: int

    state = run(events.ProfileChanged(ALICE))
    assert apply(state, MoonChanged(1)) is state


def pictured(hash: str = "", name: str = "avatar.changed", **more) -> UnknownEvent:
    return UnknownEvent(name, {"profile": "alice", "jid": "bob@x", "hash": hash, **more})


def test_which_pictures_people_have_is_known_as_long_as_it_is_told():
    state = run(pictured("a1", type="image/png"), pictured("a2"), pictured("c", jid="carol@x"))
    assert state.avatars == {BOB: "a2", ("alice", "carol@x"): "c"}
    _, changes = apply_all(state, [(pictured("a2"), None)])
    assert not changes
    _, changes = apply_all(state, [(pictured(), None)])
    assert changes.avatars == {BOB}
    assert run(pictured(), state=state).avatars == {("alice", "carol@x"): "c"}
    assert resumed(state).avatars == {}
    gone = events.ProfileRemoved(Removed(profile="alice", name="alice", rev=9))
    assert run(events.ProfileChanged(ALICE), gone, state=state).avatars == {}


@pytest.mark.parametrize(
    "event",
    [
        pictured(),
        pictured("a1", name="moon.changed"),
        pictured("a1", jid=7),
        UnknownEvent("avatar.changed", ["a1"]),
        UnknownEvent("avatar.changed", None),
    ],
)
def test_an_event_of_a_plugin_that_cannot_be_read_changes_nothing(event):
    state = run(events.ProfileChanged(ALICE))
    assert apply(state, event) is state


JIDS = st.sampled_from(["bob@x", "carol@x"])
IDS = st.sampled_from(["m1", "m2", "m3"])


def _told(kind, who, jid, id, rev):
    """Make an event of a kind, numbered as the daemon would."""
    gone = Removed(profile=who, name=jid, rev=rev)
    if kind == "profile removed":
        return events.ProfileRemoved(Removed(profile=who, name=who, rev=rev))
    if kind == "conversation":
        return events.ConversationChanged(
            Conversation(profile=who, peer=jid, draft=str(rev), rev=rev)
        )
    return {
        "profile": lambda: events.ProfileChanged(Profile(name=who, jid=jid, rev=rev)),
        "contact": lambda: events.RosterChanged(Contact(profile=who, jid=jid, rev=rev)),
        "contact removed": lambda: events.RosterRemoved(gone),
        "added": lambda: events.MessageAdded(message(rev, f"{id}-{rev}", profile=who, peer=jid)),
        "changed": lambda: events.MessageChanged(message(rev, id, profile=who, peer=jid)),
        "transfer": lambda: events.TransferChanged(
            msgspec.structs.replace(transfer(rev), profile=who, id=f"{who} {id}")
        ),
    }[kind]()


@st.composite
def histories(draw):
    kinds = st.sampled_from(
        ["profile", "profile removed", "contact", "contact removed", "added", "changed",
         "conversation", "transfer"]
    )  # fmt: skip
    people = st.sampled_from(["alice", "dora"])
    steps = draw(st.lists(st.tuples(kinds, people, JIDS, IDS), max_size=25))
    return [_told(*step, rev) for rev, step in enumerate(steps, 1)]


@given(histories(), st.data())
def test_stale_events_change_nothing_whenever_they_come(history, data):
    start = State()
    expected = run(*history, state=start)
    state = start
    for number, event in enumerate(history, 1):
        state = apply(state, event)
        stale = data.draw(st.lists(st.sampled_from(history[:number]), max_size=3))
        before = state
        state = run(*stale, state=state)
        assert state == before
    assert state == expected


@given(histories())
def test_a_state_is_never_changed_in_place(history):
    states = [State()]
    copies = [msgspec.json.encode(str(State()))]
    for event in history:
        states.append(apply(states[-1], event))
        copies.append(msgspec.json.encode(str(states[-1])))
    assert [msgspec.json.encode(str(one)) for one in states] == copies


def test_what_named_us_by_an_earlier_nick_still_does_and_what_comes_later_does_not():
    def said(rev, id):
        more = {"peer": "tea@r", "type": MessageType.GROUPCHAT, "body": "al: hello"}
        return message(rev, id=id, **more)

    def called(rev, nick):
        return events.RoomChanged(Room(profile="alice", jid="tea@r", nick=nick, rev=rev))

    first, second = said(2, "a"), said(4, "b")
    state = run(called(1, "al"), events.MessageAdded(first))
    assert is_mention(state, first)
    state = run(called(3, "queen"), events.MessageAdded(second), state=state)
    assert is_mention(state, first)
    # Somebody else may be called so by now.
    assert not is_mention(state, second)
    # Told once more, or late, it changes nothing.
    assert run(called(3, "queen"), called(1, "al"), state=state).nicks == state.nicks
