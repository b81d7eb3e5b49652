"""Questions: every kind of field is shown, given on the command line, and asked for."""

import json
import os
import pty
import select
import subprocess
import time

import pytest

from sat.bridge.errors import CommandError
from sat.frontends.core.commands.forms import checked, read_words
from sat.frontends.core.commands.show import render
from sat.frontends.jp.forms import ask

FIELDS = [
    {"name": "", "kind": "fixed", "label": "", "value": ["Read\x1b[2J this", "first."]},
    {"name": "n", "kind": "fixed", "label": "Note", "value": ["it is late"]},
    {"name": "key", "kind": "hidden", "label": "", "value": ["sha"]},
    {"name": "nick", "kind": "text-single", "label": "Nick\x1b]0;t\x07name", "value": ["al"]},
    {"name": "about", "kind": "text-multi", "label": "About you", "value": ["a", "b"]},
    {"name": "pin", "kind": "text-private", "label": "PIN", "value": ["1234"], "required": True},
    {"name": "late", "kind": "boolean", "label": "Late?", "value": ["1"]},
    {"name": "dish", "kind": "list-single", "label": "Dish", "options": ["Sushi", "Rösti, hot"],
     "value": [], "required": True},
    {"name": "sides", "kind": "list-multi", "label": "Sides", "options": ["a", "b", "c"],
     "value": ["a", "b"]},
    {"name": "host", "kind": "jid-single", "label": "Host", "value": []},
    {"name": "guests=all", "kind": "jid-multi", "label": "Guests", "value": []},
]  # fmt: skip
FORM = {"title": "Lunch", "instructions": "Today.\nAt noon.", "fields": FIELDS}
QUESTION = {"id": "q1", "profile": "alice", "kind": "lunch", "sentence": "What?", "form": FORM}
BY_NAME = {one["name"]: one for one in FIELDS}


def test_a_question_is_shown_with_all_its_fields():
    assert render("questions", [QUESTION]).splitlines() == [
        "q1  alice: What?",
        "    Lunch",
        "    Today.",
        "    At noon.",
        "    Read this",
        "    first.",
        "    Note: it is late",
        "    nick=al                                            Nickname",
        "    about=a, b   (lines)                               About you",
        "    pin=••••     (secret; required)                    PIN",
        "    late=yes     (yes or no)                           Late?",
        "    dish=        (one of Sushi, Rösti, hot; required)  Dish",
        "    sides=a, b   (any of a, b, c)                      Sides",
        "    host=        (an address)                          Host",
        "    guests=all=  (addresses)                           Guests",
    ]
    bare = {"id": "q2", "profile": "alice", "sentence": "Yes?"}
    assert render("questions", [bare]) == "q2  alice: Yes?"


def test_what_comes_from_a_daemon_gone_mad():
    fields = [7, {"kind": 3}, {"name": "x\nq9  eve: forged", "options": 5, "value": {}}]
    told = render("questions", [{"id": "q", "form": {"fields": fields}}])
    assert told.splitlines() == ["q  : ", "    x q9 eve: forged="]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ([], {}),
        (["nick=a=b"], {"nick": ["a=b"]}),
        (["nick="], {"nick": []}),
        (["about=x", "about=y\nz"], {"about": ["x", "y", "z"]}),
        (["late=yes"], {"late": ["true"]}),
        (["late=FALSE"], {"late": ["false"]}),
        (["dish=Rösti, hot"], {"dish": ["Rösti, hot"]}),
        (["sides=a", "sides=c"], {"sides": ["a", "c"]}),
        (["sides="], {"sides": []}),
        (["host=a@x"], {"host": ["a@x"]}),
        (["guests=all=a@x", "guests=all=b@x"], {"guests=all": ["a@x", "b@x"]}),
    ],
)
def test_words_are_read_as_the_form_wants_them(words, values):
    assert read_words(FORM, words) == values


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nick"], "FIELD=VALUE"),
        (["=x"], "FIELD=VALUE"),
        (["other=x"], "no field “other”; it has: nick, about, pin, late"),
        (["nick=a", "nick=b"], "nick takes one value, not 2"),
        (["late=perhaps"], "late is yes or no, not “perhaps”"),
        (["dish=Soup"], "dish is one of Sushi, Rösti, hot; not “Soup”"),
        (["sides=a", "sides=z"], "sides is any of a, b, c; not “z”"),
        (["key=x"], "key can't be changed"),
        (["n=x"], "n can't be changed"),
        (["pin=1"], "--secret pin=FILE"),
    ],
)
def test_words_that_are_wrong_are_named(words, said):
    with pytest.raises(CommandError) as caught:
        read_words(FORM, words)
    assert said in caught.value.sentence and caught.value.exit_code == 2


