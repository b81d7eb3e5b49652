"""A frontend as a program of its own: what is to be seen over any bridge. Prints how it went."""

import asyncio

from sat.bridge.errors import CommandError
from sat.bridge.model import Profile
from sat.frontends.core.actions import Actions
from sat.frontends.core.views.chat import Chat
from tests.frontends.core.support import Attached, run, until

BOB = ("me", "bob@server.test")


async def story():
    async with Attached() as one, Attached() as other:
        await one.change(
            "profile.create", Profile, name="me", jid="me@server.test", password="x",
            autoconnect=False,
        )  # fmt: skip
        chat = Chat(other, *BOB)
        await chat.open()
        actions = Actions(one)
        await asyncio.gather(*(actions.send(*BOB, f"text {number}") for number in range(20)))
        await until(lambda: len(chat.rows) == 20)
        actions.read_to(*BOB, chat.rows[-1].key)
        actions.draft(*BOB, "begun")
        await actions.flush()
        await until(lambda: other.state.conversations[BOB].draft == "begun")
        middle = chat.rows[10].message
        assert await chat.go_to_day(middle.ts.astimezone().date()) == chat.rows[0].key
        try:
            await one.call("ping.send", float, profile="me", peer="bob@server.test")
        except CommandError as error:
            print(error.name)
        print(len(chat.rows), sorted(other.state.profiles))


if __name__ == "__main__":
    run(story())
