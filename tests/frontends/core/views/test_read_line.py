"""The line above what is new in a conversation: where it stands, and how it is gone to."""

from sat.bridge.model import Conversation, Direction
from sat.frontends.core.views.chat import Chat
from tests.frontends.core.support import BOB, TS, Attached, message, run, until
from tests.frontends.core.views.history import History, keys


def test_the_read_line_stays_where_it_was_when_it_was_opened(server):
    conversation = Conversation(profile="alice", peer="bob@x", unread=12, read="1c", rev=900)
    history = History(server, 40, conversations=[conversation])
    history.messages[28] = message(29, direction=Direction.OUT)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10)
            await chat.open()
            assert not any(row.unread for row in chat.rows)
            await chat.earlier()
            # 29 is our own: nobody has to read that.
            assert [row.key for row in chat.rows if row.unread] == ["1e"]
            history.tell(message(41))
            await until(lambda: chat.rows.get("29"))
            assert [row.key for row in chat.rows if row.unread] == ["1e"]
            server.sessions[-1].event(
                prev=history.seq, seq=history.seq + 1, profile="alice", ts=TS,
                type="conversation.changed",
                data={"profile": "alice", "peer": "bob@x", "read": "29", "rev": history.seq + 1},
            )  # fmt: skip
            await until(lambda: held.state.conversations[BOB].unread == 0)
            assert [row.key for row in chat.rows if row.unread] == ["1e"]
            chat.draw_read_line()
            assert not any(row.unread for row in chat.rows)

    run(story())


def test_the_read_line_is_gone_to_however_far_back_it_is(server):
    conversation = Conversation(profile="alice", peer="bob@x", unread=300, read="5", rev=900)
    history = History(server, 300, conversations=[conversation])
    history.messages[5] = message(6, direction=Direction.OUT)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10)
            await chat.open()
            # 6 is our own.
            assert await chat.go_to_unread() == "7"
            assert keys(chat) == [*range(1, 16)] and not chat.at_end
            assert [row.key for row in chat.rows if row.unread] == ["7"]
            await chat.go_to_end()
            assert chat.rows.get("7") is None
            assert await chat.go_to_unread() == "7" and chat.rows.get("7").unread

    run(story())


def test_where_nothing_is_new_no_line_is_gone_to(server):
    History(server, 30)

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10)
            await chat.open()
            assert await chat.go_to_unread() is None
            assert chat.at_end

    run(story())


def test_all_of_what_was_never_read_is_new_from_its_first_message_on(server):
    conversation = Conversation(profile="alice", peer="bob@x", unread=30, rev=900)
    History(server, 30, conversations=[conversation])

    async def story():
        async with Attached() as held:
            chat = Chat(held, *BOB, page=10)
            await chat.open()
            assert await chat.go_to_unread() == "1"

    run(story())
