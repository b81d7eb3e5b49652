"""Command lines in a conversation: the same commands as jp's, with less to say."""

import json
from pathlib import Path

import pytest

from sat.bridge.errors import CommandError
from sat.bridge.model import Contact, Occupant, Presence, Profile, Room
from sat.frontends.core.commands.completing import complete, paths
from sat.frontends.core.commands.line import (
    SHORT,
    SHORT_OF_PLUGINS,
    Call,
    CommandLine,
    Context,
    Help,
    help_of,
    message_of,
    split,
)
from sat.frontends.core.commands.table import BY_WORDS
from sat.frontends.core.state import State

DESCRIPTION = json.loads((Path(__file__).resolve().parents[3] / "doc/api/api.json").read_text())
CHAT = Context("alice", "bob@x")
ROOM = Context("alice", "tea@r", True)
NOWHERE = Context()


@pytest.fixture(scope="module")
def commands():
    found = CommandLine()
    found.learn(DESCRIPTION)
    return found


def read(commands, line, context=CHAT):
    found = commands.read(line, context)
    assert isinstance(found, Call)
    return found.command.words, found.params, found.profile


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("hi", "hi"),
        ("//text", "/text"),
        ("/me waves", "/me waves"),
        ("/ no", "/ no"),
        ("/\\o", "/\\o"),
        ("/ping", None),
        ("/help", None),
        ("/?", None),
        ("/ping\nand more", "/ping\nand more"),
        ("", ""),
    ],
)
def test_a_line_is_a_message_or_a_command(line, text):
    assert message_of(line) == text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a  b", ["a", "b"]),
        ("a \"b c\" 'd e'", ["a", "b c", "d e"]),
        ("Bob's room", ["Bob's", "room"]),
        ("'tis", ["'tis"]),
        ('say "a', ["say", '"a']),
        (r'"a \"b\" c"', ['a "b" c']),
        ("", []),
    ],
)
def test_words(line, words):
    assert split(line) == words


@pytest.mark.parametrize(
    ("line", "context", "found"),
    [
        ("/ping carol@x", CHAT, ("ping", {"peer": "carol@x"}, "alice")),
        ("/ping", CHAT, ("ping", {"peer": "bob@x"}, "alice")),
        ("/ping.send carol@x", NOWHERE, ("ping", {"peer": "carol@x"}, None)),
        ("/join tea@r", CHAT, ("room join", {"room": "tea@r"}, "alice")),
        ("/room join a@r --nick n", CHAT, ("room join", {"room": "a@r", "nick": "n"}, "alice")),
        ("/leave", ROOM, ("room leave", {"room": "tea@r"}, "alice")),
        ("/leave coffee@r", ROOM, ("room leave", {"room": "coffee@r"}, "alice")),
        ("/nick Al B", ROOM, ("room nick", {"room": "tea@r", "nick": "Al B"}, "alice")),
        (
            "/topic It's a  tea room",
            ROOM,
            ("room subject", {"room": "tea@r", "subject": "It's a tea room"}, "alice"),
        ),
        ("/topic c@r Hot", ROOM, ("room subject", {"room": "c@r", "subject": "Hot"}, "alice")),
        ("/invite eve@x", ROOM, ("room invite", {"room": "tea@r", "jid": "eve@x"}, "alice")),
        ("/who", ROOM, ("room occupants", {"room": "tea@r"}, "alice")),
        (
            "/msg eve@x how are you?",
            CHAT,
            ("message send", {"to": "eve@x", "body": "how are you?"}, "alice"),
        ),
        (
            "/status dnd in a meeting",
            CHAT,
            ("presence set", {"show": "dnd", "status": "in a meeting"}, "alice"),
        ),
        ("/message list --limit 3", CHAT, ("message list", {"peer": "bob@x", "limit": 3}, "alice")),
        ("/roster list -p dora", CHAT, ("roster list", {}, "dora")),
        ("/disconnect", CHAT, ("profile disconnect", {"name": "alice"}, None)),
        ("/send ~/a b", CHAT, ("file send", {"_files": ["~/a"], "to": "b"}, "alice")),
        ("/send ~/a", CHAT, ("file send", {"_files": ["~/a"], "to": "bob@x"}, "alice")),
        (
            "/question answer q1 a=b",
            CHAT,
            ("question answer", {"id": "q1", "_pairs": ["a=b"]}, "alice"),
        ),
        ("/add", CHAT, ("roster add", {"jid": "bob@x"}, "alice")),
    ],
)  # fmt: skip
def test_what_a_line_asks_for(commands, line, context, found):
    assert read(commands, line, context) == found


