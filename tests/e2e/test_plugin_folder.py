"""Plugins come, change and go while the daemon runs; one that fails harms nothing else."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.e2e.refusals import bodies, refused
from tests.house.tree import copy_tree
from tests.testbed import Daemon
from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger

pytestmark = pytest.mark.any_server

GREETER = '''\
from sat.plugin import Plugin, command


class Greeter(Plugin):
    """Greet people."""

    name = "greeter"
    features = ("urn:example:greeter",)

    @command(cli="greet")
    async def say(self, to: str, loudly: bool = False) -> str:
        """Greet somebody.

        :param to: whom
        :param loudly: in capital letters
        """
        text = f"Salut, {to}!"
        return text.upper() if loudly else text
'''

RAISING = '''\
from sat.plugin import JID, Element, Iq, Plugin, Stage, command, iq_get, message_stage


class Raising(Plugin):
    """Fail in every handler."""

    name = "raising"

    @message_stage(Stage.VALIDATE)
    async def look(self, incoming) -> None:
        raise RuntimeError("at the message")

    @iq_get("urn:example:raising", "query")
    async def answer(self, request: Iq) -> None:
        raise RuntimeError("at the iq")

    @command()
    async def fail(self) -> None:
        """Fail."""
        raise RuntimeError("at the command")

    @command()
    async def ask(self, peer: JID) -> None:
        """Ask a peer for what it fails at."""
        query = Element(("urn:example:raising", "query"))
        await self.request(Iq(type="get", to=peer, extensions=[query]))
'''

#: What can't be loaded, and a word that tells why.
BROKEN = {
    "syntax": ("class Greeter(", "SyntaxError"),
    "import": ("import no_such_module_anywhere", "no_such_module_anywhere"),
    "raises": ('raise RuntimeError("at the import")', "at the import"),
    "nothing": ("x = 1", "one class derived from Plugin"),
    "exits": ('import sys\nsys.exit("at the exit")', "at the exit"),
    "load": (
        f"{GREETER}\n    def load(self):\n        raise RuntimeError('at the load')\n",
        "at the load",
    ),
    "type": (GREETER.replace("to: str", "to: complex"), "the parameter to can't cross the bridge"),
    "name": (GREETER.replace('"greeter"', "'ping'", 1), "ping"),
    "requires": (GREETER.replace("    features", '    requires = ("x",)\n    features'), "x"),
}


@pytest.fixture(scope="module")
def house(server, people) -> Iterator[SimpleNamespace]:
    """A daemon with two profiles, one for all tests of this file."""
    with Daemon() as daemon:
        alice, bob, carol = people("alice", "bob", "carol")
        for name in (alice, bob):
            daemon.profile(name, server)
        yield SimpleNamespace(
            daemon=daemon,
            alice=alice,
            bob=bob,
            carol=carol,
            jid=server.jid(alice),
            peer=server.jid(bob),
            built_in=set(states(daemon)),
        )


@pytest.fixture
def folder(house) -> Iterator[Path]:
    """The user's plugin folder; empty again at the end, and the daemon the same."""
    pid = house.daemon.pid
    found = house.daemon.home / "plugins"
    yield found
    for path in found.glob("*.py"):
        path.unlink()
    assert wait_until(lambda: set(states(house.daemon)) == house.built_in, 10)
    talk(house)
    assert house.daemon.pid == pid
    assert failures(house.daemon) == ""


def states(daemon: Daemon) -> dict[str, tuple[str, str]]:
    """Return each plugin's state and what is told of it."""
    listed = daemon.json("plugin", "list")
    return {one["name"]: (one["state"], one["sentence"]) for one in listed}


def failures(daemon: Daemon) -> str:
    """Return what `sat status` says of plugins that failed."""
    lines = daemon.sat("status").stdout.splitlines()
    return "\n".join(line for line in lines if line.startswith("plugin  "))


def methods(daemon: Daemon) -> set[str]:
    described = daemon.json("api", "describe")[0]
    return {one["name"] for one in described["methods"]}


def talk(house: SimpleNamespace) -> None:
    """Let alice and bob exchange messages, which must all arrive."""
    count = len(bodies(house.daemon, house.bob, house.jid))
    for sender, to in ((house.alice, house.peer), (house.bob, house.jid)):
        house.daemon.jp("-p", sender, "message", "send", to, "hi", "--wait", "acknowledged")
    for reader, peer in ((house.alice, house.peer), (house.bob, house.jid)):
        assert wait_until(
            lambda reader=reader, peer=peer: len(bodies(house.daemon, reader, peer)) == count + 2,
            10,
        )


def test_a_file_that_is_dropped_changed_and_removed(house, folder):
    daemon = house.daemon
    assert len(GREETER.splitlines()) <= 20
    line = ("-p", house.alice, "greet", "Bob")
    refused(daemon.jp(*line, check=False), 2, "There is no command “greet”")
    with daemon.follow() as follower:
        (folder / "greeter.py").write_text(GREETER)
        told = follower.wait_for("plugin.loaded")["data"]
        assert (told["name"], told["summary"]) == ("greeter", "Greet people.")
        follower.wait_for("api.changed")
        assert daemon.jp(*line).stdout == "Salut, Bob!\n"
        assert daemon.jp(*line, "--loudly").stdout == "SALUT, BOB!\n"
        assert "Greet somebody." in daemon.jp("greet", "--help").stdout
        assert "greeter.say" in methods(daemon)
        assert states(daemon)["greeter"] == ("loaded", "")

        (folder / "greeter.py").write_text(GREETER.replace("Salut", "Bonjour"))
        assert wait_until(lambda: daemon.jp(*line, check=False).stdout == "Bonjour, Bob!\n", 10)

        (folder / "greeter.py").unlink()
        follower.wait_for("plugin.unloaded", lambda data: data["name"] == "greeter")
        assert wait_until(lambda: "greeter.say" not in methods(daemon), 10)
    refused(daemon.jp(*line, check=False), 2, "There is no command “greet”")
    assert "greeter" not in states(daemon)


