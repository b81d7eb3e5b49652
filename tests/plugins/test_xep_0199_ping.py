"""XEP-0199: pings are answered, and measured."""

from tests.backend.support import house


async def test_pings_are_answered(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(
            "<iq type='get' id='p1' from='server.test'><ping xmlns='urn:xmpp:ping'/></iq>"
        )
        answer = await alice.peer.expect("<iq type='result' id='p1' to='server.test'/>")
        assert len(answer) == 0
        alice.peer.send(
            "<iq type='set' id='p2' from='server.test'><ping xmlns='urn:xmpp:ping'/></iq>"
        )
        await alice.peer.expect("<iq type='error' id='p2'><error type='cancel'/></iq>")


async def test_a_round_trip_is_measured(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        seconds = await home.call("ping.send", peer="bob@server.test/x")
        assert 0 < seconds < 5
        assert alice.name == "alice"


async def test_what_can_go_wrong(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        pinged = "<iq type='get' to='bob@server.test/x'><ping xmlns='urn:xmpp:ping'/></iq>"

        def refuse(request) -> None:
            alice.peer.answer(
                request,
                "<error type='cancel'><item-not-found "
                "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
                type="error",
            )

        alice.peer.on(pinged, refuse)
        error = await home.refused("ping.send", peer="bob@server.test/x")
        assert (error.name, error.data["condition"]) == ("unknown.xmpp", "item-not-found")
        alice.peer.on(pinged, lambda _: None)
        await home.call("option.set", name="ping.timeout", value=1)
        assert (await home.refused("ping.send", peer="bob@server.test/x")).name == "timeout.peer"
        # An answer with the right id from the wrong sender is none (RFC 6120, section 8.1.2.1).
        alice.peer.on(
            pinged, lambda request: alice.peer.answer(request, "", from_="eve@evil.test/x")
        )
        assert (await home.refused("ping.send", peer="bob@server.test/x")).name == "timeout.peer"
        await home.call("profile.disconnect", name="alice")
        assert (await home.refused("ping.send", peer="bob@server.test")).name == "offline.profile"
