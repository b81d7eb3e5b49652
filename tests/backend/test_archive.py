"""The account's archive (XEP-0313): caught up, looked back into, and asked what arrived."""

import pytest

from sat.backend import archive as backend
from sat.backend import disco, holding
from tests.backend.archive import BOB, INFO, NS_MAM, OWN, QUERY, Archived, arrive
from tests.backend.support import house, until
from tests.hostile.login import NS_SM, RESUMABLE

GONE = (
    f"<failed xmlns='{NS_SM}'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    "</failed>"
)


async def start(home, archive: Archived, **login):
    """Return a profile that is online at a server with an archive."""
    alice = await arrive(home, archive, **login)
    await alice.peer.expect("<presence/>")
    return alice


async def back(home, alice, archive: Archived, **login) -> None:
    """Cut the stream, and let the next one succeed."""
    alice.peer.abort()
    await arrive(home, archive, alice, **login)
    await alice.peer.expect("<presence/>")


async def listed(home, **how) -> list[str]:
    return [one["body"] for one in await home.call("message.list", peer=BOB, **how)]


def caught_up(home):
    return lambda: home.rows("SELECT 1 FROM archive WHERE since IS NULL")


async def test_all_that_was_missed_is_there_once_and_in_order(reactor, tmp_path):
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        for number in range(1, 9):
            by, to = (OWN, BOB) if number % 3 == 0 else (BOB, OWN)
            archive.keep(f"a{number}", f"m{number}", by=by, to=to)
        alice = await start(home, archive)
        await until(reactor, caught_up(home))
        wanted = [f"m{number}" for number in range(1, 9)]
        assert await listed(home) == wanted
        found = await home.call("message.list", peer=BOB)
        assert [one["direction"] for one in found].count("out") == 2, "from another program"
        assert all(one["delayed"] for one in found)
        # What is answered is read; what follows the answer isn't.
        (talk,) = await home.call("conversation.list")
        assert talk["unread"] == 2
        archive.keep("a9", "m9")
        await back(home, alice, archive)
        await home.expect("message.added", body="m9")
        assert archive.asked[-1]["after"] == "a8", "the rest is known"
        assert await listed(home) == [*wanted, "m9"]


async def reading(reactor, home, archive):
    """Return a profile's server, and the query for its archive that isn't answered yet."""
    alice = await arrive(home, archive)
    peer = alice.peer
    asked = []
    peer.on(QUERY, asked.append)
    await until(reactor, lambda: asked)
    return peer, asked[0]