def test_what_is_in_the_folder_is_loaded_at_the_next_start(house, folder):
    (folder / "greeter.py").write_text(GREETER)
    with Daemon() as other:
        shutil.copytree(folder, other.home / "plugins", dirs_exist_ok=True)
        other.stop()
        other.start()
        assert states(other)["greeter"] == ("loaded", "")
        assert "greeter.say" in methods(other)


def test_files_that_can_not_be_loaded(house, folder):
    daemon = house.daemon
    for kind, (text, _) in BROKEN.items():
        (folder / f"{kind}.py").write_text(text.replace('"greeter"', f'"{kind}"'))
    assert wait_until(lambda: len(failures(daemon).splitlines()) == len(BROKEN), 10), daemon.sat(
        "status"
    ).stdout
    told = dict(zip(sorted(BROKEN), failures(daemon).splitlines(), strict=True))
    for kind, (_, word) in BROKEN.items():
        assert f" {kind} " in told[kind] and word in told[kind], told
        assert states(daemon)[kind][0] == "failed"
    assert "Traceback" not in daemon.sat("status").stdout
    assert not [name for name in methods(daemon) if name.endswith(".say")]
    assert float(daemon.jp("-p", house.alice, "ping", house.peer).stdout) > 0
    talk(house)
    # Mended, they are loaded without a word from anybody.
    for kind in BROKEN:
        mended = GREETER.replace('"greeter"', f'"{kind}"').replace('greet"', f'{kind}"')
        (folder / f"{kind}.py").write_text(mended)
    assert wait_until(
        lambda: all(states(daemon).get(kind) == ("loaded", "") for kind in BROKEN), 10
    ), states(daemon)


def test_handlers_that_raise(house, folder):
    daemon = house.daemon
    (folder / "raising.py").write_text(RAISING)
    assert wait_until(lambda: "raising.fail" in methods(daemon), 10)
    talk(house)
    assert "at the message" in failures(daemon)
    done = daemon.jp("-p", house.alice, "raising", "fail", check=False)
    refused(done, 1, "raising.fail", "plugin raising", "sat logs")
    assert "at the command" in failures(daemon)
    bound = daemon.json("profile", "get", house.bob)[0]["connection"]["jid"]
    done = daemon.jp("-p", house.alice, "raising", "ask", bound, check=False)
    refused(done, 1, "refused")
    assert "at the iq" in failures(daemon)
    assert states(daemon)["raising"][0] == "loaded"
    talk(house)


def test_a_built_in_plugin_is_unloaded_and_loaded(house, server, folder):
    daemon = house.daemon
    bound = daemon.json("profile", "get", house.alice)[0]["connection"]["jid"]
    line = ("-p", house.alice, "ping", house.peer)

    def features(stranger: Stranger) -> set[str]:
        stranger.seen.clear()
        stranger.tell("features", bound)
        return set(stranger.expect("features")["features"])

    with Stranger(server, house.carol) as stranger:
        assert "urn:xmpp:ping" in features(stranger)
        daemon.jp("plugin", "unload", "ping")
        assert states(daemon)["ping"][0] == "unloaded"
        assert "ping.send" not in methods(daemon)
        assert "urn:xmpp:ping" not in features(stranger)
        refused(daemon.jp(*line, check=False), 2, "There is no command “ping”", "jp plugin list")
        refused(daemon.jp("option", "get", "ping.timeout", check=False), 6, "ping.timeout")
        talk(house)
        daemon.jp("plugin", "load", "ping")
        assert "urn:xmpp:ping" in features(stranger)
        assert float(daemon.jp(*line).stdout) > 0
        assert daemon.json("option", "get", "ping.timeout")[0]["value"] == 10
    refused(daemon.jp("plugin", "load", "nothing", check=False), 6, "nothing", "jp plugin list")
    refused(daemon.jp("plugin", "unload", "nothing", check=False), 6, "nothing", "jp plugin list")


def test_each_plugin_can_be_deleted(server, people, tmp_path):
    """The file is the feature: without it the daemon runs, and people talk."""
    tree = copy_tree(tmp_path / "tree")
    files = sorted((tree / "plugins").glob("xep_*.py"))
    assert len(files) >= 5
    alice, bob = people("alice", "bob")
    with Daemon(home=tmp_path / "home") as daemon:
        daemon.environment["PYTHONPATH"] = str(tree)
        for name in (alice, bob):
            daemon.profile(name, server)
        house = SimpleNamespace(
            daemon=daemon, alice=alice, bob=bob, jid=server.jid(alice), peer=server.jid(bob)
        )
        all_names = set(states(daemon))
        assert len(all_names) == len(files)
        gone = set()
        for file in files:
            daemon.stop()
            aside = file.rename(tmp_path / file.name)
            daemon.start()
            status = json.loads(daemon.sat("status", "--json").stdout)
            plugins = {one["name"]: one["state"] for one in status["plugins"]}
            assert set(plugins.values()) == {"loaded"}, plugins
            assert failures(daemon) == ""
            gone |= all_names - set(plugins)
            assert len(plugins) == len(files) - 1
            for name in (alice, bob):
                daemon.jp("profile", "connect", name)
            talk(house)
            aside.rename(file)
        assert gone == all_names
