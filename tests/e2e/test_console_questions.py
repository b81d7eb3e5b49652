"""Primitivus in a real terminal: all that the daemon asks, as forms that are filled in."""

import json
import re

import pytest

from tests.testbed import Daemon, Prosody
from tests.testbed.console import Console
from tests.testbed.processes import free_ports, wait_until

pytestmark = pytest.mark.any_server

PLUGIN = '''\
from sat.plugin import CommandError, Field, Form, JID, Level, Plugin, command, question


class Party(Plugin):
    """Ask for everything."""

    name = "party"

    def load(self) -> None:
        """Begin without an answer."""
        self.values: dict[str, list[str]] = {}

    @command(level=Level.SEND)
    async def ask(self) -> None:
        """Ask."""
        fields = (
            Field(name="note", kind="fixed", value=("Bring\\u202e something.",)),
            Field(name="key", kind="hidden", value=("k",)),
            Field(name="nick", label="Who?", value=("al",), required=True),
            Field(name="about", kind="text-multi", label="More"),
            Field(name="pin", kind="text-private", label="PIN"),
            Field(name="late", kind="boolean", label="Late", value=("true",)),
            Field(name="dish", kind="list-single", label="Dish", options=("soup", "pie")),
            Field(name="sides", kind="list-multi", label="Beside", options=("rice", "peas")),
            Field(name="guests", kind="jid-multi", label="Guests"),
        )
        await self.host.ask("all", "What will it be?", Form(title="Party", fields=fields))

    @command(level=Level.READ)
    async def answered(self) -> dict[str, list[str]]:
        """Return what was answered."""
        return self.values

    @question("all")
    async def all(self, peer: JID | None, values: dict[str, list[str]]) -> None:
        """Keep it, if it will do."""
        if values.get("dish") == ["soup"]:
            raise CommandError("failed.soup", "There is no soup left.")
        self.values = values
'''


def answers(house: Daemon, profile: str) -> dict[str, list[str]]:
    """Return what the plugin was answered."""
    (found,) = house.json("-p", profile, "party", "answered")
    return dict(found)


def test_an_invitation_is_answered(server, house: Daemon, two) -> None:
    alice, bob = two
    room = f"party-{bob}@muc.{server.host}"
    house.jp("-p", bob, "room", "join", room, "--nick", "Bob")
    with Console(house, "-p", alice, size=(100, 30)) as console:
        console.wait_for(f"● {bob}")
        house.jp("-p", bob, "room", "invite", room, server.jid(alice), "--reason", "There is cake")
        console.wait_for("1 question")
        console.press("F7")
        seen = console.wait_for("[ Later ] [ Yes ] [ No ]")
        assert "There is cake" in seen and f"Join {room}?" in seen.replace("\n", "")
        console.press("Right")
        console.press("Enter")
        console.wait_without("1 question")
        rooms = ("-p", alice, "room", "list")
        assert wait_until(lambda: [one["state"] for one in house.json(*rooms)] == ["joined"], 30)
        # It is open, and what is written goes there.
        console.wait_for(f"# party-{bob}")
        console.wait_for("│Write a message")
        console.say("I am here")
        heard = ("-p", bob, "message", "list", room)
        assert wait_until(lambda: [one["body"] for one in house.json(*heard)] == ["I am here"], 30)
        # Who is invited in turn is told to have been.
        console.say(f"/invite {server.jid(bob)}")
        console.wait_for("/room invite: done.")


def test_a_room_that_asks_for_a_password_gets_it(house: Daemon, server, two) -> None:
    alice, bob = two
    name = f"secret-{bob}"
    room = f"{name}@muc.{server.host}"
    house.jp("-p", bob, "room", "join", room, "--nick", "Bob")
    found = f'prosody.hosts["muc.{server.host}"].modules.muc.get_room_from_jid("{room}")'
    server.shell(f'>{found}:set_password("open sesame")')
    with Console(house, "-p", alice, size=(100, 30)) as console:
        console.wait_for(f"● {bob}")
        console.press("M-j")
        console.wait_for("Join the room")
        console.say(f"{room} Alice")
        console.wait_for("1 question")
        console.press("F7")
        console.wait_for("[ OK ]")
        console.type("wrong")
        assert "wrong" not in console.screen()
        console.press("M-Enter")
        console.wait_without("[ OK ]")
        # It is asked again.
        questions = ("-p", alice, "question", "list")
        assert wait_until(lambda: len(house.json(*questions)) == 1, 30)
        console.wait_for("1 question")
        console.press("F7")
        console.wait_for("[ OK ]")
        console.type("open sesame")
        assert "sesame" not in console.screen()
        console.press("M-Enter")
        console.wait_without("[ OK ]")
        console.wait_without("1 question")
        rooms = ("-p", alice, "room", "list")
        assert wait_until(lambda: [one["state"] for one in house.json(*rooms)] == ["joined"], 30)


