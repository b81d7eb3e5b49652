"""The demonstration: another home, with two people on a server of its own, for as long as wanted.

The daemon's programs set it up and remove it (``sat demo --hold``); what a frontend does with it is
to attach a second time, with :attr:`Demo.environment`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Self

from sat.bridge.errors import CommandError
from sat.bridge.program import sat_command
from sat.frontends.core.texts import _

#: What would lead a program to another daemon.
_ELSEWHERE = ("SAT_REMOTE", "SAT_BRIDGE", "SAT_NO_START")
#: Seconds in which all is set up, and in which all is removed.
_BEGIN, _END = 90.0, 30.0


class Demo:
    """A demonstration that runs, until :meth:`close`, or until this program ends, however it ends.

    Make one with :meth:`begin`.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, environment: dict[str, str], place: str
    ) -> None:
        self._process = process
        #: All variables of a program that is to attach to it.
        self.environment = {
            name: value for name, value in environment.items() if name not in _ELSEWHERE
        } | {"SAT_HOME": place}

    @classmethod
    async def begin(cls) -> Self:
        """Set all up, and return once somebody has said something.

        :raises CommandError: ``failed.demo`` with why there can be none: Prosody is missing, …
        """
        command, environment = sat_command(["demo", "--hold"])
        pipe = asyncio.subprocess.PIPE
        # Ctrl-C is for whoever tries it; that it is over is told by the end of its input.
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        assert process.stdout is not None and process.stderr is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _BEGIN)
            if line:
                return cls(process, environment, str(json.loads(line)["home"]))
            said = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
        except TimeoutError:
            told = _("The demonstration was not set up within {seconds} seconds.")
            said = [told.format(seconds=f"{_BEGIN:g}")]
            await _end(process)
        except BaseException:
            await _end(process)
            raise
        told = said[-1].removeprefix("sat: ") if said else _("The demonstration ended at once.")
        raise CommandError("failed.demo", told)

    async def close(self) -> None:
        """End it, and return once nothing of it is left."""
        await _end(self._process)


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _END)
