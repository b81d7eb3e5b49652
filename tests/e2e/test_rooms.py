"""A room: alice here, carol with slixmpp, and what happens to rooms."""

import itertools

import pytest

from tests.testbed import Daemon, Ejabberd, Prosody
from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger

_numbers = itertools.count(1)
PATIENCE = 30


@pytest.fixture
def friends(server, daemon, people):
    alice, carol = people("alice", "carol")
    daemon.profile(alice, server)
    with Stranger(server, carol) as stranger:
        yield alice, stranger


def new_room(server) -> str:
    """Return the address of a room that does not exist yet."""
    return f"room{next(_numbers)}@muc.{server.host}"


def bodies(daemon, alice, peer) -> list[str]:
    """Return what stands in a conversation of alice's."""
    return [one["body"] for one in daemon.json("-p", alice, "message", "list", peer)]


def nicks(daemon, alice, room) -> set[str]:
    """Return who is in a room."""
    return {one["nick"] for one in daemon.json("-p", alice, "room", "occupants", room)}


def state(daemon, alice, room) -> str:
    """Return where alice stands."""
    return {one["jid"]: one for one in daemon.json("-p", alice, "room", "list")}[room]["state"]


def test_a_room_that_alice_makes(server, daemon, friends):
    alice, carol = friends
    room = new_room(server)
    daemon.jp("-p", alice, "room", "join", room, "--nick", "al")
    carol.tell("join", room, "caro")
    carol.expect("joined", PATIENCE, room=room)
    assert wait_until(lambda: nicks(daemon, alice, room) == {"al", "caro"}, PATIENCE)
    sent = daemon.json(
        "-p", alice, "message", "send", room, "Salut à tous", "--wait", "acknowledged"
    )[0]
    assert (sent["type"], sent["from"]) == ("groupchat", f"{room}/al")
    got = carol.expect("message", PATIENCE, body="Salut à tous")
    assert got["sender"] == f"{room}/al"
    carol.tell("say", room, "Salut Alice")
    assert wait_until(
        lambda: bodies(daemon, alice, room) == ["Salut à tous", "Salut Alice"], PATIENCE
    )
    stored = daemon.json("-p", alice, "message", "list", room)
    assert stored[1]["from"] == f"{room}/caro"
    assert all(one["archive_id"] for one in stored)
    daemon.jp("-p", alice, "room", "subject", room, "Tea")
    (shown,) = [one for one in daemon.json("-p", alice, "room", "list") if one["jid"] == room]
    assert (shown["subject"], shown["autojoin"]) == ("Tea", True)
    daemon.jp("-p", alice, "room", "nick", room, "ali")
    assert wait_until(lambda: nicks(daemon, alice, room) == {"ali", "caro"}, PATIENCE)
    assert daemon.jp("-p", alice, "room", "nick", room, "caro", check=False).returncode == 1
    daemon.jp("-p", alice, "room", "leave", room)
    late = daemon.jp("-p", alice, "message", "send", room, "late", check=False)
    assert late.returncode == 4
    assert "not joined" in late.stderr


def test_words_in_private(server, daemon, friends):
    alice, carol = friends
    room = new_room(server)
    daemon.jp("-p", alice, "room", "join", room, "--nick", "al")
    carol.tell("join", room, "caro")
    carol.expect("joined", PATIENCE, room=room)
    peer = f"{room}/caro"
    assert wait_until(lambda: "caro" in nicks(daemon, alice, room), PATIENCE)
    daemon.jp("-p", alice, "message", "send", peer, "psst")
    assert carol.expect("message", PATIENCE, body="psst")["sender"] == f"{room}/al"
    carol.tell("send", f"{room}/al", "what?")
    assert wait_until(lambda: bodies(daemon, alice, peer) == ["psst", "what?"], PATIENCE)
    assert bodies(daemon, alice, room) == []


def test_a_restart_doubles_nothing_and_misses_nothing(server, daemon, friends):
    alice, carol = friends
    room = new_room(server)
    carol.tell("join", room, "caro")
    carol.expect("joined", PATIENCE, room=room)
    daemon.jp("-p", alice, "room", "join", room, "--nick", "al")
    for number in range(3):
        carol.tell("say", room, f"before {number}")
    daemon.jp("-p", alice, "message", "send", room, "mine", "--wait", "acknowledged")
    assert wait_until(lambda: len(bodies(daemon, alice, room)) == 4, PATIENCE)
    before = bodies(daemon, alice, room)
    for kill in (False, True):
        if kill:
            daemon.kill()
        else:
            daemon.stop()
        carol.tell("say", room, f"meanwhile {kill}")
        carol.expect("message", PATIENCE, body=f"meanwhile {kill}")
        daemon.start()
        before.append(f"meanwhile {kill}")
        assert wait_until(lambda: state(daemon, alice, room) == "joined", PATIENCE)
        assert wait_until(lambda: bodies(daemon, alice, room)[-1] == before[-1], PATIENCE)
        assert sorted(bodies(daemon, alice, room)) == sorted(before)
    carol.tell("say", room, "after")
    assert wait_until(lambda: bodies(daemon, alice, room)[-1] == "after", PATIENCE)
    assert sorted(bodies(daemon, alice, room)) == sorted([*before, "after"])