def test_what_a_plugin_asks_is_a_form_like_any(server, house: Daemon, two) -> None:
    alice, _bob = two
    (house.home / "plugins").mkdir(exist_ok=True)
    (house.home / "plugins" / "party.py").write_text(PLUGIN)
    house.jp("plugin", "load", "party")
    with Console(house, "-p", alice, size=(100, 40)) as console:
        console.wait_for(f"● {alice}")
        house.jp("-p", alice, "party", "ask")
        console.wait_for("1 question")
        console.press("F7")
        seen = console.wait_for("Who?")
        assert "Bring something." in seen and "\u202e" not in seen
        # What was filled in by the one who asks can be changed.
        console.press("C-u")
        console.press("M-Enter")
        console.wait_for("This has to be filled in.")
        console.type("alice")
        console.press("Tab")
        console.type("one")
        console.press("Enter")
        console.type("two")
        console.press("Tab")
        console.type("1234")
        assert "1234" not in console.screen()
        console.press("Tab")
        console.press("Space")
        console.wait_for("[ ] Late")
        console.press("Tab")
        console.press("Space")
        console.wait_for("(x) soup")
        console.press("Tab")
        console.press("Space")
        console.press("Down")
        console.press("Space")
        console.wait_for("[x] peas")
        console.press("Tab")
        console.type("carol@example.org")
        console.press("Enter")
        console.type("@")
        console.press("M-Enter")
        console.wait_for("guests must be an address")
        console.press("BSpace")
        console.press("M-Enter")
        # What the plugin itself refuses is told; its question is closed, and it may ask again.
        console.wait_for("There is no soup left.")
        console.press("Escape")
        console.wait_without("Who?")
        house.jp("-p", alice, "party", "ask")
        console.wait_for("1 question")
        console.press("F7")
        console.wait_for("Who?")
        console.press("M-Enter")
        console.wait_without("1 question")
        assert wait_until(lambda: answers(house, alice).get("nick") == ["al"], 30)
        assert answers(house, alice)["late"] == ["true"]


def test_what_was_answered_elsewhere_meanwhile_is_told(server, house: Daemon, two) -> None:
    alice, bob = two
    room = f"else-{bob}@muc.{server.host}"
    house.jp("-p", bob, "room", "join", room, "--nick", "Bob")
    with Console(house, "-p", alice, size=(100, 30)) as console:
        console.wait_for(f"● {bob}")
        house.jp("-p", bob, "room", "invite", room, server.jid(alice))
        console.wait_for("1 question")
        console.press("F7")
        console.wait_for("[ Later ]")
        (asked,) = house.json("-p", alice, "question", "list")
        house.jp("-p", alice, "question", "answer", asked["id"], "join=no")
        console.wait_without("1 question")
        console.press("Right")
        console.press("Enter")
        console.wait_for("It was answered elsewhere meanwhile.")
        assert house.json("-p", alice, "room", "list") == []


def fill_in(console: Console, server: Prosody, password: str) -> None:
    """Make dora's account the first one."""
    console.wait_for("Welcome! You need an account first")
    console.press("Enter")
    console.wait_for("An account that you have")
    for text in ("dora@localhost", password, "", server.address):
        console.type(text)
        console.press("Tab")
    console.press("M-Enter")


@pytest.mark.parametrize("trusted", [True, False])
def test_whether_a_certificate_is_trusted_is_asked_where_the_account_is_made(trusted) -> None:
    with (
        Prosody({"dora": "a secret"}) as own,
        Daemon() as daemon,
        Console(daemon, size=(100, 36)) as console,
    ):
        fill_in(console, own, "a secret")
        seen = console.wait_for("[ Later ] [ Yes ] [ No ]")
        assert "Issuer: CN=Testbed CA" in seen and re.search(r"(?:[0-9A-F]{2}:){9}", seen)
        console.press("Right")
        if trusted:
            console.press("Enter")
            console.wait_without("An account that you have")
            console.wait_for("● dora")
            assert daemon.phase("dora") == "online"
            return
        console.press("Right")
        console.press("Enter")
        console.wait_without("[ Later ]")
        # Nothing is connected, and what was typed is there to be changed.
        console.wait_for("signed by no authority that is")
        assert "dora@localhost" in console.screen()
        assert (
            json.loads(daemon.jp("--json", "profile", "get", "dora").stdout)["connection"]["phase"]
            != "online"
        )


