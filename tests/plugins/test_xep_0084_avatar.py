"""XEP-0084: which pictures contacts have, what is fetched of them, and the own one."""

import hashlib
import sys
from base64 import b64decode, b64encode
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.backend.support import BOB as BOTH
from tests.backend.support import house
from tests.hostile.patterns import matches, parse
from tests.hostile.test_forged import carbon

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
FETCH = f"<iq type='get'><pubsub xmlns='{PUBSUB}'><items/></pubsub></iq>"
PUBLISH = f"<iq type='set'><pubsub xmlns='{PUBSUB}'><publish/></pubsub></iq>"
RETRACT = f"<iq type='set'><pubsub xmlns='{PUBSUB}'><retract node='{DATA}'/></pubsub></iq>"


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


# ---- what others have


async def test_the_picture_of_a_contact_is_known_and_fetched_when_somebody_asks(reactor, tmp_path):
    async with at_home(reactor, tmp_path) as home:
        peer, asked = home.alice.peer, []
        keeps(peer, BOB, DATA, content(PNG), asked)
        peer.send(event(item(info())))
        told = await home.expect("avatar.changed", jid=BOB)
        assert told == {
            "profile": "alice",
            "jid": BOB,
            "hash": sha1(PNG),
            "type": "image/png",
            "size": len(PNG),
        }
        assert await home.call("avatar.list") == [told]
        assert asked == [], "nobody asked for it"
        found = await home.call("avatar.get", jid=f"{BOB}/phone")
        assert b64decode(found.pop("data")) == PNG
        assert found == {"profile": "alice", "jid": BOB, "hash": sha1(PNG), "type": "image/png"}
        (request,) = asked
        assert [one.get("id") for one in request.iter(f"{{{PUBSUB}}}item")] == [sha1(PNG)]
        # It is kept, and told to who attaches later.
        await home.call("avatar.get", jid=BOB)
        assert len(asked) == 1
        other = await home.attach()
        await other.expect("avatar.changed", jid=BOB, hash=sha1(PNG))
        await other.close()
        peer.send(event(item()))
        await home.expect("avatar.changed", jid=BOB, hash="")
        assert await home.call("avatar.list") == []
        assert (await home.refused("avatar.get", jid=BOB)).name == "unknown.avatar"
        peer.send(event(item(info())))
        await home.expect("avatar.changed", jid=BOB, hash=sha1(PNG))
        peer.send(event("<retract id='other'/>") + event(f"<retract id='{sha1(PNG)}'/>"))
        await home.expect("avatar.changed", jid=BOB, hash="")


async def test_what_is_kept_survives_and_what_was_damaged_is_fetched_again(reactor, tmp_path):
    async with at_home(reactor, tmp_path) as home:
        asked = []
        keeps(home.alice.peer, BOB, DATA, content(PNG), asked)
        await known(home, event(item(info())))
        await home.call("avatar.get", jid=BOB)
        (path,) = kept(home)
        path.write_bytes(PNG[:-1] + b"?")
        assert b64decode((await home.call("avatar.get", jid=BOB))["data"]) == PNG
        assert len(asked) == 2
        assert path.read_bytes() == PNG
        await home.call("profile.delete", name="alice")
        assert not path.exists()


async def test_who_has_told_nothing_is_asked(reactor, tmp_path):
    async with at_home(reactor, tmp_path) as home:
        peer = home.alice.peer
        keeps(peer, BOB, METADATA, "")
        assert (await home.refused("avatar.get", jid=BOB)).name == "unknown.avatar"
        keeps(peer, OWN, METADATA, item(info(JPEG, "image/jpeg")))
        keeps(peer, OWN, DATA, content(JPEG))
        found = await home.call("avatar.get", jid=OWN)
        assert (found["type"], b64decode(found["data"])) == ("image/jpeg", JPEG)
        await home.expect("avatar.changed", jid=OWN, hash=sha1(JPEG))


async def test_a_picture_that_was_replaced_meanwhile_is_the_new_one(reactor, tmp_path):
    async with at_home(reactor, tmp_path) as home:
        peer = home.alice.peer
        await known(home, event(item(info(PNG))))
        keeps(peer, BOB, METADATA, item(info(JPEG, "image/jpeg")))
        keeps(peer, BOB, DATA, content(JPEG))
        assert b64decode((await home.call("avatar.get", jid=BOB))["data"]) == JPEG


