"""How a command line is read."""

import pytest

from sat.bridge.errors import CommandError
from sat.frontends.core.commands.grammar import Argument, Command, Option, read, split
from sat.frontends.core.commands.table import BY_WORDS, COMMANDS, GROUPS


def parse(line):
    words, tokens = split(line.split())
    return read(BY_WORDS[" ".join(words)], tokens)


@pytest.mark.parametrize(
    ("line", "params", "settings"),
    [
        ("message send bob@x hi", {"to": "bob@x", "body": "hi"}, {}),
        ("message send bob@x", {"to": "bob@x"}, {}),
        ("message send bob@x -", {"to": "bob@x", "body": "-"}, {}),
        ("message send bob@x -- --now", {"to": "bob@x", "body": "--now"}, {}),
        ("message send --now bob@x hi", {"to": "bob@x", "body": "hi", "now": True}, {}),
        ("message send bob@x --wait=sent hi", {"to": "bob@x", "body": "hi", "wait": "sent"}, {}),
        ("-p alice roster list", {}, {"profile": "alice"}),
        ("-palice roster list", {}, {"profile": "alice"}),
        ("roster list --profile=alice -q", {}, {"profile": "alice", "quiet": True}),
        ("roster --json list", {}, {"json": True}),
        ("--timeout 2.5 roster list --txn t", {}, {"timeout": 2.5, "txn": "t"}),
        ("message list bob@x --limit 3", {"peer": "bob@x", "limit": 3}, {}),
        ("roster add b@x --group A --group B", {"jid": "b@x", "groups": ["A", "B"]}, {}),
        ("file send a b c bob@x", {"_files": ["a", "b", "c"], "to": "bob@x"}, {}),
        ("question answer q1", {"id": "q1", "_pairs": []}, {}),
        ("question answer q1 a=1 b=2", {"id": "q1", "_pairs": ["a=1", "b=2"]}, {}),
        ("conversation draft b@x", {"peer": "b@x", "text": ""}, {}),
        ("presence show b@x", {"jid": "b@x"}, {}),
    ],
)  # fmt: skip
def test_a_line_becomes_parameters_and_settings(line, params, settings):
    assert parse(line) == (params, settings)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("message send", "JID is missing."),
        ("file send bob@x", "FILE is missing."),
        ("roster list more", "“more” is one word too many"),
        ("message send bob@x two words", "a text of several words goes in quotes"),
        ("message send bob@x hi --nwo", "has no option --nwo. Did you mean “--now”?"),
        ("message send bob@x hi --now=yes", "--now takes no value."),
        ("message list bob@x --limit", "--limit needs a value: N."),
        ("message list bob@x --limit many", "--limit is a whole number, not “many”."),
        ("roster list --timeout soon", "--timeout is a number"),
        ("presence set gone", "STATE is one of available, away"),
        ("profile create alice", "--jid JID is missing."),
        ("message send bob@x \udcff", "BODY is not valid UTF-8."),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(line, sentence):
    with pytest.raises(CommandError) as caught:
        parse(line)
    assert sentence in caught.value.sentence
    assert caught.value.sentence.endswith(" --help”.")
    assert caught.value.exit_code == 2


def test_an_option_is_not_a_word_of_the_command():
    assert split(["--json", "-p", "alice", "roster", "list", "x"]) == (
        ["roster", "list"],
        ["--json", "-p", "alice", "x"],
    )
    assert split(["ping", "--", "-odd"]) == (["ping"], ["--", "-odd"])


def test_flags_that_are_on_can_be_turned_off():
    command = Command("a b", "", (), (Option("--volatile", "volatile", negatable=True),))
    assert read(command, ["--no-volatile"])[0] == {"volatile": False}
    assert read(command, ["--volatile"])[0] == {"volatile": True}


def test_a_required_argument_may_come_by_its_name():
    command = Command("a b", "", (Argument("PEER", "peer"),), (Option("--peer", "peer", "PEER"),))
    assert read(command, ["--peer", "x"])[0] == read(command, ["x"])[0] == {"peer": "x"}


def test_the_table_has_every_name_that_is_fixed():
    fixed = {
        "profile": "create list get show set connect disconnect default delete",
        "message": "send list search",
        "conversation": "list read",
        "option": "list get set",
        "plugin": "list load unload",
        "roster": "list add remove",
        "presence": "set get show",
        "file": "send",
        "event": "follow",
        "api": "describe call",
        "question": "list answer",
    }
    for group, names in fixed.items():
        assert group in GROUPS
        for name in names.split():
            assert f"{group} {name}" in BY_WORDS


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.words)
def test_the_table_is_sound(command):
    from sat.frontends.core.commands import show

    assert command.summary.endswith(".")
    flags = [one.flag for one in command.options]
    assert len(set(flags)) == len(flags)
    assert sum(one.many for one in command.arguments) <= 1
    assert command.show in {"record", *show._LISTS, *show._OBJECTS}
    if command.run:
        module, _, function = command.run.partition(".")
        assert callable(getattr(__import__(f"sat.frontends.jp.{module}", fromlist=["x"]), function))