@pytest.mark.parametrize(
    ("line", "context", "told"),
    [
        ("/pong", CHAT, "no command /pong. Did you mean “ping”.*//pong"),
        ("/blocking", CHAT, "/blocking goes on: blocking block, blocking list, blocking unblock"),
        ("/blocking add x", CHAT, "/blocking goes on"),
        ("/room", CHAT, "/room goes on: room join"),
        ("/room jion", CHAT, "/room goes on"),
        ("/ping", NOWHERE, "PEER is missing. See /help ping"),
        ("/leave", CHAT, "ROOM is missing"),
        ("/join a@r b@r", CHAT, "one word too many"),
        ("/message list bob@x --limit x", CHAT, "whole number"),
        ("/profile create x --jid a@b", CHAT, "needs a shell: “jp profile create”"),
        ("/remote list", CHAT, "needs a shell"),
        ("/api describe", CHAT, "needs a shell"),
        ("/session hello 1", CHAT, "no command"),
        ("/usr/bin", CHAT, "written //usr/bin"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(commands, line, context, told):
    with pytest.raises(CommandError, match=told) as caught:
        commands.read(line, context)
    assert "jp --help" not in caught.value.sentence


def test_help(commands):
    assert commands.read("/help", CHAT) == Help()
    assert commands.read("/?", CHAT) == Help()
    assert commands.read("/ping --help", CHAT) == Help("ping")
    assert commands.read("/help room join", CHAT) == Help("room join")
    everything = dict(help_of(commands.commands))
    assert any(one.startswith("/room join ROOM") for one in everything)
    assert not any(one.startswith("/profile create") for one in everything)
    assert all(one.startswith("/room ") for one, _ in help_of(commands.commands, "room"))
    rows = help_of(commands.commands, "join")
    assert rows[0][0].startswith("/room join ROOM") and ("/join", "the same as /room join") in rows
    assert help_of(commands.commands, "nonsense") == []


def test_short_names_stand_for_something(commands):
    assert set(SHORT.values()) <= set(BY_WORDS)
    assert set(SHORT_OF_PLUGINS.values()) <= {one.words for one in commands.commands}


def test_what_a_plugin_brings_has_a_short_name_where_it_is(commands):
    assert read(commands, "/block") == ("blocking block", {"jid": "bob@x"}, "alice")
    assert read(commands, "/unblock eve@x") == ("blocking unblock", {"jid": "eve@x"}, "alice")
    offered = complete("/unbl", 5, commands, STATE, CHAT).candidates
    assert [one.text for one in offered] == ["/unblock"]
    without = CommandLine()
    with pytest.raises(CommandError, match="no command /block"):
        without.read("/block", CHAT)
    assert complete("/unbl", 5, without, STATE, CHAT).candidates == []


def test_what_changes_something_says_so(commands):
    found = {one.words: one.changes for one in commands.commands}
    assert found["blocking unblock"] and not found["blocking list"]


def test_what_a_plugin_takes_along_is_gone(commands):
    line = CommandLine()
    line.learn(DESCRIPTION)
    line.learn({"methods": [], "types": {}})
    with pytest.raises(CommandError):
        line.read("/ping a@b", CHAT)
    line.learn("nonsense")
    assert read(line, "/join a@r")[0] == "room join"


STATE = State(
    profiles={"alice": Profile(name="alice", jid="alice@x")},
    roster={
        ("alice", "bob@x"): Contact(profile="alice", jid="bob@x", name="Robert"),
        ("dora", "bert@y"): Contact(profile="dora", jid="bert@y"),
    },
    rooms={("alice", "tea@r"): Room(profile="alice", jid="tea@r", nick="al")},
    occupants={
        ("alice", "tea@r"): {
            nick: Occupant(profile="alice", room="tea@r", nick=nick)
            for nick in ("al", "Ann", "eve", 'Queen "Bee" B', "x\u202ey")
        }
    },
    presence={
        ("alice", "bob@x/phone"): Presence(profile="alice", jid="bob@x/phone"),
        ("alice", "bob@x/at work"): Presence(profile="alice", jid="bob@x/at work"),
        ("dora", "bob@x/other"): Presence(profile="dora", jid="bob@x/other"),
    },
    questions={},
)


def offered(commands, line, context=CHAT, cursor=None):
    found = complete(line, len(line) if cursor is None else cursor, commands, STATE, context)
    return found.start, [one.text for one in found.candidates]


@pytest.mark.parametrize(
    ("line", "context", "found"),
    [
        ("/jo", CHAT, (0, ["/join"])),
        ("/room jo", CHAT, (6, ["join"])),
        ("/join ", CHAT, (6, ["tea@r", "bob@x"])),
        ("/join te", CHAT, (6, ["tea@r"])),
        ("/ping rob", CHAT, (6, ["bob@x"])),
        ("/ping b", Context("dora"), (6, ["bert@y"])),
        ("/ping bob@", CHAT, (6, ["bob@x"])),
        ("/ping @bo", CHAT, (6, ["bob@x"])),
        ("/ping bob@x/", CHAT, (6, ['"bob@x/at work"', "bob@x/phone"])),
        ("/ping bob@x/p", CHAT, (6, ["bob@x/phone"])),
        ('/ping "bob@x/p', CHAT, (6, ["bob@x/phone"])),
        ("/ping tea@r/A", CHAT, (6, ["tea@r/Ann"])),
        ("/ping tea@r/Q", CHAT, (6, ['"tea@r/Queen \\"Bee\\" B"'])),
        ("/ping tea@r/x", CHAT, (6, ['"tea@r/xy"'])),
        ("/roster add --name Bob bo", CHAT, (23, ["bob@x"])),
        ("ask bob@", CHAT, (4, ["bob@x"])),
        ("ask @bob", CHAT, (4, [])),
        ("/room join --n", CHAT, (11, ["--nick"])),
        ("/message send bob@x --wait re", CHAT, (27, ["received"])),
        ("/profile connect a", CHAT, (17, ["alice"])),
        ("/help room jo", CHAT, (11, [])),
        ("/nonsense x", CHAT, (10, [])),
        ("a", ROOM, (0, ["Ann: "])),
        ("hi @e", ROOM, (3, ["eve"])),
        ("hi e", CHAT, (3, [])),
        ("hi ", ROOM, (3, [])),
        ("", ROOM, (0, [])),
        ("//he", CHAT, (0, [])),
    ],
)
def test_completion(commands, line, context, found):
    assert offered(commands, line, context) == found


def test_what_is_completed_is_read_as_what_it_was(commands):
    for begun, whole in (
        ("/ping bob@x/a", "bob@x/at work"),
        ("/ping tea@r/Q", 'tea@r/Queen "Bee" B'),
    ):
        start, (text,) = offered(commands, begun)
        assert read(commands, begun[:start] + text)[1] == {"peer": whole}


def test_completion_of_all_commands_is_told_with_what_they_do(commands):
    start, texts = offered(commands, "/")
    assert start == 0 and {"/help", "/join", "/ping", "/room"} <= set(texts)
    assert offered(commands, "/join xx", cursor=3) == (0, ["/join"])


def test_paths(tmp_path, commands):
    (tmp_path / "one.txt").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / "once").mkdir()
    (tmp_path / "on\x1b[2J").touch()
    assert [one.text for one in paths(f"{tmp_path}/on")] == [
        f"{tmp_path}/once/", f"{tmp_path}/one.txt",
    ]  # fmt: skip
    assert [one.text for one in paths(f"{tmp_path}/.h")] == [f"{tmp_path}/.hidden"]
    assert [*paths(f"{tmp_path}/none/x")] == []
    line = f"/send {tmp_path}/one"
    assert offered(commands, line) == (6, [f"{tmp_path}/one.txt"])
    assert offered(commands, f"see {tmp_path}/onc") == (4, [f"{tmp_path}/once/"])
