"""Bookmarks: the same rooms in all the person's programs, and nobody else's say in it."""

import pytest

from tests.backend.rooms.venue import ROOM, Venue
from tests.backend.support import house, until

NS = "urn:xmpp:bookmarks:1"
PUBSUB = "http://jabber.org/protocol/pubsub"
INFO = "http://jabber.org/protocol/disco#info"
ERROR = "<error type='cancel'><{} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>{}</error>"
OWN = "alice@server.test"


def item(room: str = ROOM, autojoin: str = "true", inner: str = "<nick>al</nick>") -> str:
    """Return a bookmark in PEP."""
    return (
        f"<item id='{room}'><conference xmlns='{NS}' name='Tea' autojoin='{autojoin}'>{inner}"
        "</conference></item>"
    )


def notice(what: str, sender: str = OWN) -> str:
    """Return a notification about bookmarks."""
    return (
        f"<message from='{sender}' type='headline'><event xmlns='{PUBSUB}#event'>"
        f"<items node='{NS}'>{what}</items></event></message>"
    )


class Pep:
    """The account's own nodes, as a scripted server keeps them."""

    def __init__(self, peer, items: str | None = "") -> None:
        self.peer = peer
        self.items = items
        self.published: list = []
        self.configured = 0
        #: How often all bookmarks were asked for.
        self.fetched = 0
        self.refuse_first = False
        self.knows_max = True
        peer.on(
            f"<iq type='get' to='{OWN}'><query xmlns='{INFO}'/></iq>",
            lambda iq: peer.answer(
                iq, f"<query xmlns='{INFO}'><feature var='{PUBSUB}#publish-options'/></query>"
            ),
        )
        peer.on(
            f"<iq type='get'><pubsub xmlns='{PUBSUB}'><items node='{NS}'/></pubsub></iq>",
            self._items,
        )
        peer.on(f"<iq type='set'><pubsub xmlns='{PUBSUB}'/></iq>", self._publish)
        peer.on(f"<iq type='set'><pubsub xmlns='{PUBSUB}#owner'/></iq>", self._configure)

    def _items(self, iq) -> None:
        self.fetched += 1
        if self.items is None:
            self.peer.answer(iq, ERROR.format("internal-server-error", ""), type_="error")
        elif not self.items:
            self.peer.answer(iq, ERROR.format("item-not-found", ""), type_="error")
        else:
            self.peer.answer(
                iq, f"<pubsub xmlns='{PUBSUB}'><items node='{NS}'>{self.items}</items></pubsub>"
            )

    def _publish(self, iq) -> None:
        options = {one.get("var") for one in iq.iter("{jabber:x:data}field")}
        if not self.knows_max and "pubsub#max_items" in options:
            self.peer.answer(iq, ERROR.format("resource-constraint", ""), type_="error")
            return
        assert "pubsub#access_model" in options
        if self.refuse_first and not self.configured:
            why = f"<precondition-not-met xmlns='{PUBSUB}#errors'/>"
            self.peer.answer(iq, ERROR.format("conflict", why), type_="error")
            return
        self.published.append(iq)
        self.peer.answer(iq)

    def _configure(self, iq) -> None:
        self.configured += 1
        self.peer.answer(iq)

    @property
    def last(self) -> dict[str, str | None]:
        """What the bookmark that was published last says."""
        conference = self.published[-1].find(f".//{{{NS}}}conference")
        return {
            "room": self.published[-1].find(f".//{{{PUBSUB}}}item").get("id"),
            "autojoin": conference.get("autojoin"),
            "name": conference.get("name"),
            "nick": conference.findtext(f"{{{NS}}}nick"),
            "password": conference.findtext(f"{{{NS}}}password"),
        }


async def start(home, items: str | None = "", prepare=lambda pep: None):
    """Return alice and her bookmarks, with a room that lets her in."""
    alice = await home.profile(connect=False)
    connecting = home.call("profile.connect", name="alice")
    peer = await alice.online(serve=False)
    peer.serve(alice.roster)
    pep = Pep(peer, items)
    prepare(pep)
    venue = Venue(peer)
    await connecting
    await until(home.reactor, lambda: pep.fetched)
    return alice, pep, venue


