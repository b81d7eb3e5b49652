"""XEP-0084: the own picture, which contacts see."""

from base64 import b64decode, b64encode

import pytest

from tests.plugins.pictures import (
    DATA,
    JPEG,
    METADATA,
    OPTIONS,
    OWN,
    PNG,
    PUBSUB,
    at_home,
    sha1,
)

PUBLISH = f"<iq type='set'><pubsub xmlns='{PUBSUB}'><publish/></pubsub></iq>"
RETRACT = f"<iq type='set'><pubsub xmlns='{PUBSUB}'><retract node='{DATA}'/></pubsub></iq>"


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
