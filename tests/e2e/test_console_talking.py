"""Primitivus in a real terminal: unread and read, states, drafts, files, several at once."""

import json
import re
import socket

import pytest

from tests.testbed import Daemon
from tests.testbed.console import Console
from tests.testbed.processes import wait_until

pytestmark = pytest.mark.any_server


def send(house: Daemon, author: str, to: str, *bodies: str) -> None:
    """Send messages, all over one session."""
    calls: list[tuple[str, dict[str, str]]] = [("session.hello", {"api": "1"})]
    calls += [("message.send", {"profile": author, "to": to, "body": body}) for body in bodies]
    with socket.socket(socket.AF_UNIX) as line, line.makefile("rw", encoding="utf-8") as file:
        line.connect(str(house.socket))
        for number, (method, params) in enumerate(calls):
            request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            file.write(json.dumps(request) + "\n")
        file.flush()
        for _ in calls:
            assert "result" in json.loads(file.readline())


def unread(house: Daemon, profile: str) -> int:
    return sum(one["unread"] for one in house.json("-p", profile, "conversation", "list"))


def test_what_is_unread_is_counted_found_and_read_where_it_is_looked_at(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    send(house, bob, server.jid(alice), "first", "second")
    with Console(house, "-p", alice) as console:
        console.wait_for(f"● 2 {bob}")
        assert "2 new" in console.screen()
        assert unread(house, alice) == 2
        console.press("M-a")
        console.wait_for(": first")
        seen = console.wait_for("─ new ─")
        assert re.search(r"─ \w+day, \d+ \w+ \d{4} ─", seen)
        console.wait_without("2 new")
        assert wait_until(lambda: unread(house, alice) == 0, 30)
        console.press("M-a")
        console.wait_for("Nothing is unread.")


def test_what_is_read_elsewhere_is_read_here_at_once(server, house: Daemon, two) -> None:
    alice, bob = two
    send(house, bob, server.jid(alice), "hello")
    with Console(house, "-p", alice) as console, Console(house, "-p", alice) as other:
        console.wait_for(f"1 {bob}")
        other.wait_for(f"1 {bob}")
        other.press("M-a")
        other.wait_for(": hello")
        console.wait_without("1 new")
        house.jp("-p", bob, "message", "send", server.jid(alice), "to both")
        other.wait_for("to both")


def test_a_message_says_how_far_it_has_come(server, house: Daemon, two) -> None:
    alice, bob = two
    house.jp("profile", "disconnect", alice)
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.say("later")
        console.wait_for(f"… {alice}: later")
        house.jp("profile", "connect", alice)
        console.wait_for(f"✔ {alice}: later")
        house.jp("-p", bob, "conversation", "read", server.jid(alice))
        console.wait_for(f"◉ {alice}: later")
        nobody = server.jid("nobody-at-all")
        console.press("M-o")
        console.wait_for("Talk to:")
        console.say(nobody)
        console.wait_for("Nothing was said yet.")
        console.say("is anybody there?")
        console.wait_for(f"✗ {alice}: is anybody there?")
        console.wait_for("not sent: ")
        console.to_messages()
        console.press("r")
        console.wait_for(lambda seen: seen.count("is anybody there?") == 2)


def test_what_is_begun_is_kept_and_shown_elsewhere(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.type("not yet finished")
        console.press("C-x")
        assert console.wait_end() == 0
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("not yet finished")
        begun = {"profile": alice, "peer": server.jid(bob), "text": "begun elsewhere"}
        house.jp("api", "call", "conversation.draft", json.dumps(begun))
        console.wait_for("begun elsewhere")
        console.press("Enter")
        console.wait_for(": begun elsewhere")
        listed = ("-p", alice, "conversation", "list")
        assert wait_until(lambda: not house.json(*listed)[0]["draft"], 30)


def test_conversations_side_by_side_and_in_tabs(server, house: Daemon, two, people) -> None:
    alice, bob = two
    (carol,) = people("carol")
    house.profile(carol, server)
    send(house, bob, server.jid(alice), "from bob")
    send(house, carol, server.jid(alice), "from carol")
    with Console(house, "-p", alice, server.jid(bob), server.jid(carol), size=(110, 24)) as console:
        console.wait_for(": from bob")
        seen = console.wait_for(": from carol")
        assert any("from bob" in line and "from carol" in line for line in seen.split("\n"))
        console.say("to carol")
        console.wait_for(f"{alice}: to carol")
        console.press("F6")
        console.say("to bob")
        console.wait_for(f"{alice}: to bob")
        console.press("M-t")
        seen = console.wait_for("choose somebody in the list")
        assert "from bob" not in seen
        send(house, bob, server.jid(alice), "knock")
        console.wait_for(f"1:{bob}+{carol} 1")
        console.press("M-1")
        console.wait_for(": knock")
        console.press("M-w")
        console.wait_without("from bob")
        assert "from carol" in console.screen()


def test_splits_and_tabs_are_closed_one_after_another(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.press("M-h")
        console.wait_for("choose somebody in the list")
        console.press("M-t")
        console.wait_for(f" 1:{bob}  2")
        console.press("M-t")
        console.wait_for(f" 1:{bob}  2  3")
        console.press("M-w")
        seen = console.wait_without("  3")
        assert f" 1:{bob}  2" in seen
        console.press("M-w")
        console.wait_without(f" 1:{bob}  2")
        console.wait_for("Nothing was said yet.")
        console.press("M-w")
        console.wait_without("choose somebody in the list")
        console.press("M-w")
        console.wait_for("choose somebody in the list")
        # The last place stays.
        console.press("M-w", "F2", "Enter")
        console.wait_for("Nothing was said yet.")


def test_who_names_an_account_that_there_isnt_is_told(server, house: Daemon, two) -> None:
    with Console(house, "-p", "nobody-at-all") as console:
        console.wait_for("There is no profile “nobody-at-all”.")


def test_a_filter_finds_who_is_typed(server, house: Daemon, two) -> None:
    alice, bob = two
    for name in ("Zoé Martin", "Yves Dupont", "Zoltan"):
        jid = f"{name.split()[0].lower()}@{server.host}"
        house.jp("-p", alice, "roster", "add", jid, "--name", name, "--group", "Far away")
    with Console(house, "-p", alice) as console:
        console.wait_for("Zoltan")
        assert "▾ Far away (3)" in console.screen()
        console.press("C-t")
        console.type("zo mar")
        seen = console.wait_without("Zoltan")
        assert "Zoé Martin" in seen and "Yves" not in seen and bob not in seen
        console.press("Enter")
        console.wait_for("zoé@")
        console.wait_for("Zoltan")


def test_who_is_called_as_typed_is_found_before_those_who_only_have_it_in_their_name(
    server, house: Daemon, two
) -> None:
    alice, _ = two
    for name in ("Anna Tea", "Tea", "Teacher"):
        jid = f"{name.lower().replace(' ', '-')}@{server.host}"
        house.jp("-p", alice, "roster", "add", jid, "--name", name, "--group", "Far away")
    with Console(house, "-p", alice) as console:
        console.wait_for("Teacher")
        for typed, found in (("tea", "tea@"), ("teac", "teacher@"), ("anna", "anna-tea@")):
            console.press("C-t")
            console.wait_for("Who?")
            console.type(typed)
            console.press("Enter")
            console.wait_for(lambda seen, found=found: found in seen.split("\n")[0])


def test_whom_nobody_is_called_like_is_told_and_the_list_is_all_there(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.press("C-t")
        console.wait_for("Who?")
        console.type("zebra")
        console.wait_without(f"● {bob}  │")
        console.press("Enter")
        seen = console.wait_for("Nobody here is called “zebra”. Alt-O talks to any address.")
        assert seen.startswith(f" ● {bob} ")
        # Keys go where they went before; so they do where nothing is looked for after all.
        console.say("still here")
        console.wait_for(f"{alice}: still here")
        console.press("C-t")
        console.wait_for("Who?")
        console.press("Escape")
        console.wait_without("Who?")
        console.say("and here")
        console.wait_for("and here")
        assert wait_until(
            lambda: (
                [one["body"] for one in house.json("-p", alice, "message", "list", server.jid(bob))]
                == ["still here", "and here"]
            ),
            30,
        )


def test_one_goes_back_and_forth_between_two_conversations(server, house: Daemon, two) -> None:
    alice, bob = two
    carol = f"carol@{server.host}"
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for(f"{bob}@")
        console.press("M-/")
        console.wait_for("No other conversation was open.")
        console.press("M-o")
        console.wait_for("Talk to:")
        console.say(carol)
        console.wait_for(lambda seen: carol in seen.split("\n")[0])
        console.press("M-/")
        console.wait_for(lambda seen: f"{bob}@" in seen.split("\n")[0])
        console.press("M-/")
        console.wait_for(lambda seen: carol in seen.split("\n")[0])
        # Where nothing is open the arrows choose what is, and what was closed comes back.
        console.press("M-w")
        console.wait_for("choose somebody in the list")
        console.press("Home", "Enter")
        console.wait_for(lambda seen: f"{bob}@" in seen.split("\n")[0])
        console.press("M-w")
        console.wait_for("choose somebody in the list")
        console.press("M-/")
        console.wait_for(lambda seen: f"{bob}@" in seen.split("\n")[0])


def test_what_is_refused_is_still_in_the_line(server, house: Daemon, two) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.say("/block")
        console.wait_for(f"/blocking block: {server.jid(bob)}")
        console.say("is this read?")
        seen = console.wait_for(f"{server.jid(bob)} is blocked: to write there, unblock it first")
        assert "│is this read?" in seen
        console.press("C-u")
        console.say("/unblock")
        console.wait_for("/blocking unblock: done.")
        console.press("C-y", "Enter")
        console.wait_for(f"{alice}: is this read?")
        assert "│Write a message" in console.screen()


def test_several_lines_are_written_and_what_was_sent_is_called_back(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.type("one")
        console.press("M-Enter")
        console.type("two")
        seen = console.wait_for("│two")
        assert "Nothing was said yet." in seen and "│one" in seen
        console.press("Enter")
        console.wait_for(re.compile(rf"{alice}: one\n.*│ {{8}}two\n").search)
        console.say("three")
        console.wait_for(re.compile("\\d\\d . three").search)
        console.press("Up")
        console.wait_for("│three")
        console.press("Up", "Up")
        console.wait_for("│two")
        console.press("Down", "Down")
        console.wait_for("│three")
        console.press("Down")
        console.wait_for("Write a message")


def test_what_came_late_and_what_was_styled_is_told_so(server, house: Daemon, two) -> None:
    alice, bob = two
    house.jp("profile", "disconnect", alice)
    house.jp("-p", bob, "message", "send", server.jid(alice), "*bold* _slanted_ ~gone~ `code`")
    send(house, bob, server.jid(alice), "> said\n```\na  block\n```", "/me nods")
    house.jp("profile", "connect", alice)
    with Console(house, "-p", alice, server.jid(bob)) as console:
        seen = console.wait_for(f"* {bob} nods (late)")
        assert "`code` (late)" in seen and "▏ said" in seen and "a  block" in seen
        shown = console.screen(colours=True)
        for number, text in (("1", "bold"), ("3", "slanted"), ("9", "gone")):
            assert re.search(rf"\x1b\[([0-9;]*;)?{number}m(\x1b\[[0-9;]*m)*{text}", shown), text
        assert re.search(r"48;5;\d+mcode", shown) and re.search(r"48;5;\d+ma  block", shown)


def test_the_line_is_where_it_is_new_whenever_one_comes_back(server, house: Daemon, two) -> None:
    alice, bob = two
    send(house, bob, server.jid(alice), "one", "two")

    def new_before(text: str) -> re.Pattern[str]:
        return re.compile(rf"─ new ─+\n[^\n]*{text}\n")

    with Console(house, "-p", alice, server.jid(bob), size=(100, 24)) as console:
        console.wait_for(new_before("one").search)
        console.press("M-o")
        console.wait_for("Talk to:")
        console.say(f"carol@{server.host}")
        console.wait_for("Nothing was said yet.")
        send(house, bob, server.jid(alice), "three", "four")
        console.wait_for("2 new")
        console.press("M-a")
        seen = console.wait_for(new_before("three").search)
        assert seen.count("─ new ─") == 1, seen
        console.wait_without("2 new")
        # Far back as it may be, it is gone to.
        console.press("M-/")
        console.wait_for("Nothing was said yet.")
        send(house, bob, server.jid(alice), *(f"line {number}" for number in range(60)))
        console.wait_for("60 new")
        console.press("M-a")
        console.wait_for("line 59")
        assert "─ new ─" not in console.screen()
        console.press("M-Home")
        console.wait_for(new_before("line 0").search)
        console.press("M-End")
        console.wait_for("line 59")
        # Nothing came since: there is no line.
        console.press("M-/")
        console.wait_for("Nothing was said yet.")
        console.press("M-/")
        console.wait_for("line 59")
        console.press("M-Home")
        console.wait_for("Nothing was new here when you came.")


def test_what_is_pasted_is_sent_without_the_empty_lines_at_its_end(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.paste("  if x:\n    y()\n\n")
        console.wait_for("│    y()")
        console.press("Enter")
        console.wait_for(re.compile(rf"{alice}:   if x:\n").search)
        (sent,) = house.json("-p", alice, "message", "list", server.jid(bob))
        assert sent["body"] == "  if x:\n    y()"


def test_who_is_asked_to_be_a_contact_is_told_with_the_sign_that_says_so(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    with Console(house, "-p", alice, server.jid(bob), size=(120, 24)) as console:
        console.wait_for("Nothing was said yet.")
        console.say(f"/roster add carol@{server.host}")
        console.wait_for(f"carol@{server.host} is asked to let you see when they are there: “?”")
        console.wait_for(re.compile(r"carol\S* \?").search)
