"""XEP-0084: which pictures contacts have, and what is fetched of them."""

import sys
from base64 import b64decode

import pytest

from tests.hostile.test_forged import carbon
from tests.plugins.pictures import (
    BOB,
    DATA,
    EVE,
    JPEG,
    METADATA,
    OWN,
    PNG,
    PUBSUB,
    at_home,
    content,
    event,
    info,
    item,
    keeps,
    kept,
    known,
    sha1,
)


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
