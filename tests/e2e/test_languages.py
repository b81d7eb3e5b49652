"""The programs that the documentation shows, and the client for JavaScript."""

import json
import os
import subprocess
import sys

import pytest

from tests.house.tree import ROOT
from tests.testbed import Daemon
from tests.testbed.processes import end_process

pytestmark = pytest.mark.any_server

EXAMPLES = ROOT / "doc" / "scripting" / "examples"
CLIENT = ROOT / "bridge" / "js" / "sat.js"
NODE = "node"
LANGUAGES = {
    "bash": ["bash", "talk.sh"],
    "Python": [sys.executable, "talk.py"],
    "Node": [NODE, "talk.js"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_is_sent_and_received(server, daemon, pair, language):
    alice, bob = pair
    program, name = LANGUAGES[language]
    with daemon.follow("-p", bob) as seen:
        talking = subprocess.Popen(
            [program, EXAMPLES / name, daemon.socket, alice, server.jid(bob)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SAT_JS": str(CLIENT), "PYTHONPATH": str(ROOT)},
        )
        try:
            said = f"Salut from {language}"
            seen.wait_for("message.added", lambda message: message["body"] == said, 30)
            daemon.jp("-p", bob, "message", "send", server.jid(alice), f"Salut, {language}")
            output, errors = talking.communicate(timeout=30)
        finally:
            end_process(talking)
    assert talking.returncode == 0, errors
    assert f"Salut, {language}" in output


class Node:
    """A JavaScript program with `Sat`, `net` and `tell(value)`; what it tells is in `told`."""

    def __init__(self, path: str, program: str) -> None:
        text = (
            f"const Sat = require({json.dumps(str(CLIENT))}), net = require('net');\n"
            f"const path = {json.dumps(path)};\n"
            "const tell = (value) => console.log(JSON.stringify(value));\n"
            f"(async () => {{\n{program}\n}})().catch((e) => tell({{failed: e.stack}}));\n"
        )
        self.process = subprocess.Popen(
            [NODE, "-e", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        end_process(self.process)
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()

    def heard(self) -> object:
        """Return what it tells next."""
        line = self.process.stdout.readline()
        assert line, "the program has ended"
        return json.loads(line)


@pytest.fixture
def home():
    with Daemon() as daemon:
        daemon.jp(
            "profile",
            "create",
            "me",
            "--jid",
            "me@server.test",
            "--password-stdin",
            "--no-autoconnect",
            input="x\n",
        )
        yield daemon


def send(daemon: Daemon, body: str) -> None:
    daemon.jp("message", "send", "bob@server.test", body)


def test_javascript_calls_and_is_told_why_not(home):
    program = """
    const session = await Sat.open(Sat.stream(net.connect(path)), {client: "test"});
    tell(session.hello.api);
    const body = "é\\u2028\\u{1F44B}".repeat(100000).slice(0, 30000);
    const all = await Promise.all([1, 2, 3].map((n) =>
      session.call("message.send", {to: `bob${n}@server.test`, body})));
    tell(all.map(({to, body: kept}) => [to, kept === body]));
    for (const [method, params] of [["no.such"], ["message.get", {id: "x"}], ["message.send", 7]]) {
      await session.call(method, params).catch((e) => tell([e instanceof Sat.SatError, e.code]));
    }
    await session.call("profile.list", {x: "x".repeat(Sat.MAX_LINE)}).catch((e) => tell(e.code));
    tell((await session.call("profile.list")).length);
    session.close();
    tell((await session.ended).code);
    await session.call("profile.list").catch((e) => tell(e.code));
    await Sat.open(Sat.stream(net.connect(path + ".none"))).catch((e) => tell(e.code));
    """
    with Node(str(home.socket), program) as node:
        assert str(node.heard()).startswith("1.")
        assert node.heard() == [[f"bob{n}@server.test", True] for n in (1, 2, 3)]
        assert node.heard() == [True, "unknown.method"]
        assert node.heard() == [True, "unknown.message"]
        assert node.heard() == [True, "usage.params"]
        assert node.heard() == "usage.line"
        assert node.heard() == 1
        assert node.heard() == "daemon.closed"
        assert node.heard() == "daemon.closed"
        assert node.heard() == "daemon.gone"
        assert node.process.wait(30) == 0


def test_javascript_goes_on_where_it_was_when_the_daemon_is_killed(home):
    program = """
    const follower = Sat.follow(() => Sat.stream(net.connect(path)), {
      attach: {mode: "state", types: ["message.added"]},
      onsnapshot: (state) => tell(["snapshot", state.profiles.length]),
      onevent: ({data}) => tell(data.body),
    });
    const params = {to: "bob@server.test", body: "once", txn: "of-javascript"};
    const sent = await follower.call("message.send", params);
    process.stdin.once("data", async () => {
      const again = await follower.call("message.send", params);
      tell(["again", again.id === sent.id]);
      follower.close();
    });
    follower.ended.then((e) => { tell(["ended", e.code]); process.stdin.destroy(); });
    """
    with Node(str(home.socket), program) as node:
        assert node.heard() == ["snapshot", 1]
        assert node.heard() == "once"
        send(home, "before")
        assert node.heard() == "before"
        home.kill()
        home.environment["SAT_NO_START"] = "0"
        send(home, "while it was away")
        assert node.heard() == "while it was away"
        send(home, "after")
        assert node.heard() == "after"
        node.process.stdin.write("go\n")
        node.process.stdin.flush()
        assert node.heard() == ["again", True]
        assert node.heard() == ["ended", "daemon.closed"]
        assert node.process.wait(30) == 0


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("garbage", "failed.line"),
        ("[", "failed.line"),
        ("7", "failed.line"),
        ('{"method":"resync","params":{"oldest":7}}', "log.trimmed"),
        ('{"method":"event","params":{"seq":9,"prev":8,"type":"x"}}', "failed.gap"),
        ('{"id":null,"error":{"message":"no","data":{"name":"usage.line"}}}', "usage.line"),
        ('{"id":null,"error":7}', "failed.unnamed"),
        ('{"method":"event","params":{"seq":6,"prev":5,"type":"x"}}', None),
        ('{"method":"of.later","params":{}}', None),
        ('{"id":77,"result":1}', None),
    ],
)
def test_javascript_ends_a_session_whose_other_side_is_not_to_be_trusted(tmp_path, line, code):
    program = """
    const line = {send: (text) => {
      const {id, method} = JSON.parse(text);
      const answer = JSON.stringify({id, result: {epoch: "e", seq: 5}});
      if (method) setImmediate(() => line.online(answer));
    }, close: () => {}};
    const session = await Sat.open(line);
    await session.attach({}, () => {});
    line.online(%s);
    const told = await Promise.race([session.ended, new Promise((done) => setImmediate(done))]);
    tell(told ? told.code : null);
    """
    with Node("", program % json.dumps(line)) as node:
        assert node.heard() == code


def test_javascript_has_one_name_in_a_page():
    page = (
        "const text = require('fs').readFileSync(%s, 'utf8'), vm = require('vm');"
        "const page = vm.createContext({TextDecoder, TextEncoder, setTimeout, clearTimeout});"
        "const names = (o) => Object.keys(o).length; const before = names(page);"
        "vm.runInContext(text, page); console.log(typeof page.Sat.open, names(page) - before);"
    )
    done = subprocess.run(
        [NODE, "-e", page % json.dumps(str(CLIENT))], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.split() == ["function", "1"], done.stderr
