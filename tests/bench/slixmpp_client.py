"""slixmpp, which does as little as it can: what the daemon is compared with.

``python -m tests.bench.slixmpp_client JID PORT CA`` reads the password from the first line, and
then commands, a line each: ``connect``, and ``send N`` messages. It says ``done`` to each, to the
password once it is ready to connect.
"""

import asyncio
import sys
from pathlib import Path

import slixmpp

from tests.bench.words import body


class Client(slixmpp.ClientXMPP):
    """Counts messages, and keeps the roster as slixmpp does."""

    def __init__(self, jid: str, password: str, ca: str) -> None:
        super().__init__(jid, password)
        self.ca_certs = Path(ca)
        self.enable_direct_tls = False
        for plugin in ("0030", "0199", "0198", "0359"):
            self.register_plugin(f"xep_{plugin}")
        self.count = 0
        self.began: asyncio.Event = asyncio.Event()
        self.add_event_handler("session_start", self._started)
        self.add_event_handler("message", self._message)

    async def _started(self, _: object) -> None:
        await self.get_roster()
        self.send_presence()
        self.began.set()

    def _message(self, message: object) -> None:
        self.count += 1


async def main(jid: str, port: str, ca: str) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    password = (await reader.readline()).decode().rstrip("\n")
    client = Client(jid, password, ca)
    print("done", flush=True)
    while line := await reader.readline():
        word, _, number = line.decode().strip().partition(" ")
        if word == "connect":
            client.connect("127.0.0.1", int(port))
            await client.began.wait()
        else:
            for each in range(int(number)):
                client.send_message("bob@server.test", body(each), mtype="chat")
                if each % 100 == 99:
                    await asyncio.sleep(0)
        print("done", flush=True)
    await client.disconnect(wait=0.1)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
