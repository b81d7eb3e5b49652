"""A profile whose contacts have pictures, and what the server's end needs for that (XEP-0084)."""

import hashlib
from base64 import b64encode
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from tests.backend.support import BOB as BOTH
from tests.backend.support import house

PUBSUB = "http://jabber.org/protocol/pubsub"
OPTIONS = f"{PUBSUB}#publish-options"
INFO = "http://jabber.org/protocol/disco#info"
METADATA, DATA = "urn:xmpp:avatar:metadata", "urn:xmpp:avatar:data"
OWN, BOB, EVE = "alice@server.test", "bob@server.test", "eve@evil.test"
ROSTER = (
    f"{BOTH}<item jid='carol@server.test' subscription='to'/>"
    "<item jid='dave@server.test' subscription='none'/>"
)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x20\x08\x06\0\0\0"
JPEG = b"\xff\xd8\xff\xe0 a picture"


def sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def info(data: bytes = PNG, type: str = "image/png", size: object = None, more: str = "") -> str:
    """Return one version of a picture, as metadata tell of it."""
    return f"<info id='{sha1(data)}' bytes='{size or len(data)}' type='{type}' {more}/>"


def item(*infos: str, id: str = "i") -> str:
    return f"<item id='{id}'><metadata xmlns='{METADATA}'>{''.join(infos)}</metadata></item>"


def event(items: str, sender: str = BOB, node: str = METADATA) -> str:
    """Return a notification of what somebody has published."""
    return (
        f"<message from='{sender}' type='headline'><event xmlns='{PUBSUB}#event'>"
        f"<items node='{node}'>{items}</items></event></message>"
    )


def keeps(peer, owner: str, node: str, items: str, asked: list | None = None) -> None:
    """Let somebody's node have items."""

    def answer(request) -> None:
        if asked is not None:
            asked.append(request)
        peer.answer(
            request, f"<pubsub xmlns='{PUBSUB}'><items node='{node}'>{items}</items></pubsub>"
        )

    to = "" if owner == OWN else f" to='{owner}'"
    peer.on(
        f"<iq type='get'{to}><pubsub xmlns='{PUBSUB}'><items node='{node}'/></pubsub></iq>", answer
    )


def content(data: bytes, id: str | None = None, text: str | None = None) -> str:
    text = b64encode(data).decode() if text is None else text
    return f"<item id='{id or sha1(data)}'><data xmlns='{DATA}'>{text}</data></item>"


_marks = count()


async def known(home, *told: str) -> list[tuple[str, str]]:
    """Send notifications, and return who has which picture once they have been looked at."""
    peer = home.alice.peer
    mark = PNG + str(next(_marks)).encode()
    peer.send("".join(told) + event(item(info(mark)), OWN))
    await home.expect("avatar.changed", jid=OWN, hash=sha1(mark))
    return [
        (one["jid"], one["hash"]) for one in await home.call("avatar.list") if one["jid"] != OWN
    ]


def able(peer, *features: str) -> None:
    told = "".join(f"<feature var='{one}'/>" for one in features)
    peer.on(
        f"<iq type='get' to='{OWN}'><query xmlns='{INFO}'/></iq>",
        lambda request: peer.answer(request, f"<query xmlns='{INFO}'>{told}</query>"),
    )


def kept(home) -> list[Path]:
    return [one for one in Path(home.paths.cache).rglob("*") if one.is_file()]


@asynccontextmanager
async def at_home(reactor, tmp_path, *features: str):
    """Let a profile be online, whose account's own service has features."""
    async with house(reactor, tmp_path) as home:
        home.alice = alice = await home.profile(roster=ROSTER, connect=False)
        connecting = home.call("profile.connect", name="alice")
        peer = await alice.online(serve=False)
        peer.serve(ROSTER)
        able(peer, *features)
        await peer.expect("<presence/>")
        await connecting
        await home.expect("roster.changed", jid=BOB)
        yield home
