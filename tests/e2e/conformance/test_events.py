"""The log of events: what a program is told, and that it is told all of it, once."""

import pytest

from sat.bridge.errors import CommandError

BOB = "bob@server.test"


def numbered(events: list[dict]) -> list[dict]:
    return [event for event in events if "seq" in event]


def is_whole(events: list[dict], start: int) -> None:
    """Each event's `prev` is the number of the one before: none is missing, none came twice."""
    at = start
    for event in numbered(events):
        assert event["prev"] == at and event["seq"] > at, event
        at = event["seq"]


def send(session, profile: str, body: str = "x", to: str = BOB) -> dict:
    return session.call("message.send", profile=profile, to=to, body=body)


def test_nobody_is_told_who_has_not_attached(connect, me):
    silent, other = connect(), connect()
    send(other, me)
    silent.call("profile.list")
    assert silent.events == []


def test_a_snapshot_and_what_comes_after_it(connect, me):
    one = connect()
    before = send(one, me, "before")
    attached = one.call("state.attach", mode="state", profiles=[me])
    assert attached["mode"] == "snapshot" and attached["epoch"] == one.hello["epoch"]
    state = attached["state"]
    assert {"profiles", "conversations", "roster", "rooms", "options"} <= set(state)
    assert [each["name"] for each in state["profiles"]] == [me]
    (conversation,) = state["conversations"]
    assert conversation["last"] == before
    after = send(one, me, "after")
    (added,) = [event for event in one.events if event["type"] == "message.added"]
    assert added["data"] == after and added["seq"] == after["rev"] > attached["seq"]
    is_whole(one.events, attached["seq"])


def test_the_author_is_told_before_the_answer_and_by_name(connect, me):
    author, other = connect(), connect()
    for one in (author, other):
        one.call("state.attach", profiles=[me], types=["message.added"])
    sent = author.call("message.send", profile=me, to=BOB, body="x", txn="of-mine")
    assert [event["data"]["id"] for event in author.events] == [sent["id"]]
    assert author.events[0]["origin"] == {"session": author.hello["session"], "txn": "of-mine"}
    seen = other.wait_for(lambda events: events and events[0])
    assert {**seen, "prev": 0} == {**author.events[0], "prev": 0}


def test_who_was_away_is_told_all_that_it_missed(connect, me):
    first, other = connect(), connect()
    attached = first.call("state.attach", profiles=[me])
    send(first, me, "seen")
    at = numbered(first.events)[-1]["seq"]
    first.close()
    ids = [send(other, me, f"missed {number}")["id"] for number in range(20)]
    again = connect()
    resume = {"epoch": attached["epoch"], "seq": at}
    resumed = again.call("state.attach", profiles=[me], resume=resume)
    assert (resumed["mode"], resumed["seq"], resumed.get("state")) == ("resumed", at, None)
    again.wait_for(lambda events: len(numbered(events)) >= 20)
    assert [event["data"]["id"] for event in again.events] == ids
    is_whole(again.events, at)


def test_a_restart_of_the_daemon_makes_no_hole(connect, me, ways):
    first = connect()
    attached = first.call("state.attach", profiles=[me], types=["message.added"])
    sent = send(first, me)
    resume = {"epoch": attached["epoch"], "seq": attached["seq"]}
    first.close()
    ways.restarted()
    again = connect()
    assert again.hello["epoch"] == attached["epoch"]
    told = again.call("state.attach", profiles=[me], types=["message.added"], resume=resume)
    assert told["mode"] == "resumed"
    (event,) = again.wait_for(lambda events: numbered(events))
    assert event["data"] == sent and event["prev"] == attached["seq"]


@pytest.mark.parametrize("how", ["another epoch", "beyond the head", "below nothing"])
def test_who_resumes_where_nothing_is_known_gets_a_snapshot_and_never_silence(connect, me, how):
    session = connect()
    epoch, head = session.hello["epoch"], session.call("daemon.status")["head"]
    resume = {
        "another epoch": {"epoch": "0" * 36, "seq": 1},
        "beyond the head": {"epoch": epoch, "seq": head + 1},
        "below nothing": {"epoch": epoch, "seq": -5},
    }[how]
    assert session.call("state.attach", resume=resume)["mode"] == "snapshot"
    with pytest.raises(CommandError) as caught:
        session.call("state.attach", mode="events", resume=resume)
    assert caught.value.name == "log.trimmed" and "oldest" in caught.value.data


def test_events_alone_begin_with_the_next_one(connect, me):
    session = connect()
    send(session, me, "before")
    attached = session.call("state.attach", mode="events", profiles=[me])
    assert attached.get("state") is None
    sent = send(session, me, "after")
    assert [event["data"] for event in numbered(session.events)] == [sent]