def asked(lines, secrets=(), fields=FIELDS):
    """Answer a form line by line; return the values, the prompts and what was said."""
    seen, said = [], []
    left, hidden = iter(lines), iter(secrets)

    def read(prompt, source):
        seen.append(prompt)
        for line in source:
            return line
        raise EOFError

    question = QUESTION | {"form": FORM | {"fields": fields}}
    values = ask(question, lambda p: read(p, left), lambda p: read(p, hidden), said.append)
    return values, seen, said


def test_every_field_is_asked_for():
    values, seen, said = asked(
        ["bob\n", "one\n", "two\n", "\n", "no\n", "2\n", "1, c\n", "a@x\n", "b@x\n", "c@x\n", ""],
        ["9"],
    )
    assert values == {
        "nick": ["bob"], "about": ["one", "two"], "pin": ["9"], "late": ["false"],
        "dish": ["Rösti, hot"], "sides": ["a", "c"], "host": ["a@x"],
        "guests=all": ["b@x", "c@x"],
    }  # fmt: skip
    assert seen[0] == "Nickname (now al): "
    assert "Late? (yes or no; now yes): " in seen
    assert not any("1234" in one for one in (*seen, *said))
    assert said[0] == "What?\nLunch\nToday.\nAt noon."
    assert "Read this\nfirst." in said and "Note: it is late" in said
    assert "  1  Sushi\n  2  Rösti, hot" in said


def test_empty_lines_leave_what_the_form_has_but_for_what_is_needed():
    values, _, said = asked(["\n", "\n", "\n", "\n", "Sushi\n", "\n", "\n", "\n"], [""])
    assert values == {"dish": ["Sushi"]}
    assert "Dish: an answer is needed." in said


def test_a_wrong_answer_is_asked_for_again():
    fields = [BY_NAME["late"], BY_NAME["sides"], BY_NAME["dish"]]
    values, _, said = asked(
        ["maybe\n", "yes\n", "4\n", "a,b\n", "0\n", "Rösti, hot\n"], fields=fields
    )
    assert values == {"late": ["true"], "sides": ["a", "b"], "dish": ["Rösti, hot"]}
    assert "late is yes or no, not “maybe”." in said
    assert "sides is any of a, b, c; not “4”." in said
    assert "dish is one of Sushi, Rösti, hot; not “0”." in said


@pytest.mark.parametrize("lines", [[], ["bob\n"], ["bob\n", "one\n"]])
def test_the_end_of_input_is_never_an_answer(lines):
    with pytest.raises(CommandError, match="nothing was answered") as caught:
        asked(lines)
    assert caught.value.exit_code == 2


def test_an_option_may_look_like_a_number():
    field = {"name": "n", "kind": "list-single", "options": ["2", "1"], "value": []}
    values, *_ = asked(["1\n"], fields=[field])
    assert values == {"n": ["1"]}
    assert checked(field, ["2"]) == ["2"]