@pytest.mark.parametrize(
    ("sender", "counts"),
    [
        (BOB, True),
        ("carol@server.test", True),
        ("dave@server.test", False),
        (EVE, False),
        (f"{BOB}/x", False),
        (f"{OWN}/phone", False),
        ("server.test", False),
    ],
)
async def test_a_picture_is_told_by_its_owners_account_alone(reactor, tmp_path, sender, counts):
    async with at_home(reactor, tmp_path) as home:
        found = await known(home, event(item(info()), sender))
        assert found == ([(sender, sha1(PNG))] if counts else [])


@pytest.mark.parametrize("copied", [True, False], ids=["attack", "twin"])
async def test_a_picture_out_of_a_copy_counts_for_nothing(reactor, tmp_path, copied):
    async with at_home(reactor, tmp_path) as home:
        told = event(item(info()))
        inner = told.replace("<message ", f"<message xmlns='jabber:client' to='{OWN}/phone' ", 1)
        found = await known(home, carbon(OWN, inner) if copied else told)
        assert found == ([] if copied else [(BOB, sha1(PNG))])


@pytest.mark.parametrize("blocked", [True, False], ids=["attack", "twin"])
async def test_a_blocked_contact_has_no_picture(reactor, tmp_path, blocked):
    async with at_home(reactor, tmp_path) as home:
        who = BOB if blocked else EVE
        home.alice.peer.send(
            "<iq type='set' id='push'><block xmlns='urn:xmpp:blocking'>"
            f"<item jid='{who}'/></block></iq>"
        )
        await home.expect("blocking.changed", jids=[who])
        keeps(home.alice.peer, BOB, DATA, content(PNG))
        found = await known(home, event(item(info())))
        assert found == ([] if blocked else [(BOB, sha1(PNG))])
        if blocked:
            assert (await home.refused("avatar.get", jid=BOB)).name == "denied.presence"
        else:
            await home.call("avatar.get", jid=BOB)


@pytest.mark.parametrize("jid", [EVE, "carol@server.test", BOB])
async def test_nobody_is_asked_who_may_not_know_of_us(reactor, tmp_path, jid):
    async with at_home(reactor, tmp_path) as home:
        asked = []
        keeps(home.alice.peer, jid, METADATA, item(info()), asked)
        keeps(home.alice.peer, jid, DATA, content(PNG))
        if jid == BOB:
            await home.call("avatar.get", jid=jid)
            assert len(asked) == 1
        else:
            await known(home, event(item(info()), jid))
            assert (await home.refused("avatar.get", jid=jid)).name == "denied.presence"
            assert asked == []


BAD = {
    "no type": info(type=""),
    "text": info(type="text/html"),
    "a program": info(type="image/svg+xml"),
    "elsewhere": info(more="url='https://evil.test/track.png'"),
    "a path": info().replace(sha1(PNG), "../../../etc/passwd"),
    "half a hash": info().replace(sha1(PNG), sha1(PNG)[:39]),
    "another hash": info().replace(sha1(PNG), sha1(PNG).upper()),
    "too large": info(size=512 * 1024 + 1),
    "nothing": info(size="0"),
    "less than nothing": info(size="-1"),
    "other digits": info(size="٣"),
    "a thousand digits": info(size="9" * 1000),
    "no size": info(size="many"),
    "nothing known": "<info/>",
    "another namespace": info().replace("<info ", "<info xmlns='urn:x' "),
}


async def test_metadata_that_make_no_sense_are_of_no_picture(reactor, tmp_path):
    async with at_home(reactor, tmp_path) as home:
        gif, nobody = b"GIF89a", []
        for what, bad in BAD.items():
            assert await known(home, event(item(bad))) == nobody, what
            # A version that can be used counts beside it, and PNG is what everybody can show.
            beside = item(bad, info(gif, "image/gif"))
            assert await known(home, event(beside)) == [(BOB, sha1(gif))], what
            best = item(info(gif, "image/gif"), bad, info())
            assert await known(home, event(best)) == [(BOB, sha1(PNG))], what


async def test_a_thousand_versions_are_not_looked_at(reactor, tmp_path):
    async with at_home(reactor, tmp_path) as home:
        assert await known(home, event(item(*["<info/>"] * 19, info()))) == [(BOB, sha1(PNG))]
        assert await known(home, event(item(*["<info/>"] * 1000, info()))) == []


