"""The demonstration: a second console on the same terminal, where there is something to try."""

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from sat.bridge.errors import CommandError
from sat.frontends.console.texts import _
from sat.frontends.core.demo import Demo

if TYPE_CHECKING:
    from sat.frontends.console.app import App


async def demo(app: "App") -> None:
    """Let the person try it until they leave, then offer accounts again.

    :raises CommandError: ``failed.demo`` with why there can be no demonstration
    """
    app.tell(_("Two people and a server of their own are set up. This takes some seconds…"))
    running = await Demo.begin()
    app.tell("")
    try:
        told = await _console(app, running.environment)
    finally:
        await running.close()
    if told:
        raise CommandError("failed.demo", told)
    app.do("profiles")
    app.tell(_("The demonstration is over, and nothing of it is left."))


async def _console(app: "App", environment: dict[str, str]) -> str:
    """Lend the terminal to another console until it ends; return what that complained of."""
    command = [sys.executable, "-P", "-m", "sat.frontends.console", "--theme", app.screen.theme]
    app.screen.stop()
    try:
        child = await asyncio.create_subprocess_exec(
            *command, env=environment, stderr=asyncio.subprocess.PIPE
        )
        try:
            _out, said = await child.communicate()
        except BaseException:
            # This program is ended meanwhile: that one can't stay on the terminal alone.
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            await child.wait()
            raise
    finally:
        app.screen.start()
        app.screen.redraw()
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("primitivus: ") if lines and child.returncode else ""
