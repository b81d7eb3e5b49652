"""Notices on the desktop over D-Bus: org.freedesktop.Notifications, Desktop Notifications 1.2.

What is slow stands in a thread of its own: the bus may start a program for the first notice, and a
program that shows notices may hang. Nothing is imported before a notice is due, and nothing at all
where there is no session bus.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dbus.bus import BusConnection

_log = logging.getLogger(__name__)

_NAME = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
#: The most characters of a title and of a body.
TITLE, BODY = 100, 400
#: Seconds that whoever shows notices may take for one, and for which it is left alone after that.
_PATIENCE, _PAUSE = 5.0, 60.0
#: So many notices wait at most, and so many conversations have one that can be replaced.
_WAITING, _KNOWN = 20, 200


class _Told(NamedTuple):
    title: str
    body: str
    key: Hashable
    failed: Callable[[], object]


class Desktop:
    """Shows notices on the desktop, where there is one.

    :param program: who tells: the name that people know it by
    :param environment: where the session's bus is looked for
    """

    def __init__(self, program: str, environment: Mapping[str, str] = os.environ) -> None:
        self._program = program
        self._there = _has_bus(environment)
        self._waiting: deque[_Told] = deque(maxlen=_WAITING)
        self._something = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._quiet_until = 0.0
        # What follows is the thread's own.
        self._bus: BusConnection | None = None
        self._markup = False
        self._ids: OrderedDict[Hashable, int] = OrderedDict()

    def notify(self, title: str, body: str, key: Hashable, failed: Callable[[], object]) -> bool:
        """Show a notice in place of the last one of the same key; return at once.

        Of many that come while the desktop takes its time, the last ones are shown.

        :param title: a single harmless line; so is ``body``, which may hold anything else
        :param failed: is called in another thread if the notice can't be shown
        :returns: False if there is no desktop, or it has not answered lately: tell otherwise
        """
        if not self._there or self._closed or time.monotonic() < self._quiet_until:
            return False
        with self._something:
            self._waiting.append(_Told(title, body, key, failed))
            self._something.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="desktop", daemon=True)
            self._thread.start()
        return True

    def close(self) -> None:
        """Show no more; what is shown stays."""
        with self._something:
            self._closed = True
            self._waiting.clear()
            self._something.notify()

    # ---- in the thread

    def _run(self) -> None:
        while True:
            with self._something:
                while not self._waiting and not self._closed:
                    self._something.wait()
                if self._closed:
                    break
                told = self._waiting.popleft()
            try:
                self._show(told)
            except ImportError:
                self._there = False
                told.failed()
            except Exception as error:
                # dbus-python's own error can't be named before it is imported.
                _log.info("No notice on the desktop: %s", error)
                self._quiet_until = time.monotonic() + _PAUSE
                self._drop()
                told.failed()
        self._drop()

    def _show(self, told: _Told) -> None:
        import dbus

        if self._bus is None:
            # Private: a bus that ends must not end this program, nor anybody else's calls.
            self._bus = dbus.SessionBus(private=True)
            self._bus.set_exit_on_disconnect(False)
            found = self._call("GetCapabilities", "", ())
            self._markup = "body-markup" in (found if isinstance(found, list) else ())
        body = _cut(told.body, BODY)
        if self._markup:
            from html import escape

            body = escape(body, quote=False)
        hints = {"category": "im.received", "urgency": dbus.Byte(1)}
        before = self._ids.pop(told.key, 0)
        arguments: tuple[object, ...] = (
            self._program, before, "", _cut(told.title, TITLE), body, [], hints, -1,
        )  # fmt: skip
        number = self._call("Notify", "susssasa{sv}i", arguments)
        if isinstance(number, int):
            self._ids[told.key] = number
        while len(self._ids) > _KNOWN:
            self._ids.popitem(last=False)

    def _call(self, method: str, signature: str, arguments: tuple[object, ...]) -> object:
        assert self._bus is not None
        result: object = self._bus.call_blocking(
            _NAME, _PATH, _NAME, method, signature, arguments, timeout=_PATIENCE
        )
        return result

    def _drop(self) -> None:
        """Let go of the bus: the next notice begins anew."""
        bus, self._bus = self._bus, None
        self._ids.clear()
        if bus is not None:
            bus.close()


def _has_bus(environment: Mapping[str, str]) -> bool:
    """Tell whether this session has a bus, which shows notices where the person is.

    What is run through ssh would show them on another machine, if at all.
    """
    if environment.get("SSH_CONNECTION"):
        return False
    if environment.get("DBUS_SESSION_BUS_ADDRESS"):
        return True
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    return runtime.startswith("/") and Path(runtime, "bus").exists()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