class TestProgram:
    @pytest.fixture(autouse=True)
    def answers(self, server):
        server.answers |= {"question.list": [QUESTION], "question.answer": QUESTION}

    def test_it_is_listed(self, jp):
        assert "    late=yes     (yes or no) " in jp("question", "list")

    def test_on_a_pipe_nothing_is_asked(self, jp, server):
        assert jp("-p", "alice", "question", "answer", "q1", input=b"yes\n") == ""
        assert server.called("question.list") == [{"profile": "alice"}]
        assert server.called("question.answer") == [{"id": "q1", "values": {}, "profile": "alice"}]

    def test_words_and_secrets(self, jp, server, tmp_path):
        (tmp_path / "pin").write_text("77\nmore")
        jp("question", "answer", "q1", "late=no", "dish=Sushi", "--secret", "pin=pin")
        jp("--txn", "t", "question", "answer", "q1", "--password-stdin", input=b"88\n")
        assert server.called("question.answer") == [
            {"id": "q1", "values": {"late": ["false"], "dish": ["Sushi"], "pin": ["77"]}},
            {"id": "q1", "values": {"pin": ["88"]}, "txn": "t"},
        ]
        told = jp.fails(2, "question", "answer", "q1", "--secret", "nick=pin")
        assert "no secret field “nick”" in told
        assert "no file" in jp.fails(6, "question", "answer", "q1", "--secret", "pin=none")
        two = [BY_NAME["pin"], BY_NAME["pin"] | {"name": "pin2"}]
        for fields, said in (([], "asks for no secret"), (two, "asks for several: pin, pin2")):
            server.answers["question.list"] = [QUESTION | {"form": {"fields": fields}}]
            line = ("question", "answer", "q1", "--password-stdin")
            assert said in jp.fails(2, *line, input=b"88\n")

    def test_one_that_is_not_there(self, jp, server):
        assert "jp question list" in jp.fails(6, "question", "answer", "q2")
        assert not server.called("question.answer")

    def on_a_terminal(self, jp, answers: dict[str, str], *line: str) -> tuple[int, str]:
        """Run jp on a terminal, and answer what it asks for; return its exit code and its text."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*jp.command, *line], stdin=theirs, stdout=theirs, stderr=theirs, env=jp.environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        seen, left, limit = "", dict(answers), time.monotonic() + 30
        try:
            while time.monotonic() < limit:
                if not select.select([ours], [], [], 0.1)[0]:
                    continue
                try:
                    seen += os.read(ours, 4096).decode()
                except OSError:  # its end
                    break
                for prompt in [one for one in left if one in seen]:
                    os.write(ours, left.pop(prompt).encode())
        finally:
            os.close(ours)
            if time.monotonic() >= limit:
                process.kill()
        return process.wait(30), seen

    def test_a_terminal_asks(self, jp, server):
        fields = [BY_NAME[one] for one in ("nick", "pin", "dish")]
        server.answers["question.list"] = [QUESTION | {"form": {"fields": fields}}]
        answers = {"Nickname (": "bob\n", "PIN (": "99\n", "Dish (": "1\n"}
        code, seen = self.on_a_terminal(jp, answers, "question", "answer", "q1")
        assert code == 0, seen
        values = {"nick": ["bob"], "pin": ["99"], "dish": ["Sushi"]}
        assert server.called("question.answer") == [{"id": "q1", "values": values}]
        assert "99" not in seen and "1234" not in seen

    def test_a_terminals_end_of_input(self, jp, server):
        code, seen = self.on_a_terminal(jp, {"Nickname (": "\x04"}, "question", "answer", "q1")
        assert code == 2 and "nothing was answered" in seen
        assert not server.called("question.answer")

    def test_a_terminal_does_not_ask_for_more_than_is_left_open(self, jp, server):
        assert self.on_a_terminal(jp, {}, "question", "answer", "q1", "late=no")[0] == 0
        code, seen = self.on_a_terminal(jp, {}, "--json", "question", "answer", "q1")
        assert code == 0 and json.loads(seen)["id"] == "q1"
        assert [one["values"] for one in server.called("question.answer")] == [
            {"late": ["false"]},
            {},
        ]
