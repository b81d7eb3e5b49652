"""Another implementation as the other person: slixmpp, in a process of its own.

``python -m tests.testbed.slixmpp_peer JID HOST PORT CA`` reads the password from the first line of
standard input, then commands, a JSON list a line: the name of a `do_` method below and its
arguments. It prints what it sees, a JSON object a line.
"""

import asyncio
import base64
import contextlib
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import slixmpp
from slixmpp.exceptions import IqError

NS_USER = "http://jabber.org/protocol/muc#user"


class Peer(slixmpp.ClientXMPP):
    """Says what it sees, and does what it is told."""

    def __init__(self, jid: str, password: str, ca: str) -> None:
        super().__init__(jid, password)
        self.ca_certs = Path(ca)
        self.enable_direct_tls = False
        for plugin in (
            *("0004", "0030", "0045", "0060", "0084", "0092", "0115", "0163", "0184", "0199"),
            *("0280", "0297", "0313", "0359"),
        ):
            self.register_plugin(f"xep_{plugin}")
        self.auto_authorize = None
        self.auto_subscribe = False
        self.add_event_handler("session_start", self._started)
        self.add_event_handler("message", self._message)
        self.add_event_handler("presence", self._presence)
        self.add_event_handler("receipt_received", self._receipt)
        self.add_event_handler("carbon_received", self._carbon)
        self.add_event_handler("carbon_sent", self._carbon)
        self.add_event_handler("avatar_metadata_publish", self._avatar)

    async def _started(self, _: object) -> None:
        await self.get_roster()
        self.send_presence()
        self._say("started", jid=str(self.boundjid))

    def _message(self, message: Any) -> None:
        if message["body"]:
            self._say(
                "message", sender=str(message["from"]), body=message["body"], id=message["id"]
            )

    def _carbon(self, carbon: Any) -> None:
        sent = bool(carbon.get_plugin("carbon_sent", check=True))
        message = carbon["carbon_sent" if sent else "carbon_received"]
        if message["body"]:
            self._say("carbon", sent=sent, sender=str(message["from"]), body=message["body"])

    def _presence(self, presence: Any) -> None:
        self._say(
            "presence",
            sender=str(presence["from"]),
            type=presence["type"],
            status=presence["status"],
        )

    def _receipt(self, message: Any) -> None:
        self._say("receipt", id=message["receipt"])

    def _say(self, what: str, **more: object) -> None:
        print(json.dumps({"what": what, **more}), flush=True)

    def do_send(self, to: str, body: str) -> None:
        message = self.make_message(mto=slixmpp.JID(to), mbody=body, mtype="chat")
        message["id"] = self.new_id()
        message["origin_id"]["id"] = message["id"]
        message.send()

    def do_offer(self, to: str, url: str) -> None:
        """Point to a file (XEP-0066)."""
        message = self.make_message(mto=slixmpp.JID(to), mbody=url, mtype="chat")
        offered = ElementTree.SubElement(message.xml, "{jabber:x:oob}x")
        ElementTree.SubElement(offered, "{jabber:x:oob}url").text = url
        message.send()

    async def do_carbons(self) -> None:
        """Be told of what other programs of the same account send and get (XEP-0280)."""
        await self["xep_0280"].enable()
        self._say("carbons")

    def do_burst(self, to: str, first: int, count: int, more: str = "") -> None:
        """Send messages that are numbered."""
        for number in range(first, first + count):
            self.do_send(to, f"b {number}{more}")

    async def do_pong(self) -> None:
        """Say when the server has handled all that was sent before."""
        await self["xep_0199"].send_ping(self.boundjid.host, timeout=60)
        self._say("pong")

    async def do_archive(self) -> None:
        """Say what the own archive holds, oldest first; nothing if there is none."""
        bodies: list[str] = []
        with contextlib.suppress(IqError):
            async for found in self["xep_0313"].iterate(rsm={"max": 1000}):
                bodies.append(found["mam_result"]["forwarded"]["stanza"]["body"])
        self._say("archive", bodies=bodies)

    async def do_join(self, room: str, nick: str) -> None:
        """Join a room, and open it if it is new."""
        joined = await self["xep_0045"].join_muc_wait(slixmpp.JID(room), nick)
        presence = joined[0]
        codes = {status.get("code") for status in presence.xml.iter(f"{{{NS_USER}}}status")}
        if "201" in codes:
            await self["xep_0045"].set_room_config(
                slixmpp.JID(room), self["xep_0004"].make_form("submit")
            )
        self._say("joined", room=room, nick=nick)

    def do_say(self, room: str, body: str) -> None:
        self.send_message(mto=slixmpp.JID(room), mbody=body, mtype="groupchat")

    async def do_kick(self, room: str, nick: str, reason: str) -> None:
        await self["xep_0045"].set_role(slixmpp.JID(room), nick, "none", reason=reason)

    def do_topic(self, room: str, subject: str) -> None:
        self["xep_0045"].set_subject(slixmpp.JID(room), subject)

    def do_invite(self, room: str, to: str, reason: str) -> None:
        self["xep_0045"].invite(slixmpp.JID(room), slixmpp.JID(to), reason)

    def _avatar(self, message: Any) -> None:
        infos = message.xml.iter("{urn:xmpp:avatar:metadata}info")
        hashes = [info.get("id") for info in infos]
        self._say("avatar", sender=str(message["from"].bare), hash=hashes[0] if hashes else "")

    async def do_picture(self, data: str) -> None:
        """Have a picture, given in base64 (XEP-0084)."""
        picture = base64.b64decode(data)
        plugin = self["xep_0084"]
        await plugin.publish_avatar(picture)
        hash_ = plugin.generate_id(picture)
        info = {"id": hash_, "type": "image/png", "bytes": len(picture)}
        await plugin.publish_avatar_metadata([info])
        self._say("pictured", hash=hash_)

    async def do_no_picture(self) -> None:
        await self["xep_0084"].stop()
        self._say("pictured", hash="")

    async def do_look(self, jid: str, hash_: str) -> None:
        """Say what somebody's picture is, in base64; nothing if it isn't there."""
        data = b""
        with contextlib.suppress(IqError):
            found = await self["xep_0084"].retrieve_avatar(slixmpp.JID(jid), hash_)
            for item in found["pubsub"]["items"]:
                data = item["avatar_data"]["value"]
        self._say("picture", hash=hash_, data=base64.b64encode(data).decode())

    async def do_items(self, node: str) -> None:
        """Say the ids of what the own account keeps in a node (XEP-0163)."""
        found = []
        with contextlib.suppress(IqError):
            answer = await self["xep_0060"].get_items(self.boundjid.bare, node)
            found = [item["id"] for item in answer["pubsub"]["items"]]
        self._say("items", node=node, ids=sorted(found))

    def do_show(self, show: str, status: str) -> None:
        self.send_presence(pshow=show, pstatus=status)

    def do_hide(self) -> None:
        """Be there, but not for messages: those to the bare JID wait for another program."""
        self.send_presence(ppriority=-1)

    def do_subscribe(self, to: str) -> None:
        self.send_presence(pto=to, ptype="subscribe")

    def do_allow(self, to: str) -> None:
        self.send_presence(pto=to, ptype="subscribed")

    async def do_version(self, to: str) -> None:
        answer = await self["xep_0092"].get_version(to)
        told = answer["software_version"]
        self._say("version", name=told["name"], version=told["version"])

    async def do_features(self, to: str) -> None:
        answer = await self["xep_0030"].get_info(to)
        self._say("features", features=sorted(answer["disco_info"]["features"]))

    async def do_caps(self, to: str) -> None:
        """Say what the presence of a full JID promised, once its hash was found to be right."""
        node = await self["xep_0115"].get_verstring(to)
        known = await self["xep_0115"].get_caps(to)
        self._say("caps", verified=bool(node and known))


async def main(jid: str, host: str, port: str, ca: str) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    password = (await reader.readline()).decode().rstrip("\n")
    peer = Peer(jid, password, ca)
    peer.connect(host, int(port))
    while line := await reader.readline():
        name, *arguments = json.loads(line)
        result = getattr(peer, f"do_{name}")(*arguments)
        if asyncio.iscoroutine(result):
            await result
    await peer.disconnect(wait=1)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
