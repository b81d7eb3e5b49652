"""XEP-0092: the program's name and version, for those who may see us."""

import sat
from tests.backend.support import house

NS = "jabber:iq:version"


def ask(sender: str | None) -> str:
    """Return a request for our version."""
    attribute = f" from='{sender}'" if sender else ""
    return f"<iq type='get' id='v1'{attribute}><query xmlns='{NS}'/></iq>"


async def test_contacts_are_told(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        for sender in ("bob@server.test/x", "alice@server.test/other"):
            alice.peer.send(ask(sender))
            answer = await alice.peer.expect(f"<iq type='result' id='v1' to='{sender}'/>")
            assert answer.findtext(f".//{{{NS}}}name") == "Salut à Toi"
            assert answer.findtext(f".//{{{NS}}}version") == sat.__version__
            assert answer.find(f".//{{{NS}}}os") is None


async def test_strangers_get_no_version_unless_the_person_wants_it(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        stranger = "eve@evil.test/x"
        alice.peer.send(ask(stranger))
        answer = await alice.peer.expect(f"<iq id='v1' to='{stranger}'/>")
        assert answer.find(f".//{{{NS}}}version") is None
        await home.call("option.set", name="version.answer_strangers", value=True)
        alice.peer.send(ask(stranger))
        await alice.peer.expect(
            f"<iq type='result' id='v1'><query xmlns='{NS}'><version>{sat.__version__}</version>"
            "</query></iq>"
        )


async def test_asking_others(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        asked = f"<iq type='get' to='bob@server.test/x'><query xmlns='{NS}'/></iq>"
        replies = iter(
            (
                f"<query xmlns='{NS}'><name>Other</name><version>9</version><os>BeOS</os></query>",
                f"<query xmlns='{NS}'/>",
                "",
            )
        )
        alice.peer.on(asked, lambda request: alice.peer.answer(request, next(replies)))
        peer = "bob@server.test/x"
        told = await home.call("version.get", peer=peer)
        assert told == {"name": "Other", "version": "9", "os": "BeOS"}
        nothing = {"name": "", "version": "", "os": ""}
        assert await home.call("version.get", peer=peer) == nothing
        assert await home.call("version.get", peer=peer) == nothing
        error = await home.refused("version.get", peer="server.test")
        assert error.data["condition"] == "service-unavailable"
