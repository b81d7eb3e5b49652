"""A program with several sessions at once, which come and go while all call. Prints the answers."""

import asyncio

from sat.bridge.model import Profile
from sat.frontends.core.reach import Reach
from tests.frontends.core.support import run

SESSIONS, ROUNDS, CALLS = 3, 10, 20


async def call() -> int:
    answers = 0
    for _ in range(ROUNDS):
        session = await Reach("test 1").open(start=True)
        try:
            calls = (session.call("profile.list", list[Profile]) for _ in range(CALLS))
            answers += sum(found == [] for found in await asyncio.gather(*calls))
        finally:
            await session.close()
    return answers


async def story() -> None:
    print(await asyncio.gather(*(call() for _ in range(SESSIONS))))


if __name__ == "__main__":
    run(story())