async def test_what_comes_live_meanwhile_is_soon_shown(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(holding, "GRACE", 0.5)
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        archive.keep("a1", "missed")
        peer, asked = await reading(reactor, home, archive)
        peer.send(f"<message from='{BOB}/x' type='chat' id='l'><body>live</body></message>")
        await home.expect("message.added", body="live")
        sent = await home.call("message.send", to=BOB, body="answer", wait="acknowledged")
        assert sent["state"] == "acknowledged"
        peer.send(archive.page(asked))
        await home.expect("message.added", body="missed")
        assert await listed(home) == ["missed", "live", "answer"]


async def test_after_a_long_absence_nobody_waits(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(backend, "PAGE", 3)
    monkeypatch.setattr(backend, "WALK_FIRST", 3)
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        for number in range(9):
            archive.keep(f"a{number}", f"m{number}")
        peer, asked = await reading(reactor, home, archive)
        peer.send(f"<message from='{BOB}/x' type='chat' id='l'><body>live</body></message>")
        await home.forbid("message.added", body="live")
        peer.on(QUERY, lambda _: None)  # the second page does not come
        peer.send(archive.page(asked))
        await home.expect("message.added", body="live")
        assert await listed(home) == ["m0", "m1", "m2", "live"]


async def test_after_a_short_absence_the_events_are_in_order(reactor, tmp_path):
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        archive.keep("a1", "missed")
        peer, asked = await reading(reactor, home, archive)
        peer.send(f"<message from='{BOB}/x' type='chat' id='l'><body>live</body></message>")
        await home.forbid("message.added", body="live")
        peer.send(archive.page(asked))
        told = [(await home.expect("message.added"))["body"] for _ in range(2)]
        assert told == ["missed", "live"]


async def test_a_walk_that_is_cut_goes_on_where_it_was(reactor, tmp_path):
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        for number in range(9):
            archive.keep(f"a{number}", f"m{number}")
        alice = await arrive(home, archive)
        pages = []

        def two_pages(request) -> str | None:
            pages.append(request)
            return archive.page(request) if len(pages) < 3 else None

        alice.peer.on(QUERY, two_pages)
        await until(reactor, lambda: len(pages) == 3)
        await until(reactor, lambda: home.rows("SELECT 1 FROM archive WHERE last_id = 'a5'"))
        await back(home, alice, archive)
        await until(reactor, caught_up(home))
        assert archive.asked[-1]["after"] == "a5"
        assert await listed(home) == [f"m{number}" for number in range(9)]


async def test_an_archive_that_has_forgotten_is_asked_by_time(reactor, tmp_path):
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        archive.keep("a1", "one")
        alice = await start(home, archive)
        await until(reactor, caught_up(home))
        archive.kept.clear()
        archive.forgotten.add("a1")
        archive.keep("b1", "two")
        await back(home, alice, archive)
        await home.expect("message.added", body="two")
        assert archive.asked[-2]["after"] == "a1"
        assert archive.asked[-1]["after"] is None
        # Its stamp, and a margin.
        assert archive.asked[-1]["start"] == "2025-12-31T23:55:00Z"
        assert await listed(home) == ["one", "two"]


FORGED = (
    "<message xmlns='jabber:client' from='bob@server.test/x' type='chat'><body>forged</body>"
    "</message>"
)


@pytest.mark.parametrize("sender", ["eve@evil.test", "server.test", f"{OWN}/other"])
async def test_results_of_anybody_else_are_left_out(reactor, tmp_path, sender):
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        archive.keep("a1", "true")
        genuine = archive.page

        def page(request) -> str:
            query = request.find(f"{{{NS_MAM}}}query").get("queryid")
            stamp = "2026-01-01T00:00:00Z"
            return archive.result(query, "f1", stamp, FORGED, sender) + genuine(request)

        archive.page = page
        alice = await start(home, archive)
        await home.expect("message.added", body="true")
        # Nor what nobody asked for, though it has the right sender.
        alice.peer.send(archive.result("unknown", "f2", "2026-01-01T00:00:00Z", FORGED))
        await home.forbid("message.added", body="forged")
        assert await listed(home) == ["true"]


async def test_the_same_by_every_way_is_one(reactor, tmp_path):
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        alice = await start(home, archive, enabled=RESUMABLE)
        await until(reactor, caught_up(home))
        ids = f"<stanza-id xmlns='urn:xmpp:sid:0' id='a1' by='{OWN}'/>"
        text = f"<body>hello</body><origin-id xmlns='urn:xmpp:sid:0' id='o1'/>{ids}"
        live = f"<message from='{BOB}/x' to='{OWN}' type='chat' id='o1'>{text}</message>"
        alice.peer.send(live)
        await home.expect("message.added", body="hello")
        copy = live.replace("<message ", "<message xmlns='jabber:client' ")
        alice.peer.send(
            f"<message from='{OWN}'><received xmlns='urn:xmpp:carbons:2'><forwarded"
            f" xmlns='urn:xmpp:forward:0'>{copy}</forwarded></received></message>{live}"
        )
        archive.keep("a1", "hello", origin="o1")
        archive.keep("a2", "hello", origin="o1")
        await back(home, alice, archive, resume=GONE)
        await until(reactor, lambda: archive.asked[-1]["after"] is None and caught_up(home)())
        assert await listed(home) == ["hello"]


@pytest.mark.parametrize("earlier", [False, True])
async def test_what_the_archive_had_not_named_yet_is_found_in_it(reactor, tmp_path, earlier):
    """It came while we were away, by the server's offline storage, which names nothing.

    :param earlier: whether the conversation has messages that the archive has named
    """
    archive = Archived()
    if earlier:
        archive.keep("a0", "before")
    stamp = "2026-01-01T00:00:00Z"
    plain = f"<message from='{BOB}/x' to='{OWN}' type='chat' id='%s'><body>hello</body>%s</message>"
    delay = f"<delay xmlns='urn:xmpp:delay' from='server.test' stamp='{stamp}'/>"
    async with house(reactor, tmp_path) as home:
        alice = await start(home, archive)
        await until(reactor, caught_up(home))
        alice.peer.send(plain % ("m1", delay))
        await home.expect("message.added", body="hello")
        for id_ in ("m1", "m2"):
            archive.put(f"of {id_}", plain % (id_, ""))
        await back(home, alice, archive)
        await home.expect("message.added", body="hello", archive_id="of m2")
        told = [one["archive_id"] for one in await home.call("message.list", peer=BOB)]
        assert told == [*(["a0"] if earlier else []), "of m1", "of m2"]


async def test_a_message_found_there_has_arrived_and_another_is_sent_again(reactor, tmp_path):
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        alice = await arrive(home, archive)
        alice.peer.on(f"<r xmlns='{NS_SM}'/>", lambda _: None)
        one = await home.call("message.send", to=BOB, body="one", wait="sent")
        await home.call("message.send", to=BOB, body="two", wait="sent")
        before = [await alice.peer.expect("<message><body/></message>") for _ in range(2)]
        archive.keep("a1", "one", by=OWN, to=BOB, origin=one["origin_id"])
        await back(home, alice, archive)
        first = await home.expect("message.changed", body="one", state="acknowledged")
        second = await home.expect("message.changed", body="two", state="acknowledged")
        assert first["archive_id"] == "a1"
        assert (first["maybe_duplicate"], second["maybe_duplicate"]) == (False, False)
        again = await alice.peer.expect("<message><body/></message>")
        assert again.get("id") == before[1].get("id"), "the same id"
        await alice.peer.forbid("<message><body>one</body></message>")


@pytest.mark.parametrize("default", ["never", "roster"])
async def test_an_archive_that_keeps_nothing_of_a_peer_tells_nothing(reactor, tmp_path, default):
    archive = Archived()
    archive.default = default
    async with house(reactor, tmp_path) as home:
        alice = await arrive(home, archive)
        alice.peer.on(f"<r xmlns='{NS_SM}'/>", lambda _: None)
        for to in (BOB, "stranger@server.test"):
            await home.call("message.send", to=to, body=f"to {to}", wait="sent")
        await back(home, alice, archive)
        stranger = await home.expect("message.changed", peer="stranger@server.test", state="sent")
        contact = await home.expect("message.changed", peer=BOB, state="acknowledged")
        assert contact["maybe_duplicate"] is (default == "never")
        stranger = await home.expect(
            "message.changed", peer="stranger@server.test", state="acknowledged"
        )
        assert stranger["maybe_duplicate"]


async def test_looking_back_fetches_what_is_older_and_tells_nobody(reactor, tmp_path):
    archive = Archived(size=50)
    async with house(reactor, tmp_path) as home:
        await start(home, archive)
        await until(reactor, caught_up(home))
        for number in range(70):
            archive.keep(f"a{number}", f"m{number}")
        assert await listed(home, limit=20) == [f"m{number}" for number in range(50, 70)]
        assert archive.asked[-1]["with"] == BOB
        found = await home.call("message.list", peer=BOB, limit=60)
        assert [one["body"] for one in found] == [f"m{number}" for number in range(10, 70)]
        questions = len(archive.asked)
        assert len(await listed(home, limit=500)) == 70
        assert len(await listed(home, limit=500)) == 70
        assert len(archive.asked) == questions, "it knows that there is no more"
        await home.forbid("message.added", 0)
        (talk,) = await home.call("conversation.list")
        assert talk["unread"] == 0


async def test_a_server_that_is_slow_to_tell_of_its_archive(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(disco, "_TIMEOUT", 0.2)
    monkeypatch.setattr(backend, "_DELAYS", (0.0, 0.1))
    archive = Archived()
    archive.keep("a1", "missed")
    asked = []
    async with house(reactor, tmp_path) as home:
        alice = await arrive(home, archive)

        def late(request) -> str | None:
            asked.append(request)
            return None if len(asked) == 1 else archive._info(request)

        alice.peer.on(INFO, late)
        await home.expect("message.added", body="missed")
        assert len(asked) >= 2


async def test_an_archive_that_goes_round_in_circles_is_left(reactor, tmp_path):
    archive = Archived()
    async with house(reactor, tmp_path) as home:
        archive.keep("a1", "once")
        genuine = archive.page

        def page(request) -> str:
            # It gives the same page again, whatever comes after it.
            genuine(request)
            query = request.find(f"{{{NS_MAM}}}query").get("queryid")
            return (
                archive.result(query, *archive.kept[0])
                + f"<iq type='result' id='{request.get('id')}' from='{OWN}'><fin xmlns='{NS_MAM}'"
                " complete='false'><set xmlns='http://jabber.org/protocol/rsm'><last>a1</last>"
                "</set></fin></iq>"
            )

        archive.page = page
        await start(home, archive)
        await until(reactor, caught_up(home))
        assert len(archive.asked) <= 3
        assert await listed(home) == ["once"]
