"""talk.py SOCKET PROFILE JID: say hello to JID, and print the first message that comes."""

import asyncio
import sys

from sat.bridge.client import connect
from sat.bridge.events import MessageAdded
from sat.bridge.model import Direction, Message


async def main(path: str, profile: str, peer: str) -> None:
    """Talk."""
    async with await connect(path, name="talk.py") as session:
        await session.attach("events", profiles=[profile], types=["message.added"])
        body = "Salut from Python"
        await session.call("message.send", Message, profile=profile, to=peer, body=body)
        async for received in session.events():
            event = received.event
            if isinstance(event, MessageAdded) and event.data.direction is Direction.IN:
                print(event.data.body)
                return


asyncio.run(main(*sys.argv[1:4]))
