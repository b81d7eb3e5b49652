"""What actions do by themselves: dates that people write, and links that peers send."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sat.bridge.errors import CommandError
from sat.frontends.console.doing import DOING
from sat.frontends.console.doing.messages import open_link, read_date
from sat.frontends.console.keys import ACTIONS

TODAY = date(2026, 11, 21)


def test_every_action_does_something_and_everything_that_is_done_has_a_name() -> None:
    named = {one.name for one in ACTIONS if not one.name.startswith(("edit-", "dialog-"))}
    assert named == {*DOING}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-02-03", date(2026, 2, 3)),
        ("3.2.2026", date(2026, 2, 3)),
        ("3/2/2026", date(2026, 2, 3)),
        ("02-03", date(2026, 2, 3)),
        ("3.2.", date(2026, 2, 3)),
        (" Yesterday ", date(2026, 11, 20)),
        ("today", TODAY),
        ("-7", date(2026, 11, 14)),
    ],
)
def test_a_date_is_read_as_people_write_it(text: str, day: date) -> None:
    assert read_date(text, TODAY) == day


@pytest.mark.parametrize(
    "text", ["", "soon", "32.1.2026", "-", "-99999999999", "2026-13-01", "1.1.1.1"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        read_date(text, TODAY)
    assert caught.value.name == "usage.date"


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a browser of ours was told to open."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$*" > {tmp_path}/opened\n')
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(program))
    return tmp_path / "opened"


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/a b",
        "https://example.org/$HOME;touch x|`id`&",
        "xmpp:tea@rooms.example.org?join",
    ],
)
def test_a_link_is_opened(opened: Path, link: str) -> None:
    app: Any = None
    asyncio.run(open_link(app, link))
    assert opened.read_text() == link


@pytest.mark.parametrize(
    "link", ["file:///etc/passwd", "--help", "-e sh", "javascript:1", "/bin/sh", ""]
)
def test_what_a_peer_sends_opens_nothing_of_this_machine(opened: Path, link: str) -> None:
    app: Any = None
    with pytest.raises(CommandError) as caught:
        asyncio.run(open_link(app, link))
    assert caught.value.name == "denied.link"
    assert not opened.exists()
