"""jp as people and scripts run it, with a scripted daemon."""

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.bridge.lineserver import NOTHING, Refusal

CONTACT = {
    "profile": "alice", "jid": "bob@x", "name": "Bob", "groups": ["Friends"],
    "subscription": "both", "ask": False, "rev": 3,
}  # fmt: skip
SENT = {"id": "m1", "profile": "alice", "peer": "bob@x", "state": "sent"}


def refusal(name, sentence):
    def refuse(session, params):
        raise Refusal(name, sentence)

    return refuse


def test_version_needs_no_daemon(jp):
    assert jp("--version") == "jp 0.1.0\n"


def test_the_common_path_imports_nothing_heavy(jp, server):
    server.answers |= {"message.send": SENT, "roster.list": [CONTACT], "message.list": []}
    heavy = {"argparse", "asyncio", "socket", "msgspec", "rich", "twisted", "subprocess", "typing",
             "pathlib", "importlib.metadata", "gettext", "datetime"}  # fmt: skip
    program = "import sys; from sat.frontends.jp.main import guarded; " \
        "code = guarded(sys.argv[1:]); print(code, *sorted(sys.modules))"  # fmt: skip
    for line in ("--version", "message send bob@x hi", "roster list", "message list bob@x"):
        done = subprocess.run(
            # -S -I: what site and the environment import isn't jp's doing
            [sys.executable, "-S", "-c", program, *line.split()],
            env=jp.environment, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        code, *modules = done.stdout.splitlines()[-1].split()
        assert code == "0", done
        assert not heavy & set(modules), line


def test_it_is_english_whatever_the_language(jp, server):
    rooms = [{"jid": "tea@r", "state": "joined", "nick": "al", "subject": ""}]
    server.answers |= {"room.list": rooms}
    french = {"LANGUAGE": "fr", "LANG": "fr_FR.UTF-8"}
    assert jp("room", "list", **french) == "tea@r  joined  al\n"
    assert jp("room", "join", "--help", **french) == jp("room", "join", "--help")
    assert jp.fails(2, "room", "join", **french) == "ROOM is missing. See “jp room join --help”."


def test_a_message_is_sent_and_its_id_printed(jp, server):
    server.answers["message.send"] = SENT
    assert jp("-p", "alice", "message", "send", "bob@x", "hé 👋") == "m1\n"
    assert server.called("message.send") == [{"profile": "alice", "to": "bob@x", "body": "hé 👋"}]
    assert server.called("session.hello")[0]["client"].startswith("jp")
    assert jp("-q", "message", "send", "bob@x", "x") == ""
    assert json.loads(jp("--json", "message", "send", "bob@x", "x")) == SENT


def test_the_body_comes_from_standard_input(jp, server):
    server.answers["message.send"] = SENT
    jp("message", "send", "bob@x", input="two\nlines é\n".encode())
    assert server.called("message.send")[0]["body"] == "two\nlines é"
    assert "empty" in jp.fails(2, "message", "send", "bob@x")
    assert "not UTF-8" in jp.fails(2, "message", "send", "bob@x", input=b"caf\xe9")
    assert len(server.called("message.send")) == 1


def test_txn_timeout_and_wait_are_passed_on(jp, server):
    server.answers |= {"message.send": SENT, "roster.add": CONTACT}
    jp("--txn", "t1", "--timeout", "3", "message", "send", "bob@x", "x", "--wait", "received")
    sent = server.called("message.send")[0]
    assert (sent["txn"], sent["timeout"], sent["wait"]) == ("t1", 3.0, "received")
    jp("--txn", "t2", "--timeout", "3", "roster", "add", "bob@x", "--name", "B")
    assert server.called("roster.add") == [{"jid": "bob@x", "name": "B", "txn": "t2"}]


def test_a_message_that_waits_for_a_connection_says_so(jp, server):
    server.answers |= {
        "message.send": SENT | {"state": "pending"},
        "profile.get": {"name": "alice", "connection": {"phase": "offline"}},
    }
    done = jp.run("message", "send", "bob@x", "x")
    assert (done.returncode, done.stdout) == (0, b"m1\n")
    assert b"alice is not connected: the message is kept" in done.stderr
    assert server.called("profile.get") == [{"name": "alice"}]
    assert jp("-q", "message", "send", "bob@x", "x") == ""
    server.answers["profile.get"] = {"name": "alice", "connection": {"phase": "online"}}
    assert jp("message", "send", "bob@x", "x") == "m1\n"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("failed.full", 1), ("conflict.profile", 1), ("usage.jid", 2), ("daemon.ending", 3),
        ("offline.profile", 4), ("timeout.answer", 5), ("unknown.profile", 6), ("denied.level", 7),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence_and_its_exit_code(jp, server, name, code):
    server.answers["roster.list"] = refusal(name, "No\x1b[2J, not today.")
    assert jp.fails(code, "roster", "list") == "No, not today."


def test_no_daemon_and_not_to_start_one(jp):
    assert "sat start" in jp.fails(3, "roster", "list")


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf", "1e9"])
def test_a_time_that_can_not_be_waited(jp, seconds):
    assert "--timeout" in jp.fails(2, "--timeout", seconds, "roster", "list")


def test_a_fault_of_jp_is_told_without_traceback(jp, server):
    # An answer of a daemon gone mad, which no part of jp is ready for.
    server.answers["message.list"] = [{"ts": "2026-11-21T07:00:00Z" * 10, "body": 1}, 2, "x"]
    server.answers["conversation.list"] = [{"unread": {"a": 1}, "last": 3, "draft": []}]
    assert "Traceback" not in jp.run("message", "list", "b").stderr.decode()
    server.answers["roster.list"] = [{"jid": "bob@x", "groups": 5}]
    told = jp.fails(1, "roster", "list")
    assert "fault of jp itself (TypeError" in told and "SAT_TRACEBACK" in told
    assert b"Traceback" in jp.run("roster", "list", SAT_TRACEBACK="1").stderr


def test_a_slow_daemon(jp, server):
    server.answers["roster.list"] = lambda session, params: NOTHING
    assert "within 0.2 seconds" in jp.fails(5, "--timeout", "0.2", "roster", "list")


def test_a_list_is_aligned_and_clean(jp, server):
    other = CONTACT | {"jid": "日本@x", "name": "evil\x1b]0;t\x07\u202e\nname", "groups": []}
    server.answers["roster.list"] = [CONTACT, other]
    assert jp("roster", "list") == (
        "bob@x   Bob        both  Friends\n"
        "日本@x  evil name  both\n"
    )  # fmt: skip
    lines = jp("--json", "roster", "list").splitlines()
    assert [json.loads(line) for line in lines] == [CONTACT, other]
    assert "\u202e" not in "".join(lines)


def test_a_conversation_reads_from_top_to_bottom(jp, server):
    first = {"ts": "2024-02-29T23:59:58.5Z", "direction": "in", "peer": "bob@x",
             "state": "received", "body": "one\n2026-01-01 00:00:00  me: forged"}  # fmt: skip
    second = first | {"direction": "out", "state": "failed", "body": "two", "error": "refused"}
    server.answers["message.list"] = [first, second]
    assert jp("message", "list", "bob@x", "--limit", "2") == (
        "2024-02-29 23:59:58  bob@x: one\n"
        "    2026-01-01 00:00:00  me: forged\n"
        "2024-02-29 23:59:58  me: two  (failed, refused)\n"
    )
    assert server.called("message.list") == [{"peer": "bob@x", "limit": 2}]
    assert "2024-03-01 00:59:58  bob@x" in jp("message", "list", "bob@x", TZ="Etc/GMT-1")


def test_any_locale_will_do(jp, server):
    server.answers |= {"message.send": SENT, "roster.list": [CONTACT | {"name": "Zoë €"}]}
    for locale in ("C", "POSIX"):
        jp("message", "send", "bob@x", "é", LC_ALL=locale)
        assert "Zoë €" in jp("roster", "list", LC_ALL=locale)
    assert [one["body"] for one in server.called("message.send")] == ["é", "é"]
    # A terminal that can't show a letter gets another; JSON is always UTF-8.
    strict = {"PYTHONIOENCODING": "ascii"}
    assert "Zo? ?" in jp("roster", "list", **strict)
    assert "Zoë €" in jp("--json", "roster", "list", **strict)


class TestProfiles:
    ARGUMENTS = ("profile", "create", "alice", "--jid", "alice@x")

    def test_the_password_comes_from_a_file_or_standard_input(self, jp, server, tmp_path):
        server.answers["profile.create"] = {"name": "alice"}
        (tmp_path / "pw").write_text("sécret \nmore")
        (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
        assert jp(*self.ARGUMENTS, "--password-file", "pw", "--ca", "ca.pem",
                  "--server", "127.0.0.1:5222", "--no-autoconnect") == ""  # fmt: skip
        assert jp(*self.ARGUMENTS, "--password-stdin", "--direct-tls", input=b"pw2\n") == ""
        assert server.called("profile.create") == [
            {"name": "alice", "jid": "alice@x", "password": "sécret ", "server": "127.0.0.1:5222",
             "ca": "-----BEGIN CERTIFICATE-----\n", "autoconnect": False},
            {"name": "alice", "jid": "alice@x", "password": "pw2", "direct_tls": True},
        ]  # fmt: skip

    def test_it_is_never_asked_for_on_a_pipe(self, jp):
        assert "--password-file" in jp.fails(2, *self.ARGUMENTS, input=b"pw\n")

    def test_bad_sources(self, jp, tmp_path):
        (tmp_path / "empty").touch()
        assert "no file" in jp.fails(6, *self.ARGUMENTS, "--password-file", "none")
        assert "no password" in jp.fails(2, *self.ARGUMENTS, "--password-file", "empty")
        assert "no certificate" in jp.fails(
            2, *self.ARGUMENTS, "--password-stdin", "--ca", "empty", input=b"pw"
        )

    def test_settings(self, jp, server):
        server.answers["profile.set"] = {"name": "alice"}
        assert jp("profile", "set", "alice", "resource=a=b", "server=") == ""
        assert server.called("profile.set") == [
            {"name": "alice", "values": {"resource": "a=b", "server": ""}}
        ]
        assert "every process" in jp.fails(2, "profile", "set", "alice", "password=x")
        assert "KEY=VALUE" in jp.fails(2, "profile", "set", "alice", "resource")


class TestFollowing:
    EVENTS = [{"prev": 3 + i, "seq": 4 + i, "type": "message.added", "data": {}} for i in range(3)]

    @pytest.fixture(autouse=True)
    def answers(self, server):
        server.answers |= {
            "state.attach": {"mode": "resumed", "epoch": "e", "seq": 3},
            "state.ack": None,
        }
        server.after["state.attach"] = lambda session: [session.event(**one) for one in self.EVENTS]

    def test_events_are_printed_as_they_are(self, jp, server):
        lines = jp("event", "follow", "--limit", "2", "--type", "a", "--type", "b").splitlines()
        assert [json.loads(line) for line in lines] == self.EVENTS[:2]
        assert server.called("state.attach") == [{"mode": "events", "types": ["a", "b"]}]

    def test_a_profile_a_place_and_a_cursor(self, jp, server):
        jp("-p", "alice", "event", "follow", "--limit", "3", "--resume", "e:2")
        jp("event", "follow", "--limit", "3", "--cursor", "bot")
        assert server.called("state.attach") == [
            {"mode": "events", "profiles": ["alice"], "resume": {"epoch": "e", "seq": 2}},
            {"mode": "events", "cursor": "bot"},
        ]
        assert server.called("state.ack")[-1] == {"cursor": "bot", "seq": 6}
        assert "EPOCH:SEQ" in jp.fails(2, "event", "follow", "--resume", "7")

    def test_the_daemons_end_is_told(self, jp, server):
        process = jp.start("event", "follow")
        with process:
            for _ in self.EVENTS:
                process.stdout.readline()
            server.end(server.sessions[0])
            out, err = process.communicate(timeout=10)
        assert (out, process.returncode) == (b"", 3)
        assert b"The daemon ended" in err

    def test_an_interruption_is_quiet(self, jp):
        process = jp.start("event", "follow")
        with process:
            for _ in self.EVENTS:
                process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=10) == (b"", b"")
        assert process.returncode == 130

    def test_it_ends_when_its_reader_does(self, jp):
        process = jp.start("event", "follow")
        with process:
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(10) == 141


class TestGeneric:
    METHOD = {
        "name": "ping.send", "cli": "ping", "per_profile": True, "summary": "Ping.",
        "doc": "Ping a peer.",
        "params": [
            {"name": "peer", "required": True, "schema": {"type": "string"}, "doc": "whom"},
            {"name": "count", "required": False, "schema": {"type": "integer"}, "doc": ""},
            {"name": "urgent", "required": False, "schema": {"type": "boolean"}, "doc": ""},
            {"name": "colour", "required": False, "doc": "",
             "schema": {"anyOf": [{"$ref": "#/types/Colour"}, {"type": "null"}]}},
            {"name": "tags", "required": False, "doc": "",
             "schema": {"type": "array", "items": {"type": "string"}}},
            {"name": "extra_data", "required": False, "schema": {"type": "object"}, "doc": ""},
        ],
        "result": {"type": "number"},
    }  # fmt: skip

    @pytest.fixture(autouse=True)
    def answers(self, server):
        types = {"Colour": {"enum": ["red", "blue"]}}
        server.answers |= {
            "api.describe": {"api": "1.0", "methods": [self.METHOD], "events": [], "types": types},
            "ping.send": 0.0341,
        }

    @pytest.mark.parametrize("words", [("ping",), ("ping", "send"), ("ping.send",)])
    def test_a_plugins_command_needs_nothing_here(self, jp, server, words):
        assert jp("-p", "alice", *words, "bob@x") == "0.034\n"
        assert server.called("ping.send") == [{"peer": "bob@x", "profile": "alice"}]

    def test_parameters_are_of_their_types(self, jp, server):
        jp("ping", "--count", "2", "--urgent", "--tags", "a", "--tags", "b", "--extra-data",
           '{"x":1}', "--colour", "red", "--peer", "bob@x")  # fmt: skip
        jp("ping", "bob@x", "--no-urgent")
        assert server.called("ping.send") == [
            {"peer": "bob@x", "count": 2, "urgent": True, "tags": ["a", "b"], "colour": "red",
             "extra_data": {"x": 1}},
            {"peer": "bob@x", "urgent": False},
        ]  # fmt: skip
        assert "one of red, blue" in jp.fails(2, "ping", "bob@x", "--colour", "green")
        assert "PEER is missing" in jp.fails(2, "ping")

    def test_its_help(self, jp):
        told = jp("ping", "--help")
        assert told.startswith("Ping a peer.\n\n  jp ping PEER ")
        assert "--extra-data" in told
        assert "--peer" not in told

    def test_help_has_what_plugins_have(self, jp):
        assert "\n  ping  Ping a peer.\n" in jp("--help")

    def test_what_nobody_knows(self, jp, server):
        assert "Did you mean “ping”?" in jp.fails(2, "pinng", "bob@x")
        assert "Did you mean “list”?" in jp.fails(2, "roster", "lits")

    def test_any_method_can_be_called(self, jp, server):
        assert jp("api", "call", "ping.send", '{"peer":"x"}') == "0.0341\n"
        assert jp("api", "call", "ping.send", "-", input=b'{"peer":"y"}') == "0.0341\n"
        assert server.called("ping.send") == [{"peer": "x"}, {"peer": "y"}]
        assert "not JSON" in jp.fails(2, "api", "call", "ping.send", "{")
        assert "object" in jp.fails(2, "api", "call", "ping.send", "[]")

    def test_describe(self, jp):
        told = jp("api", "describe")
        assert "Methods: ping\n\n  ping.send\n    Ping a peer.\n      peer " in told
        assert "\n    Command: jp ping\n" in told
        (document,) = jp("api", "describe", "--openrpc").splitlines()
        assert [one["name"] for one in json.loads(document)["methods"]] == ["ping.send"]
        assert json.loads(jp("--json", "api", "describe"))["methods"] == [self.METHOD]


class TestHelp:
    def test_help_needs_no_daemon(self, jp):
        assert "message send" in jp("--help")
        assert "jp roster add JID" in jp("roster", "--help")
        assert jp("message", "send", "--help").startswith("Send a message")
        assert jp("-h") == jp("--help")
        assert not (jp.home / "lock").exists()

    @pytest.mark.parametrize("line", [(), ("roster",), ("-p", "alice")])
    def test_a_line_without_command_is_a_mistake(self, jp, line):
        done = jp.run(*line)
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"jp" in done.stderr

    def test_a_slip_of_the_pen_starts_no_daemon(self, jp):
        told = jp.fails(2, "mesage", "send", "bob@x", SAT_NO_START="")
        assert "Did you mean “message”?" in told
        assert not (jp.home / "lock").exists()


def test_output_that_nobody_reads_is_quiet(jp, server):
    server.answers["roster.list"] = [CONTACT] * 20_000
    process = jp.start("roster", "list")
    with process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(10) == 141


def test_output_that_can_not_be_written_is_told(jp, server):
    server.answers["roster.list"] = [CONTACT] * 20_000
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*jp.command, "roster", "list"], env=jp.environment, stdout=full,
            stderr=subprocess.PIPE, timeout=30,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == b"jp: Input or output: No space left on device.\n"


def test_closed_streams_are_no_reason_to_fall(jp, server):
    server.answers["message.send"] = SENT
    shell = 'exec "$@" <&- >&- 2>&-'
    for line, code in (("message send bob@x hi", 0), ("message send bob@x", 2)):
        done = subprocess.run(
            ["sh", "-c", shell, "sh", *jp.command, *line.split()], env=jp.environment, timeout=30
        )
        assert done.returncode == code
    assert server.called("message.send") == [{"to": "bob@x", "body": "hi"}]


def test_an_interruption_while_waiting(jp, server):
    server.answers["roster.list"] = lambda session, params: NOTHING
    process = jp.start("roster", "list")
    with process:
        while not server.called("roster.list"):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == (b"", b"")
    assert process.returncode == 130