async def test_bookmarks_are_joined_at_the_start(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        other = item("other@muc.test", "false")
        _, pep, venue = await start(home, item() + other)
        room = await home.expect("room.changed", jid=ROOM, state="joined")
        assert (room["nick"], room["name"], room["autojoin"]) == ("al", "Tea", True)
        left = await home.expect("room.changed", jid="other@muc.test")
        assert (left["state"], left["autojoin"]) == ("left", False)
        assert len(venue.joins) == 1
        assert pep.published == []


async def test_joining_and_leaving_is_told_to_other_programs(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        _, pep, _ = await start(home)
        await home.call("room.join", room=ROOM, nick="al")
        await until(reactor, lambda: pep.published)
        told = {"room": ROOM, "autojoin": "true", "name": None, "nick": "al", "password": None}
        assert pep.last == told
        options = pep.published[0].find(f".//{{{PUBSUB}}}publish-options")
        assert {one.get("var"): one[0].text for one in options[0]} == {
            "FORM_TYPE": f"{PUBSUB}#publish-options",
            "pubsub#persist_items": "true",
            "pubsub#max_items": "max",
            "pubsub#send_last_published_item": "never",
            "pubsub#access_model": "whitelist",
        }
        await home.call("room.leave", room=ROOM)
        await until(reactor, lambda: len(pep.published) == 2)
        assert pep.last == {**told, "autojoin": "false"}


async def test_what_other_programs_wrote_is_kept(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        inner = (
            "<nick>al</nick><password>sesame</password>"
            "<extensions><pinned xmlns='urn:xmpp:bookmarks-pinning:0'/></extensions>"
        )
        _, pep, venue = await start(home, item(inner=inner))
        await home.expect("room.changed", jid=ROOM, state="joined")
        ns = "{http://jabber.org/protocol/muc}"
        assert venue.joins[0].findtext(f"{ns}x/{ns}password") == "sesame"
        await home.call("room.leave", room=ROOM)
        await until(reactor, lambda: pep.published)
        assert (pep.last["password"], pep.last["name"]) == ("sesame", "Tea")
        pinned = pep.published[0].find(".//{urn:xmpp:bookmarks-pinning:0}pinned")
        assert pinned is not None


async def test_other_programs_are_followed(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice, _, _ = await start(home)
        alice.peer.send(notice(item()))
        await home.expect("room.changed", jid=ROOM, state="joined")
        alice.peer.send(notice(item(autojoin="false")))
        await home.expect("room.changed", jid=ROOM, state="left", autojoin=False)
        alice.peer.send(notice(f"<retract id='{ROOM}'/>"))
        await home.expect("room.removed", name=ROOM)
        assert await home.call("room.list") == []


@pytest.mark.parametrize(
    "sender", ["bob@server.test", "eve@evil.test", "server.test", f"{OWN}/other", ROOM]
)
async def test_nobody_else_has_a_say(reactor, tmp_path, sender):
    async with house(reactor, tmp_path) as home:
        alice, _, venue = await start(home, item())
        await home.expect("room.changed", jid=ROOM, state="joined")
        alice.peer.send(notice(item("evil@muc.test"), sender))
        alice.peer.send(notice(f"<retract id='{ROOM}'/>", sender))
        alice.peer.send(
            notice("", sender).replace("<items", "<purge").replace("</items>", "</purge>")
        )
        await home.forbid("room.changed", jid="evil@muc.test")
        await home.forbid("room.removed", 0)
        assert len(venue.joins) == 1


async def test_what_changed_while_we_were_away(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice, _, _ = await start(home, item() + item("gone@muc.test", "false"))
        await home.expect("room.changed", jid=ROOM, state="joined")
        await home.expect("room.changed", jid="gone@muc.test")
        alice.peer.abort()
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.online(serve=False)
        peer.serve(alice.roster)
        Pep(peer, item(autojoin="false"))
        Venue(peer)
        await home.expect("room.changed", jid=ROOM, state="left", autojoin=False)
        await home.expect("room.removed", name="gone@muc.test")


async def test_a_server_in_trouble_makes_nobody_leave(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice, _, _ = await start(home, item())
        await home.expect("room.changed", jid=ROOM, state="joined")
        alice.peer.abort()
        await home.expect("room.changed", jid=ROOM, state="waiting")
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        peer = await alice.online(serve=False)
        peer.serve(alice.roster)
        Pep(peer, None)
        venue = Venue(peer)
        await until(reactor, lambda: venue.joins)
        await home.forbid("room.removed")
        assert (await home.call("room.list"))[0]["autojoin"] is True


async def test_a_node_that_others_can_read_is_closed_first(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:

        def refuse(pep) -> None:
            pep.refuse_first = True

        _, pep, _ = await start(home, "", refuse)
        await home.call("room.join", room=ROOM)
        await until(reactor, lambda: pep.published)
        assert pep.configured == 1


async def test_a_server_that_knows_few_options(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:

        def forget(pep) -> None:
            pep.knows_max = False

        _, pep, _ = await start(home, "", forget)
        await home.call("room.join", room=ROOM)
        await until(reactor, lambda: pep.configured)
        assert pep.last["room"] == ROOM


async def test_a_server_without_pep_has_them_in_private_storage(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile(connect=False)
        connecting = home.call("profile.connect", name="alice")
        peer = await alice.online(serve=False)
        peer.serve(alice.roster)
        url = "<url xmlns='storage:bookmarks' name='x' url='https://x.test/'/>"
        storage = f"<storage xmlns='storage:bookmarks'>{url}"
        storage += f"<conference jid='{ROOM}' autojoin='1' name='Tea'><nick>al</nick></conference>"
        query = f"<query xmlns='jabber:iq:private'>{storage}</storage></query>"
        stored = []
        peer.on(
            "<iq type='get'><query xmlns='jabber:iq:private'/></iq>",
            lambda iq: peer.answer(iq, query),
        )

        def store(iq) -> None:
            stored.append(iq)
            peer.answer(iq)

        peer.on("<iq type='set'><query xmlns='jabber:iq:private'/></iq>", store)
        Venue(peer)
        await connecting
        room = await home.expect("room.changed", jid=ROOM, state="joined")
        assert (room["nick"], room["autojoin"]) == ("al", True)
        await home.call("room.leave", room=ROOM)
        await until(reactor, lambda: stored)
        told = stored[0][0][0]
        assert [one.tag.rpartition("}")[2] for one in told] == ["url", "conference"]
        assert told[1].get("autojoin") == "false"
        # Never where others may read it.
        sets = [iq for iq in peer.received if iq.get("type") == "set"]
        assert not [iq for iq in sets if iq.find(f"{{{PUBSUB}}}pubsub") is not None]


async def test_bookmarks_without_end_are_cut_off(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        items = "".join(item(f"r{number}@muc.test", "false") for number in range(1500))
        await start(home, items + "<item id='@@'/><item/>")
        await home.expect("room.changed", 30, jid="r999@muc.test")
        assert len(await home.call("room.list")) == 1000