def test_a_named_cursor_stands_where_it_was_acknowledged(connect, me, ways):
    name = f"of-{me}"
    how = {"mode": "events", "cursor": name, "profiles": [me], "types": ["message.added"]}
    first = connect()
    first.call("state.attach", **how)
    sent = [send(first, me, f"{number}") for number in range(3)]
    first.call("state.ack", cursor=name, seq=sent[0]["rev"])
    first.close()
    second = connect()
    second.call("state.attach", **how)
    second.wait_for(lambda events: len(events) >= 2)
    assert [event["data"]["id"] for event in second.events] == [one["id"] for one in sent[1:]]
    second.call("state.ack", cursor=name, seq=sent[1]["rev"])
    second.close()
    ways.restarted()
    third = connect()
    third.call("state.attach", **how)
    third.wait_for(lambda events: events)
    third.call("profile.list")
    assert [event["data"]["id"] for event in third.events] == [sent[2]["id"]]


def test_a_filter_leaves_gaps_that_prev_tells_of(connect, me, ways):
    by_type, by_scope, by_profile, all_of_it = (connect() for _ in range(4))
    starts = [
        by_type.call("state.attach", types=["conversation.changed"], profiles=[me])["seq"],
        by_scope.call("state.attach", scopes=["messages"], profiles=[me])["seq"],
        by_profile.call("state.attach", profiles=["another"])["seq"],
        all_of_it.call("state.attach", profiles=[me])["seq"],
    ]
    for number in range(3):
        send(by_type, me, f"{number}")
        by_type.call("conversation.draft", profile=me, peer=BOB, text=f"draft {number}")
    for session, start in zip((by_type, by_scope, by_profile, all_of_it), starts, strict=True):
        wanted = {by_profile: 0, all_of_it: 6}.get(session, 3)
        session.wait_for(lambda events, wanted=wanted: len(numbered(events)) >= wanted)
        session.call("profile.list")
        assert len(numbered(session.events)) == wanted
        is_whole(session.events, start)
    assert {event["type"] for event in by_type.events} == {"conversation.changed"}
    assert {event["type"] for event in by_scope.events} == {"message.added"}
    gaps = [event["seq"] - event["prev"] for event in numbered(by_type.events)]
    assert max(gaps) > 1


def test_a_draft_and_what_was_read_are_the_same_for_all(connect, me):
    one, other = connect(), connect()
    for session in (one, other):
        session.call("state.attach", profiles=[me])
    send(one, me)
    one.call("conversation.draft", profile=me, peer=BOB, text="I was about to")
    one.call("conversation.read", profile=me, peer=BOB)
    last = numbered(one.events)[-1]
    other.wait_for(lambda events: events and events[-1].get("seq", 0) >= last["seq"])
    assert [event["data"] for event in numbered(one.events)] == [
        event["data"] for event in numbered(other.events)
    ]
    fresh = connect().call("state.attach", profiles=[me])["state"]["conversations"]
    assert [conversation["draft"] for conversation in fresh] == ["I was about to"]


def test_to_attach_again_takes_the_place_of_the_first(connect, me):
    session = connect()
    session.call("state.attach", profiles=[me])
    session.call("state.attach", profiles=[me])
    send(session, me)
    assert len([event for event in session.events if event["type"] == "message.added"]) == 1


def test_messages_of_one_conversation_are_in_the_order_of_the_calls(connect, me):
    session = connect()
    session.call("state.attach", profiles=[me], types=["message.added"])
    calls = [
        session.start("message.send", profile=me, to=BOB, body=f"{number}") for number in range(100)
    ]
    for call in calls:
        call()
    assert [event["data"]["body"] for event in session.events] == [f"{n}" for n in range(100)]


def test_a_program_that_does_not_read_holds_nobody_up_and_misses_nothing(connect, me):
    stuck, other = connect(), connect()
    start = stuck.call("state.attach", profiles=[me], types=["message.added"])["seq"]
    body = "x" * 100_000
    # Far more than all buffers on the way take.
    ids = [send(other, me, body)["id"] for _ in range(100)]
    stuck.wait_for(lambda events: len(events) >= len(ids))
    assert [event["data"]["id"] for event in stuck.events] == ids
    is_whole(stuck.events, start)


def test_one_that_is_killed_is_missed_by_nobody(connect, me):
    killed = [connect() for _ in range(3)]
    for session in killed:
        session.call("state.attach")
    killed[0].start("message.send", profile=me, to=BOB, body="of one who is gone")
    killed[0].wait_for(lambda events: any(e["type"] == "message.added" for e in events))
    for session in killed:
        session.close()
    other = connect()
    assert [one["body"] for one in other.call("message.list", profile=me, peer=BOB)] == [
        "of one who is gone"
    ]