@pytest.mark.parametrize(
    "told",
    [
        event(item(info()), node="urn:xmpp:something"),
        event("<item id='i'><metadata xmlns='urn:x'/></item>"),
        event(f"<item id='i'><data xmlns='{METADATA}'/></item>"),
        event("<item id='i'/><item/><retract/>"),
        event("<retract id=''/>"),
    ],
)
async def test_what_is_no_metadata_changes_nothing(reactor, tmp_path, told):
    async with at_home(reactor, tmp_path) as home:
        assert await known(home, event(item(info(JPEG, "image/jpeg"))), told) == [(BOB, sha1(JPEG))]


WRONG = {
    "another picture": content(JPEG, id=sha1(PNG)),
    "cut": content(PNG[:-1], id=sha1(PNG)),
    "no base64": content(PNG, text="%%% é"),
    "no more than a letter": content(PNG, text="A"),
    "ten megabytes": content(PNG, text="A" * 9_000_000),
    "nothing": content(PNG, text=""),
}


@pytest.mark.parametrize("what", [*WRONG, "twin"])
async def test_data_that_are_not_what_was_published_are_no_picture(reactor, tmp_path, what):
    async with at_home(reactor, tmp_path) as home:
        await known(home, event(item(info())))
        keeps(home.alice.peer, BOB, DATA, WRONG.get(what, content(PNG)))
        if what == "twin":
            assert b64decode((await home.call("avatar.get", jid=BOB))["data"]) == PNG
        else:
            assert (await home.refused("avatar.get", jid=BOB)).name == "failed.avatar"
            assert kept(home) == []


@pytest.mark.parametrize(
    ("data", "told", "type"),
    [
        (PNG, info(), "image/png"),
        (b"RIFF1234WEBPVP8 ", info(b"RIFF1234WEBPVP8 ", "image/webp"), "image/webp"),
        # Many programs name the wrong type; it is as good as what it begins with.
        (JPEG, info(JPEG), "image/jpeg"),
        (b"<script>", info(b"<script>"), None),
        (PNG, info(size=len(PNG) + 1), None),
    ],
    ids=["png", "webp", "jpeg", "a script", "another length"],
)
async def test_what_is_a_picture_is_told_by_its_first_bytes(reactor, tmp_path, data, told, type):
    async with at_home(reactor, tmp_path) as home:
        await known(home, event(item(told)))
        keeps(home.alice.peer, BOB, DATA, content(data))
        if type is None:
            assert (await home.refused("avatar.get", jid=BOB)).name == "failed.avatar"
        else:
            assert (await home.call("avatar.get", jid=BOB))["type"] == type


@pytest.mark.parametrize("payload", ["", f"<data xmlns='{DATA}'/>", "<data xmlns='urn:x'>x</data>"])
async def test_what_is_not_there_is_unknown(reactor, tmp_path, payload):
    async with at_home(reactor, tmp_path) as home:
        await known(home, event(item(info())))
        wrong_id = f"<item id='x'>{payload}</item>"
        right_id = f"<item id='{sha1(PNG)}'>{payload}</item>" if "urn:x'" in payload else ""
        keeps(home.alice.peer, BOB, METADATA, item(info()))
        keeps(home.alice.peer, BOB, DATA, wrong_id + right_id)
        assert (await home.refused("avatar.get", jid=BOB)).name == "unknown.avatar"


async def test_a_flood_of_changes_is_told_a_few_times(reactor, tmp_path):
    async with at_home(reactor, tmp_path) as home:
        pictures = [PNG + str(number).encode() for number in range(500)]
        home.alice.peer.send("".join(event(item(info(one))) for one in pictures))
        await home.expect("avatar.changed", jid=BOB, hash=sha1(pictures[-1]))
        told = [one for one in home.frontend.events if one["type"] == "avatar.changed"]
        assert len(told) < 50
        # What is told again and is the same isn't told on.
        await known(home, event(item(info(pictures[-1]))) * 100)
        assert [one for one in home.frontend.events if one["data"].get("jid") == BOB][-1] == told[
            -1
        ]


async def test_more_people_than_anybody_knows_are_not_kept(reactor, tmp_path, monkeypatch):
    async with at_home(reactor, tmp_path) as home:
        plugin = home.daemon.profiles.find("alice").plugins.get("avatar")
        monkeypatch.setattr(sys.modules[type(plugin).__module__], "_MAX_KNOWN", 2)
        carol = ("carol@server.test", sha1(PNG))
        assert await known(home, event(item(info()), carol[0])) == [carol]
        assert await known(home, event(item(info()))) == [carol]


# ---- the own one


def published(peer) -> list:
    """Return what was published, in order."""
    wanted = parse(PUBLISH)
    return [one for one in peer.received if matches(wanted, one)]


