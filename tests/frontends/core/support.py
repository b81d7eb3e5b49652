"""A loop, a scripted daemon, and messages, for the tests of the shared model."""

import asyncio
from datetime import UTC, datetime, timedelta

from sat.bridge.model import Direction, Message, MessageState, MessageType
from sat.frontends.core.attachment import Attachment
from sat.frontends.core.reach import Reach

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOB = ("alice", "bob@x")
TS = "2026-11-21T07:00:00Z"
PATIENCE = 30.0


def run(coroutine):
    """Run a coroutine in a loop of its own, to its end."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(coroutine, 2 * PATIENCE))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def until(found):
    """Wait until a function gives something true, and return it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while not (value := found()):
        assert loop.time() < end, "it didn't come to that"
        await asyncio.sleep(0.005)
    return value


def message(number, *, id=None, rev=None, direction=Direction.IN, **more):
    """Return a message; its id and time follow its number."""
    defaults = {
        "profile": "alice", "peer": "bob@x", "type": MessageType.CHAT, "from_": "bob@x",
        "to": "alice@x", "body": f"text {number}", "ts": NOW + timedelta(minutes=number),
        "state": MessageState.RECEIVED,
    }  # fmt: skip
    if direction is Direction.OUT:
        defaults |= {"from_": "alice@x", "to": "bob@x", "state": MessageState.PENDING}
    return Message(
        id=id or f"{number:x}",
        direction=direction,
        rev=number if rev is None else rev,
        **(defaults | more),
    )


class Attached:
    """An attachment to a scripted daemon, for ``async with``."""

    def __init__(self, **how):
        how.setdefault("delays", (0.01,))
        reach = Reach("test 1", patience=how.pop("greeting", None))
        self.attachment = Attachment(reach, **how)

    async def __aenter__(self):
        self.attachment.begin()
        await self.attachment.attached()
        return self.attachment

    async def __aexit__(self, *_):
        await self.attachment.close()


class Watch:
    """An observer of rows that keeps its own list as it is told, and what it was told."""

    def __init__(self, rows):
        self.rows = rows
        self.own = list(rows)
        self.told = []
        rows.observe(self)

    def added(self, index, row):
        self.own.insert(index, row)
        self.told.append(("added", row.key if hasattr(row, "key") else row))

    def changed(self, index, row):
        self.own[index] = row
        self.told.append(("changed", row.key if hasattr(row, "key") else row))

    def removed(self, index, row):
        assert self.own.pop(index) == row
        self.told.append(("removed", row.key if hasattr(row, "key") else row))

    def reset(self):
        self.own = list(self.rows)
        self.told.append(("reset", None))

    def check(self):
        """See that what was told amounts to what is there."""
        assert self.own == list(self.rows)
