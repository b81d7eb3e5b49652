"""One conversation: a window that moves over its history, and stays bounded."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sat.bridge.model import Direction, MessageState, MessageType, Room
from sat.frontends.core.views.chat import Chat
from tests.bridge.lineserver import Refusal
from tests.frontends.core.support import BOB, NOW, TS, Attached, Watch, message, run, until
from tests.frontends.core.views.history import History, keys


def test_pages_come_as_it_is_scrolled_back_and_forward(server):
    History(server, 95)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10, most=30)
            watch = Watch(chat.rows)
            assert await chat.open()
            assert keys(chat) == [*range(86, 96)]
            assert chat.at_end and not chat.at_start
            await chat.earlier()
            assert keys(chat) == [*range(76, 96)]
            for _ in range(3):
                await chat.earlier()
            assert keys(chat) == [*range(46, 76)] and not chat.at_end
            watch.check()
            await chat.later()
            assert keys(chat) == [*range(56, 86)]
            await chat.later()
            assert keys(chat) == [*range(66, 96)] and not chat.at_end
            await chat.later()
            assert chat.at_end
            for _ in range(12):
                await chat.earlier()
            assert chat.at_start and keys(chat) == [*range(1, 31)]
            calls = len(server.called("message.list"))
            await chat.earlier()
            assert len(server.called("message.list")) == calls
            watch.check()

    run(story())


def test_a_long_history_takes_bounded_memory(server):
    history = History(server, 0)

    def page(session, params):
        end = int(params["before"], 16) if "before" in params else 100_001
        found = [message(n) for n in range(max(1, end - params["limit"]), end)]
        return [msgspec.to_builtins(one) for one in found]

    server.answers["message.list"] = page
    assert history.messages == []

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=1000, most=2000)
            await chat.open()
            while not chat.at_start:
                await chat.earlier()
                assert len(chat.rows) <= 2000
            assert keys(chat) == [*range(1, 2001)]

    run(story())


def test_what_is_said_now_is_added_at_the_end_alone(server):
    history = History(server, 40)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10, most=20)
            watch = Watch(chat.rows)
            await chat.open()
            history.tell(message(41))
            history.tell(message(42, peer="carol@x"))
            history.tell(message(43, direction=Direction.OUT))
            await until(lambda: chat.rows.get("2b"))
            assert keys(chat) == [*range(31, 42), 43]
            assert chat.rows[-1].ours
            told = chat.rows[-1].message
            history.tell(
                msgspec.structs.replace(told, state=MessageState.ACKNOWLEDGED), "message.changed"
            )
            await until(lambda: watch.told[-1] == ("changed", "2b"))
            assert chat.rows[-1].message.state is MessageState.ACKNOWLEDGED
            await chat.earlier()
            await chat.earlier()
            assert not chat.at_end
            before = keys(chat)
            history.tell(message(44))
            history.tell(message(int(chat.rows[0].key, 16), body="mended"), "message.changed")
            await until(lambda: chat.rows[0].message.body == "mended")
            assert keys(chat) == before
            await chat.go_to_end()
            assert keys(chat)[-1] == 44
            watch.check()

    run(story())


@pytest.mark.parametrize("looked_at", ["first", "last"])
def test_a_flood_keeps_what_is_looked_at(server, looked_at):
    history = History(server, 20)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10, most=20)
            await chat.open()
            await chat.earlier()
            chat.look(chat.rows[0 if looked_at == "first" else -1].key)
            seen = chat.rows[0 if looked_at == "first" else -1].key
            for number in range(21, 36):
                history.tell(message(number))
            await until(lambda: ("alice", "bob@x") in held.state.conversations)
            await until(lambda: int(held.state.conversations[BOB].last.id, 16) == 35)
            assert len(chat.rows) == 20
            assert chat.rows.get(seen) is not None
            assert chat.at_end is (looked_at == "last")

    run(story())


def test_a_jump_and_the_way_on_from_there(server):
    History(server, 95)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10, most=30)
            assert await chat.go_to("14")
            assert keys(chat) == [*range(11, 31)]
            assert not chat.at_end
            await chat.later()
            assert keys(chat) == [*range(11, 41)]
            assert await chat.go_to("15")
            assert len(server.called("message.list")) == 3
            assert not await chat.go_to("fff")

    run(story())


def test_a_jump_to_a_day(server):
    history = History(server, 0)
    history.messages = [
        message(n, ts=datetime(2026, 11, 1, 12, tzinfo=UTC) + timedelta(days=n))
        for n in range(1, 20)
    ]

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=5)
            assert await chat.go_to_day((NOW - timedelta(days=10)).date()) == "a"
            assert keys(chat) == [*range(5, 15)]
            assert await chat.go_to_day((NOW + timedelta(days=100)).date()) == "13"
            assert chat.at_end

    run(story())


def test_days_and_who_goes_on_speaking_are_marked(server):
    history = History(server, 0)
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    history.messages = [
        message(1, ts=noon),
        message(2, ts=noon + timedelta(minutes=1)),
        message(3, ts=noon + timedelta(minutes=2), direction=Direction.OUT),
        message(4, ts=noon + timedelta(minutes=30), direction=Direction.OUT),
        message(6, ts=noon + timedelta(days=2)),
    ]

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB)
            watch = Watch(chat.rows)
            await chat.open()
            day = noon.astimezone().date()
            assert [row.day for row in chat.rows] == [
                day, None, None, None, day + timedelta(days=2),
            ]  # fmt: skip
            assert [row.continued for row in chat.rows] == [False, True, False, False, False]
            # What an archive brings late moves the mark of its day.
            history.tell(message(5, ts=noon + timedelta(days=2, minutes=-1)))
            await until(lambda: chat.rows.get("5"))
            assert chat.rows.get("5").day == day + timedelta(days=2)
            assert chat.rows.get("6").day is None and chat.rows.get("6").continued
            watch.check()

    run(story())


def test_what_was_missed_is_fetched_again(server):
    history = History(server, 30)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10)
            await chat.open()
            history.messages.append(message(31))
            history.messages[25] = message(26, rev=1031, body="mended")
            history.seq = 2000
            server.end(server.sessions[-1])
            await until(lambda: chat.rows.get("1f"))
            assert chat.rows.get("1a").message.body == "mended"
            assert keys(chat) == [*range(22, 32)]

    run(story())


def test_what_is_told_while_a_page_is_on_its_way_is_not_lost(server):
    history = History(server, 30)

    def page(session, params):
        found = history.page(session, params)
        if "before" not in params:
            history.tell(message(30, body="mended"), "message.changed")
            history.tell(message(31))
        return found

    server.answers["message.list"] = page

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10)
            await chat.open()
            await until(lambda: chat.rows.get("1f"))
            assert chat.rows.get("1e").message.body == "mended"

    run(story())


def test_what_is_older_than_what_is_known_changes_nothing(server):
    history = History(server, 5)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB)
            await chat.open()
            history.tell(message(5, body="mended"), "message.changed")
            await until(lambda: chat.rows.get("5").message.body == "mended")
            stale = message(5, body="stale")
            server.sessions[-1].event(
                profile="alice", ts=TS, type="message.changed", data=msgspec.to_builtins(stale)
            )
            history.tell(message(6))
            await until(lambda: chat.rows.get("6"))
            assert chat.rows.get("5").message.body == "mended"

    run(story())


def test_a_page_that_can_not_be_fetched_is_told_of(server):
    def refuse(session, params):
        raise Refusal("failed.storage", "The disk is gone.")

    server.answers["message.list"] = refuse

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB)
            told = []
            chat.observe_status(lambda: told.append((chat.loading, chat.error)))
            assert not await chat.open()
            assert told == [(True, ""), (False, "The disk is gone.")]
            assert await asyncio.gather(chat.earlier(), chat.later()) == [True, True]

    run(story())


def test_a_deleted_profile_takes_its_conversation_with_it(server):
    history = History(server, 5)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB)
            await chat.open()
            server.sessions[-1].event(
                prev=history.seq, seq=history.seq + 1, profile="alice", ts=TS,
                type="profile.removed",
                data={"profile": "alice", "name": "alice", "rev": history.seq + 1},
            )  # fmt: skip
            await until(lambda: not chat.rows)
            assert not held.state.profiles and not held.state.conversations
            # Nor is anything of it asked for again.
            assert len(server.called("message.list")) == 1
            chat.close()

    run(story())


def test_in_a_room_names_are_nicks_and_ours_is_noticed(server):
    room = Room(profile="alice", jid="tea@r", nick="al", state="joined", rev=1)
    history = History(server, 0, rooms=[room])
    more = {"peer": "tea@r", "from_": "tea@r/eve", "type": MessageType.GROUPCHAT}
    history.messages = [message(1, **more, body="hi"), message(2, **more, body="Al: hi")]

    async def story():
        async with Attached() as held:
            chat = Chat(held, "alice", "tea@r")
            await chat.open()
            assert [row.author for row in chat.rows] == ["eve", "eve"]
            assert [row.mention for row in chat.rows] == [False, True]

    run(story())
