"""Calls through an attachment: what only asks is asked once, a change again under its name."""

import asyncio
import os

import pytest

from sat.bridge.errors import CommandError
from sat.bridge.model import Contact
from tests.bridge.lineserver import NOTHING, Refusal
from tests.frontends.core.support import Attached, run, until


def test_a_call_that_nobody_answers_ends_with_a_sentence(server):
    server.answers["roster.list"] = lambda session, params: NOTHING

    async def story():
        async with Attached() as held:
            with pytest.raises(CommandError, match="did not answer"):
                await held.call("roster.list", list[Contact], within=0.05)

    run(story())


def test_a_change_is_asked_for_once_more_with_the_same_name(server):
    def cut(session, params):
        if len(server.called("conversation.read")) == 1:
            server.end(session)
            return NOTHING
        return 5

    server.answers["conversation.read"] = cut

    async def story():
        async with Attached() as held:
            assert await held.change("conversation.read", int, peer="bob@x", up_to=None) == 5

    run(story())
    first, second = server.called("conversation.read")
    assert first == second and len(first.pop("txn")) == 36 and first == {"peer": "bob@x"}


def test_what_only_asks_is_not_asked_twice(server):
    def cut(session, params):
        server.end(session)
        return NOTHING

    server.answers["ping.send"] = cut

    async def story():
        async with Attached() as held:
            with pytest.raises(CommandError) as caught:
                await held.call("ping.send", float, peer="bob@x")
            assert caught.value.name == "daemon.gone"

    run(story())
    assert len(server.called("ping.send")) == 1


def test_a_change_does_not_wait_for_ever(server):
    async def story():
        async with Attached(delays=(1000.0,), patience=0.05) as held:
            server.end(server.sessions[-1])
            await until(lambda: held.link.phase == "lost")
            with pytest.raises(CommandError, match="ended the session"):
                await held.change("conversation.read", int)

    run(story())


def test_a_refused_change_is_not_repeated(server):
    def refuse(session, params):
        raise Refusal("unknown.conversation", "Nothing was ever said.")

    server.answers["conversation.read"] = refuse

    async def story():
        async with Attached() as held:
            with pytest.raises(CommandError, match="ever said"):
                await held.change("conversation.read", int)

    run(story())
    assert len(server.called("conversation.read")) == 1


def test_open_files_go_along(server, tmp_path):
    path = tmp_path / "file"
    path.write_text("held")
    server.answers["file.send"] = "taken"

    async def story():
        async with Attached() as held:
            assert held.passes_files
            descriptor = os.open(path, os.O_RDONLY)
            big = "x" * 3_000_000
            try:
                sent = asyncio.gather(
                    held.call("none.such", object, big=big),
                    held.call("file.send", str, descriptors=[descriptor], name="f", big=big),
                    return_exceptions=True,
                )
                assert (await sent)[1] == "taken"
            finally:
                os.close(descriptor)

    run(story())
    (passed,) = server.sessions[-1].descriptors
    assert os.pread(passed, 10, 0) == b"held"
    assert [one.get("descriptors") for one in server.requests if one["method"] == "file.send"] == [
        1
    ]
