"""What a session may do: a level for each profile, and nothing of any other."""

import msgspec
import pytest
from twisted.internet.defer import Deferred

from sat.bridge.call import Call
from sat.bridge.errors import CommandError
from sat.bridge.grant import EVERYTHING, Grant
from sat.bridge.model import Level
from tests.bridge.support import Frontend, name_of

LIMITED = Grant(profiles={"alice": Level.SEND, "work": Level.READ}, holder="t1")


class Doors:
    """One code and one token."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def admit(self, token: str) -> Grant:
        self.asked.append(token)
        if token != "right":
            raise CommandError("denied.token", "this token is not known")
        return LIMITED

    async def pair(self, code: str, name: str) -> str:
        if code != "once":
            raise CommandError("denied.code", "this code is not known")
        return "right"


def test_levels_by_profile():
    assert EVERYTHING.allows(Level.ADMIN, None) and EVERYTHING.allows(Level.ADMIN, "anyone")
    assert LIMITED.allows(Level.SEND, "alice") and not LIMITED.allows(Level.FILES, "alice")
    assert LIMITED.allows(Level.READ, "work") and not LIMITED.allows(Level.SEND, "work")
    assert not LIMITED.allows(Level.READ, "other")
    assert LIMITED.allows(Level.READ, None) and not LIMITED.allows(Level.SEND, None)
    assert LIMITED.shows("work") and LIMITED.shows("") and not LIMITED.shows("other")


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("alice", None),
        ("work", "denied.level"),
        ("other", "denied.profile"),
        (None, "usage.profile"),
    ],
)
def test_a_call_for_a_profile(profile, told):
    frontend = Frontend(grant=LIMITED).hello()
    params = {} if profile is None else {"profile": profile}
    answer = frontend.ask("test.change", **params)
    if told is None:
        assert "result" in answer
    else:
        assert name_of(answer) == told
        assert frontend.service.done == []


def test_the_only_profile_is_meant_where_none_is_named():
    frontend = Frontend(grant=Grant(profiles={"work": Level.SEND})).hello()
    call = Call("s", "test.change", frontend.session.grant)
    running = Deferred.fromCoroutine(frontend.dispatcher.run(call, msgspec.Raw(b"{}")))
    assert running.called
    assert call.profile == "work"


def test_events_of_other_profiles_are_not_told():
    frontend = Frontend(grant=LIMITED).hello()
    frontend.attach(mode="events")
    for profile in ("alice", "other", "work", ""):
        frontend.log.add(profile)
    told = [line["params"] for line in frontend.wire.drain()]
    assert [one["profile"] for one in told] == ["alice", "work", ""]
    assert [one["prev"] for one in told] == [0, 1, 3]
    frontend.attach(mode="events", profiles=["other", "work"])
    for profile in ("alice", "other", "work"):
        frontend.log.add(profile)
    assert [line["params"]["profile"] for line in frontend.wire.drain()] == ["work"]


def test_the_snapshot_shows_no_other_profile():
    frontend = Frontend(grant=LIMITED).hello()
    frontend.attach()
    frontend.attach(profiles=["other"])
    assert frontend.log.shown == [frozenset({"alice", "work"}), frozenset()]


def test_whoever_comes_by_a_token_has_cursors_of_its_own():
    frontend = Frontend(grant=LIMITED).hello()
    frontend.log.add()
    frontend.ask("state.ack", cursor="bot", seq=1)
    assert frontend.log.cursors == {"t1/bot": 1}


def test_a_token_lets_in():
    frontend = Frontend(grant=None, doors=Doors())
    assert name_of(frontend.ask("test.echo", text="x")) == "usage.hello"
    told = frontend.ask("session.hello", api="1", token="right")["result"]
    assert told["profiles"] == {"alice": "send", "work": "read"}
    assert frontend.ask("test.echo", text="x", profile="alice")["result"] == "x"
    assert not frontend.wire.closed


@pytest.mark.parametrize("token", [{}, {"token": ""}, {"token": "wrong"}])
def test_whoever_has_none_has_one_try(token):
    doors = Doors()
    frontend = Frontend(grant=None, doors=doors)
    assert name_of(frontend.ask("session.hello", api="1", **token)) == "denied.token"
    assert frontend.wire.closed
    frontend.call("session.hello", api="1", token="right")
    assert doors.asked == [token.get("token", "")]


def test_nobody_is_let_in_where_there_are_no_doors():
    frontend = Frontend(grant=None)
    assert name_of(frontend.ask("session.hello", api="1", token="right")) == "denied.token"


def test_a_code_is_turned_into_a_token():
    frontend = Frontend(grant=None, doors=Doors())
    paired = frontend.ask("session.pair", code="once", name="my phone")
    assert paired["result"] == {"token": "right"}
    # To have been paired is not to have said who one is.
    assert name_of(frontend.ask("test.echo", text="x")) == "usage.hello"
    assert "result" in frontend.ask("session.hello", api="1", token="right")


def test_a_wrong_code_ends_the_session():
    frontend = Frontend(grant=None, doors=Doors())
    assert name_of(frontend.ask("session.pair", code="guess", name="x")) == "denied.code"
    assert frontend.wire.closed


def test_whoever_is_of_the_same_user_needs_no_token():
    frontend = Frontend().hello()
    assert name_of(frontend.ask("session.pair", code="once", name="x")) == "usage.pair"
    assert not frontend.wire.closed
