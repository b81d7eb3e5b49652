"""Notices on the desktop, where there is none: nothing is imported, begun or waited for."""

import sys
import threading

import pytest

from sat.frontends.core.desktop import Desktop


def never() -> None:
    raise AssertionError("nothing was tried")


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"XDG_RUNTIME_DIR": "/nonexistent"},
        {"XDG_RUNTIME_DIR": "relative"},
        {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"},
    ],
)
def test_where_there_is_no_bus_of_this_desktop_it_says_so(environment):
    known, threads = {*sys.modules}, threading.active_count()
    desktop = Desktop("test", environment)
    assert not desktop.notify("title", "body", None, never)
    assert threading.active_count() == threads
    assert "dbus" not in {*sys.modules} - known
    desktop.close()


@pytest.mark.parametrize("how", ["no module", "no bus"])
def test_what_can_not_be_shown_is_told_and_not_tried_again_at_once(monkeypatch, tmp_path, how):
    if how == "no module":
        monkeypatch.setitem(sys.modules, "dbus", None)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    desktop = Desktop("test", {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none"})
    failed = threading.Event()
    assert desktop.notify("title", "body", None, failed.set)
    assert failed.wait(30)
    assert not desktop.notify("title", "body", None, never)
    desktop.close()


def test_a_runtime_folder_with_a_bus_in_it_is_enough(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "dbus", None)
    (tmp_path / "bus").touch()
    failed = threading.Event()
    desktop = Desktop("test", {"XDG_RUNTIME_DIR": str(tmp_path)})
    assert desktop.notify("title", "body", None, failed.set)
    assert failed.wait(30)
    desktop.close()
    assert not desktop.notify("title", "body", None, never)
