"""Batches of events: as one by one, with each part copied once, and told what has changed."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sat.bridge import events
from sat.bridge.model import Contact, Conversation, Occupant, Presence, Removed
from sat.frontends.core.model import Model
from sat.frontends.core.state import State, apply, apply_all, put_all
from tests.frontends.core.support import BOB, message
from tests.frontends.core.test_state import histories

PARTS = (
    "profiles", "conversations", "roster", "presence", "rooms", "transfers", "questions",
    "options", "plugins",
)  # fmt: skip


@st.composite
def volatile(draw):
    """Presences and occupants, who come and go."""
    told = []
    for _ in range(draw(st.integers(0, 25))):
        who = draw(st.sampled_from(["alice", "dora"]))
        jid = draw(st.sampled_from(["bob@x/1", "bob@x/2", "carol@x/1"]))
        if draw(st.booleans()):
            show = draw(st.sampled_from(["away", "available", "unavailable"]))
            told.append(events.PresenceChanged(Presence(profile=who, jid=jid, show=show)))
        else:
            role = draw(st.sampled_from(["none", "visitor", "moderator"]))
            nick = draw(st.sampled_from(["n1", "n2"]))
            told.append(
                events.OccupantChanged(Occupant(profile=who, room=jid, nick=nick, role=role))
            )
    return told


@given(histories(), volatile(), st.data())
def test_a_batch_is_as_one_by_one_and_tells_all_that_changed(numbered, volatile, data):
    told = data.draw(st.permutations([*numbered, *volatile]))
    cut = data.draw(st.integers(0, len(told)))
    start = State()
    for event in told[:cut]:
        start = apply(start, event)
    expected = start
    for event in told[cut:]:
        expected = apply(expected, event)
    found, changes = apply_all(start, [(one, None) for one in told[cut:]])
    assert found == expected
    for part in PARTS:
        before, after = getattr(start, part), getattr(found, part)
        differ = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        assert differ <= getattr(changes, part), part
    for key in start.occupants.keys() | found.occupants.keys():
        before, after = start.occupants.get(key, {}), found.occupants.get(key, {})
        differ = {
            (*key, nick)
            for nick in before.keys() | after.keys()
            if before.get(nick) != after.get(nick)
        }
        assert differ <= changes.occupants
    if not changes:
        assert msgspec.structs.replace(found, gone=start.gone) == start


def presence(number, show="away"):
    return events.PresenceChanged(Presence(profile="alice", jid=f"c{number}@x/1", show=show))


def test_a_storm_copies_each_part_once():
    copied = []

    class Counting(dict):
        def __iter__(self):
            # dict() asks a mapping for its keys where this is not dict's own.
            return super().__iter__()

        def keys(self):
            copied.append(1)
            return super().keys()

    contacts = {("alice", f"c{n}@x"): Contact(profile="alice", jid=f"c{n}@x") for n in range(1000)}
    there = Counting({("alice", f"c{n}@x/1"): presence(n).data for n in range(1000)})
    state = State(roster=contacts, presence=there)
    found, changes = apply_all(state, [(presence(n, "xa"), None) for n in range(1000)])
    assert len(copied) == 1
    assert found.roster is contacts
    assert len(changes.presence) == 1000
    assert {one.show for one in state.presence.values()} == {"away"}
    assert {one.show for one in found.presence.values()} == {"xa"}


def test_a_room_is_copied_once_a_batch_too():
    def enter(nick, role="visitor"):
        return (
            events.OccupantChanged(Occupant(profile="a", room="r@x", nick=nick, role=role)),
            None,
        )

    first, _ = apply_all(State(), [enter("n1"), enter("n2")])
    second, changes = apply_all(first, [enter("n1", "none"), enter("n3")])
    assert set(first.occupants["a", "r@x"]) == {"n1", "n2"}
    assert set(second.occupants["a", "r@x"]) == {"n2", "n3"}
    assert changes.occupants == {("a", "r@x", "n1"), ("a", "r@x", "n3")}
    left, _ = apply_all(second, [enter("n2", "none"), enter("n3", "none"), enter("n4")])
    assert set(left.occupants["a", "r@x"]) == {"n4"}


def test_a_profile_that_goes_takes_its_rooms_and_may_come_again():
    def enter(profile, nick):
        return events.OccupantChanged(
            Occupant(profile=profile, room="r@x", nick=nick, role="visitor")
        )

    gone = events.ProfileRemoved(Removed(profile="a", name="a", rev=5))
    told = [enter("a", "n1"), enter("b", "n1"), gone, enter("a", "n2")]
    state, changes = apply_all(State(), [(one, None) for one in told])
    assert set(state.occupants["a", "r@x"]) == {"n2"}
    assert ("b", "r@x") in state.occupants
    assert ("a", "r@x", "n1") in changes.occupants


def test_messages_are_told_as_new_once():
    added = events.MessageAdded(message(5))
    changed = events.MessageChanged(message(5, rev=6, body="mended"))
    state, changes = apply_all(State(), [(added, 5), (added, 5), (changed, 6)])
    assert [one.id for one in changes.added] == ["5"]
    assert [one.rev for one in changes.changed] == [5, 6]
    assert state.conversations[BOB].last.body == "mended"


def test_what_was_counted_here_gives_way_to_what_is_fetched():
    # Of an old conversation nothing is known but what came just now.
    state = apply(State(), events.MessageAdded(message(9)), 9)
    assert state.conversations[BOB].unread == 1
    fetched = Conversation(profile="alice", peer="bob@x", unread=4, read="2", rev=9)
    state, changes = put_all(state, [fetched])
    known = state.conversations[BOB]
    assert (known.unread, known.read, known.last.id) == (4, "2", "9")
    assert changes.conversations == {BOB}
    older = msgspec.structs.replace(fetched, unread=7, rev=8)
    assert put_all(state, [older])[0] is state


def test_a_fetched_message_is_no_news():
    _, changes = put_all(State(), [message(3)])
    assert [one.id for one in changes.changed] == ["3"] and not changes.added


def test_a_model_tells_once_a_batch_and_not_of_nothing():
    model = Model()
    told = []
    end = model.observe(told.append)
    model.take([(presence(1), None), (presence(2), None)])
    model.take([])
    assert len(told) == 1 and len(told[0].presence) == 2
    model.resume()
    assert not model.state.presence and len(told[-1].presence) == 2
    end()
    model.load(b"{}")
    assert len(told) == 2
