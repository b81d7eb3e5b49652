"""An attachment against a scripted daemon: it stays in step, and says how it is."""

import msgspec
import pytest

from sat.bridge.errors import CommandError
from sat.bridge.model import Contact
from tests.bridge.lineserver import NOTHING, Refusal
from tests.frontends.core.support import TS, Attached, run, until

BOB = {"profile": "alice", "jid": "bob@x"}


def tell(session, seq, prev, jid="bob@x", **more):
    """Tell of a contact by a numbered event."""
    session.event(prev=prev, seq=seq, profile="alice", type="roster.changed", ts=TS,
                  data={"profile": "alice", "jid": jid, "rev": seq, **more})  # fmt: skip


def attach_with(server, *steps):
    """Answer to each attaching with the next of these functions' results; the last one stays."""
    left = list(steps)

    def attach(session, params):
        step = left.pop(0) if len(left) > 1 else left[0]
        return step(session, params)

    server.answers["state.attach"] = attach


def snapshot(seq=7, **state):
    return {"mode": "snapshot", "epoch": "e1", "seq": seq, "state": state}


def test_a_snapshot_and_what_comes_after_it(server):
    async def story():
        async with Attached() as held:
            changes = []
            held.model.observe(changes.append)
            session = server.sessions[-1]
            for seq in range(8, 28):
                tell(session, seq, seq - 1, f"c{seq}@x")
            await until(lambda: len(held.state.roster) == 21)
            assert ("alice", "bob@x") in held.state.roster
            told = set().union(*(one.roster for one in changes))
            assert len(told) == 20
            return len(changes)

    attach_with(server, lambda session, params: snapshot(roster=[BOB]))
    assert run(story()) <= 20
    assert server.called("state.attach") == [{"mode": "state"}]


def test_a_lost_session_goes_on_where_it_was(server):
    def again(session, params):
        session_of.append(session)
        return {"mode": "resumed", "epoch": "e1", "seq": 8}

    session_of = []
    attach_with(server, lambda session, params: snapshot(), again)

    async def story():
        async with Attached() as held:
            links = []
            held.observe_link(links.append)
            first = server.sessions[-1]
            tell(first, 8, 7)
            first.event(profile="alice", type="presence.changed", ts=TS,
                        data={"profile": "alice", "jid": "bob@x/1"})  # fmt: skip
            await until(lambda: held.state.presence)
            server.end(first)
            await until(lambda: session_of)
            tell(session_of[0], 9, 8, "carol@x")
            await until(lambda: ("alice", "carol@x") in held.state.roster)
            # Who is there is told anew.
            assert not held.state.presence
            assert [one.phase for one in links] == ["lost", "connecting", "attached"]
            assert links[0].error == "daemon.gone" and links[0].sentence
            assert links[0].retry_at is not None

    run(story())
    assert server.called("state.attach")[1] == {
        "mode": "state", "resume": {"epoch": "e1", "seq": 8},
    }  # fmt: skip


def test_a_daemon_that_knows_no_place_gives_a_snapshot(server):
    attach_with(
        server,
        lambda session, params: snapshot(roster=[BOB]),
        lambda session, params: {"mode": "snapshot", "epoch": "e2", "seq": 3, "state": {}},
    )

    async def story():
        async with Attached() as held:
            anew = []
            held.model.observe(lambda changes: anew.append(changes.anew))
            server.end(server.sessions[-1])
            await until(lambda: anew)
            assert anew == [True] and not held.state.roster
            server.end(server.sessions[-1])
            await until(lambda: len(server.called("state.attach")) == 3)

    run(story())
    assert server.called("state.attach")[2]["resume"] == {"epoch": "e2", "seq": 3}


def test_events_that_are_missing_are_asked_for_again(server):
    attach_with(
        server,
        lambda session, params: snapshot(),
        lambda session, params: {"mode": "resumed", "epoch": "e1", "seq": 8},
    )

    async def story():
        async with Attached() as held:
            first = server.sessions[-1]
            tell(first, 8, 7)
            tell(first, 12, 11, "late@x")
            await until(lambda: len(server.called("state.attach")) == 2)
            assert ("alice", "late@x") not in held.state.roster

    run(story())
    assert server.called("state.attach")[1]["resume"] == {"epoch": "e1", "seq": 8}


def test_a_frontend_that_was_too_slow_attaches_anew(server):
    async def story():
        async with Attached() as held:
            server.sessions[-1].send(
                {"jsonrpc": "2.0", "method": "resync", "params": {"epoch": "e1", "oldest": 99}}
            )
            await until(lambda: len(server.called("state.attach")) == 2)
            await held.attached()
            # It says where it was, and the daemon what it missed, or all.
            assert server.called("state.attach")[1]["resume"] == {"epoch": "e1", "seq": 7}
            assert held.is_attached and len(server.sessions) == 2

    run(story())


