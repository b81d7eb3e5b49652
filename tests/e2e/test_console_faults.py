"""Primitivus in a terminal, with faults put into it: each is of one row, one key, one window."""

from pathlib import Path

import pytest

from tests.house.tree import ROOT
from tests.testbed import Daemon
from tests.testbed.console import Console

pytestmark = pytest.mark.any_server

#: Python runs it before the program.
FAULTS = """
from sat.frontends.console import message
from sat.frontends.console.doing import DOING
from sat.frontends.console.panes.contacts import ContactsPane
from sat.frontends.console.windows import show

text = message._text
def failing(row, look):
    if "boom" in row.message.body:
        raise ZeroDivisionError(row.message.body)
    return text(row, look)
message._text = failing

def links(app):
    raise LookupError("of one key")
DOING["links"] = links

async def transfers(app):
    raise LookupError("of what takes time")
DOING["transfers"] = transfers

def help_here(app):
    from sat.frontends.console.widgets.popup import Popup
    import urwid
    class Broken(urwid.SolidFill):
        def render(self, size, focus=False):
            raise IndexError("of a window")
    app.show(Popup(Broken(), "Help", 30, 5))
show.help_here = help_here

def theme(app):
    ContactsPane.render = lambda *given: 1 / 0
    app.contacts._invalidate()
    app.root.changed()
DOING["theme"] = theme
"""


@pytest.fixture
def faults(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "sitecustomize.py").write_text(FAULTS)
    return {"PYTHONPATH": f"{tmp_path}:{ROOT}", "SAT_TRACEBACK": ""}


def test_faults_end_nothing_and_are_written_down(server, house: Daemon, two, faults) -> None:
    alice, bob = two
    for body in ("before", "boom secret", "after"):
        house.jp("-p", bob, "message", "send", server.jid(alice), body)
    with Console(house, "-p", alice, server.jid(bob), environment=faults) as console:
        seen = console.wait_for("after")
        assert "before" in seen and "secret" not in seen
        assert "a fault of primitivus itself" in seen and "(ZeroDivisionError)" in seen
        console.press("M-l")
        console.wait_for("(LookupError)")
        console.press("F5")
        console.wait_without("(LookupError)")
        console.press("F11")
        console.wait_for("(LookupError)")
        console.press("F1")
        console.wait_for("(IndexError)")
        console.press("Escape")
        console.wait_without("(IndexError)")
        console.say("still here")
        console.wait_for(": still here")
        console.press("F10")
        console.wait_for(lambda seen: seen.split("\n")[0].startswith("This is a fault"))
        console.say("and here")
        console.wait_for("and here")
        console.press("C-x")
        assert console.wait_end() == 0
    log = (Path(house.home) / "primitivus.log").read_text()
    for name in ("ZeroDivisionError", "LookupError", "IndexError"):
        assert name in log
    assert "secret" not in log and "of one key" in log


def test_who_wants_to_see_it_gets_the_traceback(server, house: Daemon, two, faults) -> None:
    alice, _bob = two
    environment = faults | {"SAT_TRACEBACK": "1"}
    with Console(house, "-p", alice, environment=environment) as console:
        console.wait_for(alice)
        console.press("M-l")
        assert console.wait_end() == 1
        assert "LookupError: of one key" in console.screen()