@pytest.mark.parametrize("accepted", [True, False])
def test_whether_a_weaker_login_is_accepted_is_asked_in_words_that_warn(accepted) -> None:
    with (
        Prosody({"dora": "a secret"}, password_hash="SHA-256") as own,
        Daemon() as daemon,
    ):
        daemon.profile("dora", own)
        with Console(daemon, size=(100, 30)) as console:
            console.wait_for("● dora")
            own.halt()
            own.password_hash = "SHA-1"
            own.add_user("dora", "a secret")
            own.start()
            daemon.jp("profile", "connect", "dora", check=False)
            console.wait_for("✗ dora: The server of localhost offers SCRAM-SHA-1 at best")
            console.wait_for("1 question: F7")
            console.press("F7")
            seen = console.wait_for("[ Later ] [ Yes ] [ No ]")
            told = " ".join(re.findall(r"[^\s│]+", seen))
            assert "Weaker login" in seen
            assert "where SCRAM-SHA-256 was used before." in told
            assert "That may be a change of the server, or an attack." in told
            assert "Log in by SCRAM-SHA-1 from now on?" in told
            # Who presses Enter without reading decides nothing.
            console.press("Enter")
            console.wait_without("Weaker login")
            assert daemon.phase("dora") == "failed" and "1 question" in console.screen()
            console.press("F7")
            console.wait_for("[ Later ] [ Yes ] [ No ]")
            console.press("Right", *([] if accepted else ["Right"]), "Enter")
            console.wait_without("1 question")
            if accepted:
                console.wait_for("● dora")
                assert daemon.phase("dora") == "online"
            else:
                assert "✗ dora: The server of localhost offers" in console.screen()
                assert daemon.phase("dora") == "failed"


def test_whom_to_trust_is_asked_once_though_the_password_was_wrong() -> None:
    with (
        Prosody({"dora": "a secret"}) as own,
        Daemon() as daemon,
        Console(daemon, size=(100, 36)) as console,
    ):
        fill_in(console, own, "another one")
        console.wait_for("[ Later ] [ Yes ] [ No ]")
        console.press("Right")
        console.press("Enter")
        console.wait_for("The server doesn't accept the password of dora@localhost.")
        console.press("C-u")
        console.type("a secret")
        console.press("M-Enter")
        console.wait_for("● dora")
        assert daemon.json("question", "list", "-p", "dora") == []


def test_a_long_sentence_leaves_room_for_what_waits(server, daemon: Daemon, people) -> None:
    (alice,) = people("alice")
    daemon.jp(
        *("profile", "create", alice, "--jid", server.jid(alice), "--password-stdin"),
        *("--server", server.address),
        input=server.passwords[alice],
    )
    daemon.jp("profile", "connect", alice, check=False)
    with Console(daemon) as console:
        bottom = rf"\n.*{alice}: next try in \d+ s\. The certificate of.*…  1 question: F7.*$"
        console.wait_for(re.compile(bottom).search)
        console.press("F7")
        console.wait_for("Trust this certificate")


def test_the_server_of_an_account_and_whom_it_trusts_can_be_changed(
    server, daemon: Daemon, people
) -> None:
    (alice,) = people("alice")
    (nobody,) = free_ports(1)
    daemon.jp(
        *("profile", "create", alice, "--jid", server.jid(alice), "--password-stdin"),
        *("--server", f"127.0.0.1:{nobody}"),
        input=server.passwords[alice],
    )
    with Console(daemon, size=(100, 36)) as console:
        console.wait_for(alice)
        console.press("F8")
        console.wait_for("Your accounts")
        console.press("Enter")
        console.wait_for("Its server…")
        console.click(*console.find("Its server…"))
        console.wait_for("File of a private certificate authority")
        for text in (server.address, "/nowhere.crt"):
            console.press("C-u")
            console.type(text)
            console.press("Tab")
        console.press("M-Enter")
        console.wait_for("/nowhere.crt can't be read: No such file or directory.")
        # The focus is where the mistake is.
        console.press("C-u")
        console.type(str(server.ca))
        console.press("M-Enter")
        console.wait_without("File of a private certificate authority")
        console.wait_for(f"● {alice}")
        assert daemon.phase(alice) == "online"