def takes(peer, pattern: str, requests: list, reply=None) -> None:
    """Let a server take what matches; it is noted."""

    def answer(request) -> None:
        requests.append(request)
        if reply is None:
            peer.answer(request)
        else:
            reply(request)

    peer.on(pattern, answer)


def fields(request) -> dict[str, str]:
    return {one.get("var"): one[0].text for one in request.iter("{jabber:x:data}field")}


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


async def test_the_own_picture_is_published_for_contacts_and_taken_back(reactor, tmp_path):
    async with at_home(reactor, tmp_path, OPTIONS) as home:
        peer, requests = home.alice.peer, []
        takes(peer, PUBLISH, requests)
        takes(peer, RETRACT, requests)
        own = await home.call("avatar.set", data=encoded(PNG))
        assert (own["jid"], own["hash"], own["size"]) == (OWN, sha1(PNG), len(PNG))
        await home.expect("avatar.changed", jid=OWN, hash=sha1(PNG))
        data, metadata = requests
        nodes = [one.find(f".//{{{PUBSUB}}}publish").get("node") for one in requests]
        assert nodes == [DATA, METADATA], "nobody is told of what isn't there yet"
        assert b64decode(data.find(f".//{{{DATA}}}data").text) == PNG
        assert metadata.find(f".//{{{METADATA}}}info").attrib == {
            "id": sha1(PNG),
            "bytes": str(len(PNG)),
            "type": "image/png",
            "width": "64",
            "height": "32",
        }
        for request in requests:
            assert request.find(f".//{{{PUBSUB}}}item").get("id") == sha1(PNG)
            assert fields(request)["pubsub#access_model"] == "presence"
            assert fields(request)["pubsub#persist_items"] == "true"
        # It is at hand without being fetched.
        assert b64decode((await home.call("avatar.get", jid=OWN))["data"]) == PNG
        requests.clear()
        await home.call("avatar.clear")
        await home.expect("avatar.changed", jid=OWN, hash="")
        metadata, data = requests
        assert len(metadata.find(f".//{{{METADATA}}}metadata")) == 0
        assert data.find(f".//{{{PUBSUB}}}retract/{{{PUBSUB}}}item").get("id") == sha1(PNG)
        # Who has none has none afterwards as well.
        requests.clear()
        await home.call("avatar.clear")
        assert len(requests) == 1


@pytest.mark.parametrize("features", [(OPTIONS,), ()])
async def test_a_node_stays_as_the_person_has_it(reactor, tmp_path, features):
    refused = (
        "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        f"<precondition-not-met xmlns='{PUBSUB}#errors'/></error>"
    )
    async with at_home(reactor, tmp_path, *features) as home:
        peer, requests = home.alice.peer, []

        def reply(request) -> None:
            if fields(request):
                peer.answer(request, refused, type="error")
            else:
                peer.answer(request)

        takes(peer, PUBLISH, requests, reply)
        await home.call("avatar.set", data=encoded(PNG))
        with_options = [bool(fields(one)) for one in requests]
        assert with_options == ([True, False] * 2 if features else [False, False])


async def test_what_a_server_refuses_is_not_the_own_picture(reactor, tmp_path):
    async with at_home(reactor, tmp_path) as home:
        assert (await home.refused("avatar.set", data=encoded(PNG))).name == "failed.xmpp"
        assert (await home.refused("avatar.clear")).name == "failed.xmpp"
        assert await home.call("avatar.list") == []
        requests: list = []
        takes(home.alice.peer, PUBLISH, requests)
        await home.call("avatar.set", data=encoded(PNG))
        # What isn't there needs not be taken back; what can't be is told.
        assert (await home.refused("avatar.clear")).name == "failed.xmpp"
        assert await home.call("avatar.list") == []


async def test_only_a_png_that_servers_take_is_published(reactor, tmp_path):
    async with at_home(reactor, tmp_path) as home:
        requests: list = []
        takes(home.alice.peer, PUBLISH, requests)
        large = PNG + b"x" * (96 * 1024)
        for data in (b"", JPEG, PNG[:20], b"<html>", large):
            assert (await home.refused("avatar.set", data=encoded(data))).name == "usage.avatar"
        assert requests == []
        await home.call("avatar.set", data=encoded(large[: 96 * 1024]))
        assert len(requests) == 2
        await home.call("profile.disconnect", name="alice")
        error = await home.refused("avatar.set", data=encoded(PNG))
        assert error.name == "offline.profile"
