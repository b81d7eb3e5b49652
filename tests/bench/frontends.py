"""Frontends that are attached, and only count.

``python -m tests.bench.frontends SOCKET NUMBER`` attaches them and says ``done``. Then it takes
commands: ``messages N`` says ``done`` when each was told of N more; ``send N AT_ONCE`` sends so
many, of which that many may wait for an answer, and says ``done`` when the last is stored.
"""

import asyncio
import sys

from sat.bridge import client
from sat.bridge.events import MessageAdded
from sat.bridge.model import Message
from tests.bench.words import body


async def count(session: client.Client, told: asyncio.Semaphore) -> None:
    async for received in session.events():
        if isinstance(received.event, MessageAdded):
            told.release()


async def send(session: client.Client, number: int, at_once: int) -> None:
    room = asyncio.Semaphore(at_once)

    async def one(each: int) -> None:
        async with room:
            await session.call("message.send", Message, to="bob@server.test", body=body(each))

    await asyncio.gather(*(one(each) for each in range(number)))


async def main(path: str, number: str) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    sessions = [await client.connect(path, name="bench") for _ in range(int(number))]
    counts = [asyncio.Semaphore(0) for _ in sessions]
    for session in sessions:
        await session.attach("state")
    counting = [asyncio.create_task(count(*pair)) for pair in zip(sessions, counts, strict=True)]
    print("done", flush=True)
    while line := await reader.readline():
        word, *given = line.decode().split()
        if word == "send":
            await send(sessions[0], int(given[0]), int(given[1]))
        else:
            for told in counts:
                for _ in range(int(given[0])):
                    await told.acquire()
        print("done", flush=True)
    for session in sessions:
        await session.close()
    await asyncio.gather(*counting, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
