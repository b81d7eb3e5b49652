"""The whole of core against a real daemon: attached, killed, started again, and two at once."""

import os
import textwrap

import pytest

from sat.bridge.errors import CommandError
from sat.bridge.model import Profile
from sat.frontends.core.actions import Actions
from sat.frontends.core.attachment import Attachment
from sat.frontends.core.commands.line import CommandLine, Context
from sat.frontends.core.commands.running import learn
from sat.frontends.core.commands.running import run as run_command
from sat.frontends.core.mentions import Mentions
from sat.frontends.core.reach import Reach
from sat.frontends.core.views.chat import Chat
from sat.frontends.core.views.conversations import Conversations
from sat.frontends.core.views.search import Search
from tests.frontends.core.support import Attached, run, until
from tests.testbed import Daemon
from tests.testbed.daemon import ROOT

BOB = ("me", "bob@server.test")


@pytest.fixture
def daemon(monkeypatch):
    with Daemon() as running:
        for name in ("SAT_BRIDGE", "SAT_REMOTE", "SAT_NO_START"):
            monkeypatch.delenv(name, raising=False)
        for name, value in running.environment.items():
            if os.environ.get(name) != value:
                monkeypatch.setenv(name, value)
        yield running


async def create(held):
    await held.change(
        "profile.create", Profile, name="me", jid="me@server.test", password="x", autoconnect=False
    )


def test_what_is_written_in_one_is_seen_in_the_other(daemon):
    async def story():
        async with Attached() as one, Attached() as other:
            await create(one)
            actions = Actions(one, pause=0.01)
            first, second = Chat(one, *BOB), Chat(other, *BOB)
            assert await first.open() and await second.open()
            for number in range(30):
                await actions.send(*BOB, f"word{number} *x*")
            await until(lambda: len(first.rows) == len(second.rows) == 30)
            assert [row.message for row in first.rows] == [row.message for row in second.rows]
            actions.draft(*BOB, "begun")
            chats = Conversations(other.model, Mentions(other.model))
            await until(lambda: [row.draft for row in chats.rows] == ["begun"])
            assert chats.rows[0].line == "word29 *x*"

            middle = first.rows[9].message
            search = Search(other)
            assert await search.find("word9")
            assert [row.message.id for row in search.rows] == [middle.id]
            before, after = await search.context(search.rows[0], 2)
            assert [one.body[:6] for one in (*before, *after)] == [
                "word7 ", "word8 ", "word10", "word11",
            ]  # fmt: skip
            assert not await search.find("*")
            assert search.error and not search.rows

            small = Chat(other, *BOB, page=4, most=8)
            assert await small.go_to(middle.id)
            assert [row.message.body for row in small.rows] == [
                f"word{number} *x*" for number in range(6, 14)
            ]
            await small.later()
            assert small.rows[-1].message.body == "word17 *x*" and len(small.rows) == 8
            assert await small.go_to_day(middle.ts.astimezone().date()) == first.rows[0].key
            for _ in range(3):
                await small.earlier()
            assert small.at_start

    run(story())


def test_a_daemon_that_was_killed_is_found_again(daemon):
    async def story():
        async with Attached(delays=(0.05,)) as held:
            await create(held)
            actions = Actions(held)
            chat = Chat(held, *BOB)
            await chat.open()
            await actions.send(*BOB, "one")
            await until(lambda: len(chat.rows) == 1)
            daemon.kill()
            await until(lambda: not held.is_attached)
            with pytest.raises(CommandError):
                await held.call("profile.list", list[Profile])
            daemon.start()
            # What was asked for meanwhile is done once.
            await actions.send(*BOB, "two")
            await until(lambda: [row.message.body for row in chat.rows] == ["one", "two"])

    run(story())


def test_the_first_frontend_starts_the_daemon_and_a_stopped_one_stays_stopped(daemon):
    daemon.stop()

    async def story():
        held = Attachment(Reach("test 1"), delays=(0.05,))
        links = []
        held.observe_link(links.append)
        held.begin()
        await held.attached()
        assert daemon.pid
        daemon.stop()
        await until(lambda: sum(one.error == "daemon.missing" for one in links) > 3)
        assert daemon.pid is None
        held.try_now()
        await until(lambda: held.is_attached)
        assert daemon.pid
        await held.close()

    run(story())


def test_why_a_daemon_does_not_start_is_told_as_long_as_it_does_not(daemon, monkeypatch):
    monkeypatch.setenv("SAT_HOME", "/proc/nowhere")

    async def story():
        held = Attachment(Reach("test 1"), delays=(0.05,))
        links = []
        held.observe_link(links.append)
        held.begin()
        # The first try starts it; the others don't, and know why there is none.
        await until(lambda: sum(one.phase == "lost" for one in links) > 3)
        told = {one.sentence for one in links if one.phase == "lost"}
        assert len(told) == 1 and "/proc/nowhere can't be used" in told.pop()
        monkeypatch.setenv("SAT_HOME", str(daemon.home))
        held.try_now()
        await until(lambda: held.is_attached)
        daemon.stop()
        # What was wrong is mended: it is no reason any more.
        await until(lambda: held.link.error == "daemon.missing")
        assert "sat start" in held.link.sentence
        await held.close()

    run(story())


def test_no_daemon_is_started_where_that_is_not_wanted(daemon, monkeypatch):
    daemon.stop()
    monkeypatch.setenv("SAT_NO_START", "1")

    async def story():
        held = Attachment(Reach("test 1"), delays=(0.05,))
        held.begin()
        await until(lambda: held.link.error == "daemon.missing")
        assert "sat start" in held.link.sentence
        await held.close()

    run(story())
    assert daemon.pid is None


def test_commands_are_those_that_the_daemon_describes(daemon):
    async def story():
        commands = CommandLine()
        async with Attached() as held:
            await create(held)
            actions = Actions(held)
            await learn(commands, held)

            async def say(line):
                call = commands.read(line, Context("me", BOB[1]))
                return await run_command(call, held, actions)

            assert await say("/msg eve@server.test hello you") == ""
            assert "hello you" in await say("/message list eve@server.test")
            assert "ping.timeout" in await say("/option list")
            with pytest.raises(CommandError, match="not connected"):
                await say("/ping")

    run(story())


def test_the_example_in_the_documentation(daemon, capsys):
    daemon.jp(
        *("profile", "create", "me", "--jid", "me@server.test", "--password-stdin"),
        "--no-autoconnect",
        input="x",
    )
    page = (ROOT / "doc/contributing/frontends.rst").read_text()
    block = page.partition(".. code-block:: python\n")[2].partition("\n===")[0]
    names = {}
    exec(compile(textwrap.dedent(block), "frontends.rst", "exec"), names)
    run(names["main"]())
    assert "phase='attached'" in capsys.readouterr().out.replace('"', "'")
    (told,) = daemon.json("message", "list", "bob@example.org")
    assert told["body"] == "hello"