def test_a_daemon_that_is_missing_is_waited_for(home, server):
    async def story():
        async with Attached() as held:
            server.path.unlink()
            server.end(server.sessions[-1])
            await until(lambda: held.link.error == "daemon.missing")
            with pytest.raises(CommandError, match="No daemon is running"):
                await held.call("roster.list", list[Contact])

    run(story())


def test_a_try_comes_at_once_if_it_is_asked_for(server):
    async def story():
        async with Attached(delays=(1000.0,)) as held:
            server.end(server.sessions[-1])
            await until(lambda: held.link.phase == "lost")
            assert held.link.retry_at is not None
            held.try_now()
            await until(lambda: held.is_attached)
            assert len(server.called("state.attach")) == 2
            assert (held.link.phase, held.link.sentence) == ("attached", "")

    run(story())


def test_a_daemon_that_says_nothing_is_noticed(server):
    server.answers["state.active"] = lambda session, params: NOTHING

    async def story():
        async with Attached(silence=0.05) as held:
            links = []
            held.observe_link(links.append)
            silent = await until(lambda: [one for one in links if one.error == "daemon.silent"])
            assert silent[0].phase == "lost" and "daemon" in silent[0].sentence

    run(story())


@pytest.mark.parametrize(
    ("method", "error"), [("session.hello", "timeout.hello"), ("state.attach", "timeout.attach")]
)
def test_a_daemon_that_answers_nothing_is_told_of(server, method, error):
    server.answers[method] = lambda session, params: NOTHING

    async def story():
        held = Attached(greeting=0.05, timeout=0.05).attachment
        held.begin()
        await until(lambda: held.link.error == error)
        assert "seconds" in held.link.sentence
        held.try_now()
        await held.close()

    run(story())


def test_a_refusal_is_a_sign_of_life_too(server):
    def refuse(session, params):
        raise Refusal("denied.level", "Not you.")

    server.answers["state.active"] = refuse

    async def story():
        async with Attached(silence=0.02) as held:
            await until(lambda: len(server.called("state.active")) > 3)
            assert held.is_attached

    run(story())
    assert len(server.sessions) == 1


def test_who_draws_the_link_and_fails_ends_nothing(server, caplog):
    async def story():
        async with Attached() as held:
            held.observe_link(lambda _: 1 / 0)
            server.end(server.sessions[-1])
            await until(lambda: len(server.called("state.attach")) == 2)
            await until(lambda: held.is_attached)

    run(story())
    assert "ZeroDivisionError" in caplog.text


def test_a_silent_daemon_that_answers_is_kept(server):
    async def story():
        async with Attached(silence=0.02) as held:
            await until(lambda: len(server.called("state.active")) > 3)
            assert held.is_attached

    run(story())
    assert len(server.sessions) == 1


def test_many_conversations_are_fetched_beside_the_snapshot(server):
    def conversation(number, **more):
        return {"profile": "alice", "peer": f"c{number}@x", "rev": number + 1, **more}

    state = {
        "profiles": [{"name": "alice", "jid": "alice@x", "rev": 1}],
        "conversations": [conversation(number) for number in range(50)],
    }
    attach_with(server, lambda session, params: snapshot(**state))
    server.answers["conversation.list"] = [
        *(conversation(number) for number in range(49)),
        conversation(49, unread=2),
        conversation(50),
    ]

    async def story():
        async with Attached() as held:
            await until(lambda: len(held.state.conversations) == 51)
            assert held.state.conversations["alice", "c49@x"].unread == 2

    run(story())


def test_being_away_is_told_again_after_a_lost_session(server):
    async def story():
        async with Attached() as held:
            await held.set_active(False)
            await held.set_active(False)
            server.end(server.sessions[-1])
            await until(lambda: len(server.called("state.active")) == 2)

    run(story())
    assert server.called("state.active") == [{"active": False}] * 2


def test_a_snapshot_that_is_none_is_told_of(server):
    attach_with(
        server,
        lambda session, params: snapshot(roster=5),
        lambda session, params: snapshot(),
    )

    async def story():
        links = []
        held = Attached().attachment
        held.observe_link(links.append)
        held.begin()
        await held.attached()
        await held.close()
        assert any(one.error == "failed.session" for one in links)
        assert links[-1].phase == "closed"

    run(story())


def test_one_observer_that_fails_keeps_nobody_from_knowing(server, caplog):
    async def story():
        async with Attached() as held:
            told = []
            held.model.observe(lambda _: 1 / 0)
            held.model.observe(told.append)
            tell(server.sessions[-1], 8, 7)
            await until(lambda: told)
            assert held.is_attached

    run(story())
    assert "ZeroDivisionError" in caplog.text


def test_the_daemon_answers_in_types(server):
    server.answers["roster.list"] = [BOB]

    async def story():
        async with Attached() as held:
            assert await held.call("roster.list", list[Contact]) == [msgspec.convert(BOB, Contact)]

    run(story())