def test_being_put_out_and_coming_back(server, daemon, friends):
    alice, carol = friends
    room = new_room(server)
    carol.tell("join", room, "caro")
    carol.expect("joined", PATIENCE, room=room)
    daemon.jp("-p", alice, "room", "join", room, "--nick", "al")
    carol.tell("kick", room, "al", "too loud")
    assert wait_until(lambda: state(daemon, alice, room) == "removed", PATIENCE)
    (shown,) = [one for one in daemon.json("-p", alice, "room", "list") if one["jid"] == room]
    assert "too loud" in shown["sentence"]
    daemon.jp("-p", alice, "room", "join", room, "--nick", "al")
    assert state(daemon, alice, room) == "joined"


def test_invitations(server, daemon, friends):
    alice, carol = friends
    room = new_room(server)
    carol.tell("join", room, "caro")
    carol.expect("joined", PATIENCE, room=room)
    carol.tell("invite", room, server.jid(alice), "come and see")

    def asked() -> list[dict]:
        return daemon.json("-p", alice, "question", "list")

    assert wait_until(asked, PATIENCE)
    (question,) = asked()
    assert (question["kind"], question["peer"]) == ("room.invitation", room)
    daemon.jp("-p", alice, "question", "answer", question["id"], "join=yes")
    assert wait_until(lambda: state(daemon, alice, room) == "joined", PATIENCE)


def test_two_programs_of_one_person_join_the_same_rooms(server, daemon, friends):
    alice, _ = friends
    room = new_room(server)
    with Daemon() as other:
        other.profile(alice, server)
        daemon.jp("-p", alice, "room", "join", room)

        def seen() -> dict[str, str]:
            return {one["jid"]: one["state"] for one in other.json("room", "list")}

        assert wait_until(lambda: seen().get(room) == "joined", PATIENCE)
        daemon.jp("-p", alice, "message", "send", room, "both", "--wait", "acknowledged")
        assert wait_until(lambda: bodies(other, alice, room) == ["both"], PATIENCE)
        (there,) = other.json("message", "list", room)
        assert there["direction"] == "out"
        daemon.jp("-p", alice, "room", "leave", room)
        assert wait_until(lambda: seen().get(room) == "left", PATIENCE)


def test_what_was_said_while_alice_was_away_comes_from_the_archive(server, daemon, friends):
    alice, carol = friends
    room = new_room(server)
    carol.tell("join", room, "caro")
    carol.expect("joined", PATIENCE, room=room)
    wanted = ["before alice came"]
    carol.tell("say", room, wanted[0])
    carol.expect("message", PATIENCE, body=wanted[0])
    daemon.jp("-p", alice, "room", "join", room, "--nick", "al")
    assert wait_until(lambda: bodies(daemon, alice, room) == wanted, PATIENCE)
    daemon.jp("-p", alice, "message", "send", room, "mine", "--wait", "acknowledged")
    wanted.append("mine")
    for turn in range(3):
        daemon.jp("profile", "disconnect", alice)
        # More than a room says again by itself to who joins it.
        missed = [f"missed {turn} {number}" for number in range(30)]
        for body in missed:
            carol.tell("say", room, body)
        carol.expect("message", PATIENCE, body=missed[-1])
        wanted += missed
        daemon.jp("profile", "connect", alice)
        daemon.jp("-p", alice, "room", "join", room)
        daemon.jp("-p", alice, "message", "send", room, f"back {turn}", "--wait", "acknowledged")
        wanted.append(f"back {turn}")

        def stored() -> list[str]:
            found = daemon.json("-p", alice, "message", "list", room, "--limit", "500")
            return [one["body"] for one in found]

        count = len(wanted)
        assert wait_until(lambda count=count: len(stored()) >= count, PATIENCE)
        assert stored() == wanted


@pytest.mark.parametrize("kind", [Prosody, Ejabberd])
def test_a_server_that_is_restarted(kind, daemon):
    with kind({"alice": "alicepw"}) as server:
        daemon.profile("alice", server)
        room = new_room(server)
        daemon.jp("room", "join", room)
        daemon.jp("message", "send", room, "before", "--wait", "acknowledged")
        with daemon.follow() as follower:
            # One that forgets what it took when it is killed forgets the bookmark as well.
            (server.kill if server.survives else server.halt)()
            server.start()
            daemon.jp("profile", "connect", "alice", "--timeout", "30")
            # The session is gone with the server, and with it our place in the room.
            follower.wait_for("room.changed", lambda one: one["state"] == "waiting", PATIENCE)
        assert wait_until(lambda: state(daemon, "alice", room) == "joined", PATIENCE)
        daemon.jp("message", "send", room, "after", "--wait", "acknowledged")
        assert bodies(daemon, "alice", room) == ["before", "after"]
