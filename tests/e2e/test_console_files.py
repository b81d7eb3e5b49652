"""Primitivus in a real terminal: files on their way, links, and what opens them."""

import re
from random import Random

import pytest

from tests.e2e.test_console_talking import send
from tests.testbed import Daemon, Prosody
from tests.testbed.console import Console
from tests.testbed.processes import free_ports, wait_until
from tests.testbed.proxy import Proxy

pytestmark = pytest.mark.any_server
SIZE = 16_000_000


def test_a_file_is_sent_with_a_bar_and_a_path_is_completed(server, house: Daemon, two) -> None:
    alice, bob = two
    folder = house.home / "pictures"
    folder.mkdir(exist_ok=True)
    (folder / "a picture.png").write_bytes(b"x" * 70_000)
    with Console(house, "-p", alice, server.jid(bob)) as console:
        console.wait_for("Nothing was said yet.")
        console.press("C-o")
        console.wait_for("Send which file?")
        console.type(f"{folder}/a")
        console.wait_for("a picture.png")
        console.press("Enter")
        console.wait_for("⎘ a picture.png (70.0 kB)", 60)
        console.press("F11")
        seen = console.wait_for("Files")
        assert re.search(r"a picture.png +█{10} 100% +70\.0 kB done", seen)
        console.press("Escape")
        console.wait_without("copy its address")
        console.say(f"/send {folder}/none.png")
        console.wait_for("There is no file")


def test_how_far_a_slow_upload_is_can_be_seen_and_it_can_be_ended() -> None:
    with (
        Proxy(0, Random(1)) as network,
        Prosody({"alice": "alice-secret", "bob": "bob-secret"}, files_at=network.port) as server,
        Daemon() as daemon,
    ):
        network.target = server.ports["https"]
        server.befriend("alice", "bob")
        daemon.profile("alice", server)
        file = daemon.home / "film.bin"
        with file.open("wb") as written:
            written.truncate(SIZE)
        with Console(daemon, "-p", "alice", server.jid("bob"), size=(100, 24)) as console:
            console.wait_for("Nothing was said yet.")
            for ended in (False, True):
                network.up.stall_after(SIZE // 4)
                console.say(f"/send {file}")
                # What is on its way in between counts as sent, too.
                console.wait_for(re.compile(r"film\.bin █{2,7}░+ [2-9]\d%").search)
                console.press("F11")
                console.wait_for(re.compile(r"film\.bin +█+░+ +\d+% +16\.0 MB under way").search)
                if ended:
                    console.press("x")
                    console.wait_for(
                        re.compile(r"film\.bin +█*░+ +\d+% +16\.0 MB cancelled").search
                    )
                network.up.go_on()
                if not ended:
                    console.wait_for(re.compile(r"film\.bin +█{10} 100% +16\.0 MB done").search)
                console.press("Escape")
                console.wait_without("copy its address")
                console.wait_for(lambda seen: "film.bin" not in seen.split("\n")[-1])
            assert console.screen().count("⎘ film.bin") == 1


def test_a_file_that_cant_be_sent_is_told_where_one_looks() -> None:
    (nobody,) = free_ports(1)
    with (
        Prosody({"alice": "alice-secret", "bob": "bob-secret"}, files_at=nobody) as server,
        Daemon() as daemon,
    ):
        server.befriend("alice", "bob")
        daemon.profile("alice", server)
        for name in ("first.txt", "second.txt"):
            (daemon.home / name).write_text("few words")
        with Console(daemon, "-p", "alice", server.jid("bob")) as console:
            console.wait_for("Nothing was said yet.")
            console.say("/send first.txt")
            console.wait_for("bob: first.txt could not be sent")
            console.press("F11")
            # Why stands below, whole, without another key.
            seen = console.wait_for("copy its address")
            assert re.search(r"\n│ first\.txt could not be sent: .*\n.*\n│ c copy its", seen)
            console.press("Escape")
            console.wait_without("could not be sent")
        # What failed before is no news.
        with Console(daemon, "-p", "alice", server.jid("bob")) as console:
            console.wait_for("Nothing was said yet.")
            console.say("/send second.txt")
            assert "first.txt" not in console.wait_for("bob: second.txt could not be sent")


def test_links_and_files_are_listed_and_opened_with_what_the_person_has(
    server, house: Daemon, two
) -> None:
    alice, bob = two
    opened = house.home / "opened"
    browser = house.home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$#:$1" >> {opened}\n')
    browser.chmod(0o700)
    picture = house.home / "holidays.jpg"
    picture.write_bytes(b"x" * 500)
    house.jp("-p", bob, "file", "send", picture, server.jid(alice))
    evil = "https://example.org/?a=$(id)&b=`id`;c"
    send(house, bob, server.jid(alice), f"see {evil} and file:///etc/passwd")
    with Console(
        house, "-p", alice, server.jid(bob), environment={"BROWSER": str(browser)}
    ) as console:
        console.wait_for("⎘ holidays.jpg")
        console.wait_for("see https://")
        console.press("M-l")
        seen = console.wait_for("Links and files")
        assert f"{bob} " in seen and "holidays.jpg" in seen
        assert not any("passwd" in line for line in seen.split("\n") if line.startswith("│"))
        console.type("holi")
        console.press("Enter")
        assert wait_until(lambda: opened.exists(), 30)
        console.wait_without("Links and files")
        console.to_messages()
        console.press("End", "o")
        assert wait_until(lambda: opened.read_text().count("\n") == 2, 30)
        first, second = opened.read_text().splitlines()
        assert first.startswith("1:https://") and first.endswith("/holidays.jpg")
        assert second == f"1:{evil}"
