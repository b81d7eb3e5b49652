"""Who gets told: news that wait for us, once, and not what is seen, read or old."""

from datetime import timedelta

import pytest

from sat.bridge import events
from sat.bridge.model import (
    Conversation,
    Direction,
    MessageState,
    MessageType,
    Question,
    Removed,
    Room,
    Transfer,
    TransferState,
)
from sat.frontends.core.model import Model
from sat.frontends.core.notices import Notices
from tests.frontends.core.support import BOB, NOW, message

ROOM = {"peer": "tea@r", "from_": "tea@r/eve", "type": MessageType.GROUPCHAT}
LATER = NOW + timedelta(minutes=20)


class Told:
    def __init__(self, **how):
        self.model = Model()
        self.model.put([Room(profile="alice", jid="tea@r", nick="al", state="joined", rev=1)])
        self.notices = []
        self.policy = Notices(self.model, self.notices.append, now=lambda: LATER, **how)

    def tell(self, *told):
        self.notices.clear()
        self.model.take([(one, None) for one in told])
        return [(one.kind, one.title, one.text) for one in self.notices]


def added(number, **more):
    return events.MessageAdded(message(number, **more))


def test_a_message_to_us_alone_is_told_of():
    told = Told()
    assert told.tell(added(20, body="hi\n\x1b[2Jthere")) == [("message", "bob", "hi there")]
    assert told.notices[0].key == BOB and told.notices[0].urgent
    assert told.tell(added(20)) == []


def test_in_a_room_our_name_is_told_of_and_nothing_else():
    told = Told()
    assert told.tell(added(20, **ROOM, body="hello")) == []
    assert told.tell(added(21, **ROOM, body="al: hello")) == [
        ("mention", "eve in tea", "al: hello")
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"direction": Direction.OUT},
        {"type": MessageType.HEADLINE},
        {"state": MessageState.DISPLAYED},
    ],
)
def test_what_is_no_news(more):
    assert Told().tell(added(20, **more)) == []


def test_what_is_in_view_or_muted_is_quiet():
    assert Told(in_view=lambda key: key == BOB).tell(added(20)) == []
    told = Told(muted=[BOB])
    assert told.tell(added(20)) == []
    told.policy.muted.clear()
    assert len(told.tell(added(21))) == 1


def test_what_was_read_elsewhere_is_quiet():
    told = Told()
    read = Conversation(profile="alice", peer="bob@x", read="15", rev=90)
    assert told.tell(events.ConversationChanged(read), added(20, rev=91)) == []
    assert len(told.tell(added(22, rev=92))) == 1


def test_old_messages_are_one_notice():
    told = Told()
    old = [added(number, peer=f"p{number % 4}@x") for number in range(1, 14)]
    late = [added(number, delayed=True, peer=f"p{number % 4}@x") for number in range(20, 44)]
    assert told.tell(*old, *late) == [("burst", "37 new messages", "from 4 people")]
    assert not told.notices[0].urgent
    assert (told.notices[0].count, told.notices[0].people) == (37, 4)
    assert told.tell(added(44, delayed=True)) == [("burst", "1 new message", "from 1 person")]
    assert told.notices[0].key == BOB


def test_a_burst_of_news_is_one_notice_too():
    told = Told()
    assert len(told.tell(*(added(number) for number in range(20, 23)))) == 3
    found = told.tell(*(added(number, peer=f"{number}@x") for number in range(23, 30)))
    assert found == [("burst", "7 new messages", "from 7 people")]
    assert told.notices[0].urgent


def test_a_question_is_told_of_once():
    told = Told()
    question = Question(id="q", profile="alice", kind="x", sentence="Trust\nit?", ts=NOW, rev=5)
    asked = events.QuestionAdded(question)
    assert told.tell(asked) == [("question", "alice", "Trust it?")]
    assert told.tell(asked) == []
    closed = events.QuestionClosed(Removed(profile="alice", name="q", rev=6))
    assert told.tell(closed) == []


def test_what_failed_is_told_of_once_unless_it_is_seen():
    def failed(rev):
        return events.MessageChanged(
            message(20, rev=rev, direction=Direction.OUT, state=MessageState.FAILED, error="gone")
        )

    told = Told()
    assert told.tell(failed(30)) == [("failure", "Not delivered to bob", "gone")]
    assert told.tell(failed(31)) == []
    assert Told(in_view=lambda _: True).tell(failed(30)) == []


def test_what_was_there_before_is_no_news():
    told = Told()
    told.model.load(
        b'{"questions":[{"id":"q","profile":"alice","kind":"x","sentence":"?",'
        b'"ts":"2026-01-01T00:00:00Z","rev":1}],'
        b'"conversations":[{"profile":"alice","peer":"bob@x","unread":5,"rev":1}]}'
    )
    assert told.notices == []
    told.policy.close()
    assert told.tell(added(20)) == []


def test_a_storm_is_one_notice_in_a_while():
    timers = []
    told = Told(later=lambda seconds, function: timers.append(function))
    assert [one[0] for one in told.tell(added(20, peer="p20@x"))] == ["message"]
    for number in range(21, 60):
        assert told.tell(added(number, peer=f"p{number % 4}@x")) == []
    assert len(timers) == 1
    told.notices.clear()
    timers.pop()()
    assert [(one.count, one.people) for one in told.notices] == [(39, 4)]
    # What is read meanwhile is not told of.
    told.tell(added(60, peer="p1@x"), added(61, peer="p2@x"))
    for peer in ("p1@x", "p2@x"):
        read = Conversation(profile="alice", peer=peer, read="50", rev=99)
        assert told.tell(events.ConversationChanged(read)) == []
    timers.pop()()
    assert told.notices == [] and not timers
    assert [one[0] for one in told.tell(added(101, rev=101))] == ["message"]


def test_what_an_archive_brings_in_pieces_is_one_notice():
    timers = []
    told = Told(later=lambda seconds, function: timers.append(function))
    for number in range(20, 40):
        assert told.tell(added(number, delayed=True)) == []
    timers.pop()()
    assert [one.count for one in told.notices] == [20]
    told.policy.close()
    for function in timers:
        function()
    assert len(told.notices) == 1


def sent(id, state, rev=30):
    return events.TransferChanged(
        Transfer(
            id=id, profile="alice", peer="bob@x", direction=Direction.OUT, name="a.txt", size=6,
            state=state, sentence="it could not be sent:\nthe disk is full", ts=NOW, rev=rev,
        )
    )  # fmt: skip


def test_a_file_that_fails_is_told_of_once():
    told = Told()
    assert told.tell(sent("1", TransferState.RUNNING)) == []
    assert told.tell(sent("1", TransferState.FAILED, 31)) == [
        ("failure", "bob", "it could not be sent: the disk is full")
    ]
    assert not told.notices[0].urgent
    assert told.tell(sent("1", TransferState.FAILED, 32)) == []


def test_a_file_that_arrives_or_was_ended_is_not_told_of():
    told = Told()
    assert told.tell(sent("1", TransferState.DONE), sent("2", TransferState.CANCELLED)) == []
