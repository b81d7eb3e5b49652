"""Rules 9, 13, 14, 16, 17 and 19: streams, logins and addresses, seen through the bridge.

Each attack gives a state with a sentence and harms nothing else; its harmless twin goes through.
"""

import tracemalloc
from types import SimpleNamespace

import pytest

from tests.backend.support import house, pause, until
from tests.hostile.login import NS_SASL
from tests.hostile.server import HostileServer
from tests.hostile.talk import BOB, arrives, chat, phase, refused
from tests.hostile.traces import Trace


def wide(count: int) -> str:
    """Return so many attributes."""
    return " ".join(f"a{number}=''" for number in range(count))


# ---- rule 9


@pytest.mark.parametrize(
    "sender", ["eve@evil.test/x", BOB, f"{BOB}/y", "server.test", None, "alice@server.test/here"]
)
async def test_rule_09_an_answer_counts_from_whom_was_asked(reactor, tmp_path, sender):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        asked = []
        alice.peer.on("<iq type='get'><query xmlns='jabber:iq:version'/></iq>", asked.append)
        answered = home.call("version.get", peer=f"{BOB}/x")
        await until(reactor, lambda: asked)
        told = "<query xmlns='jabber:iq:version'><name>{}</name><version>1</version></query>"
        alice.peer.answer(asked[0], told.format("forged"), from_=sender)
        alice.peer.answer(asked[0], "", type="error", from_=sender)
        await arrives(home, alice.peer)
        assert not answered.called
        alice.peer.answer(asked[0], told.format("right"))
        assert (await answered)["name"] == "right"


# ---- rules 13 and 14: before anybody is trusted


def spoke_of_itself(peer) -> bool:
    """Tell whether the client said who it is or began to authenticate."""
    named = [header.get("from") for header in peer.headers]
    return any(named) or any("auth" in one.tag.rpartition("}")[2] for one in peer.received)


async def connect(home, server: HostileServer) -> SimpleNamespace:
    """Make a profile at a server, and begin to connect it."""
    await home.call(
        "profile.create",
        name="alice",
        jid=f"{server.user}@{server.domain}",
        password=server.password,
        server=f"127.0.0.1:{server.port}",
        ca=server.ca,
        autoconnect=False,
    )
    connecting = home.call("profile.connect", name="alice")
    connecting.addErrback(lambda _: None)
    return SimpleNamespace(peer=await server.accept(), connecting=connecting)


@pytest.mark.parametrize("kind", ["name", "expired", "early", "self"])
async def test_rule_13_a_wrong_certificate_gets_no_credentials(reactor, tmp_path, kind):
    async with house(reactor, tmp_path) as home:
        began = await connect(home, home.server(certificate=kind))
        await began.peer.log_in(before="tls")
        began.peer.start_tls()
        shown = await refused(home, began)
        assert shown["reason"].startswith("tls."), shown
        await began.peer.ends()
        assert not spoke_of_itself(began.peer)


async def test_rule_13_without_tls_nothing_is_said(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        began = await connect(home, home.server())
        await began.peer.log_in(before="features")
        began.peer.send(
            f"<stream:features><mechanisms xmlns='{NS_SASL}'>"
            "<mechanism>PLAIN</mechanism></mechanisms></stream:features>"
        )
        shown = await refused(home, began)
        assert shown["reason"].startswith("tls."), shown
        await began.peer.ends()
        assert not spoke_of_itself(began.peer)


async def test_rule_13_what_comes_in_clear_after_proceed_counts_for_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        began = await connect(home, home.server())
        await began.peer.log_in(before="proceed")
        began.peer.send(
            "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
            f"<stream:features><mechanisms xmlns='{NS_SASL}'>"
            "<mechanism>PLAIN</mechanism></mechanisms></stream:features>" + chat("in clear")
        )
        began.peer.start_tls()
        await began.peer.header()
        await began.peer.forbid(f"<auth xmlns='{NS_SASL}'/>")
        began.peer.open(
            f"<mechanisms xmlns='{NS_SASL}'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>"
        )
        await began.peer.expect(f"<auth xmlns='{NS_SASL}' mechanism='SCRAM-SHA-1'/>")
        await home.forbid("message.added", 0)


async def test_rule_13_the_twin_is_trusted(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        assert phase(home)["phase"] == "online"
        assert any(one.tag.endswith("}auth") for one in alice.peer.received)
        await arrives(home, alice.peer)


@pytest.mark.parametrize(
    ("step", "reply", "reason"),
    [
        ("final", "v=AAAA", "denied.server"),
        ("final", "", "denied.server"),
        ("first", "r={},s=QSXCR+Q6sek8bf92,i=1", "denied.iterations"),
        ("first", "r={},s=QSXCR+Q6sek8bf92,i=1000000000", "denied.iterations"),
        ("first", "r=other,s=QSXCR+Q6sek8bf92,i=4096", "denied.server"),
    ],
)
async def test_rule_14_a_server_that_does_not_know_the_password(
    reactor, tmp_path, step, reply, reason
):
    async with house(reactor, tmp_path) as home:
        began = await connect(home, home.server())

        def scram(this: str, text: str) -> str:
            return reply.format(text.partition(",")[0][2:]) if this == step else text

        with pytest.raises(AssertionError):
            await began.peer.log_in(scram=scram)
        shown = await refused(home, began)
        assert (shown["phase"], shown["reason"]) == ("failed", reason)
        await began.peer.forbid("<iq/>", 0)


# ---- rule 16


@pytest.mark.parametrize(
    ("condition", "again"), [("conflict", False), ("system-shutdown", True), ("reset", True)]
)
async def test_rule_16_who_is_replaced_does_not_come_back(reactor, tmp_path, condition, again):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.stream_error(condition)
        shown = await refused(home, alice)
        assert shown["phase"] == ("waiting" if again else "failed")
        assert shown["reason"] == f"stream.{condition}"
        if again:
            await alice.online()
        else:
            await pause(reactor, 3)
            assert len(alice.server.peers) == 1
            await alice.reconnect()
        await arrives(home, alice.peer)


async def test_rule_16_a_refused_port_is_tried_less_and_less(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await alice.server.refuse()
        alice.peer.abort()
        waits = []
        for _ in range(3):
            told = await home.frontend.event("profile.changed", 30, connection={"phase": "waiting"})
            assert told["data"]["connection"]["sentence"]
            waits.append(told["data"]["connection"]["retry_at"])
        assert len(set(waits)) == 3
        # Asked by a person again and again, it tries at once, and each try is told.
        for _ in range(20):
            error = await home.refused("profile.connect", name="alice")
            assert error.name.startswith("offline.")
        alice.server.listen(alice.server.port)
        await alice.reconnect()
        await arrives(home, alice.peer)


# ---- rule 17, and streams of nonsense


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("<!DOCTYPE x [<!ENTITY a 'b'>]>", "xml.invalid"),
        ("<!-- hi -->", "xml.forbidden"),
        ("<?pi hi?>", "xml.forbidden"),
        (chat("&lol;"), "xml.invalid"),
        (chat("\x00"), "xml.invalid"),
        ("<message from='bob@server.test/x'><body>a</bod>", "xml.invalid"),
        ("<a>" * 1_000, "xml.invalid"),
        ("<a>" * 100_000, "xml.invalid"),
        (f"<message {wide(1_000_000)}/>", "xml.invalid"),
        (chat("", more="<a/>" * 1_000_000), "xml.invalid"),
    ],
    ids=lambda one: one[:30] if len(one) > 30 else None,
)
async def test_rule_17_forbidden_and_boundless_xml_ends_the_stream(reactor, tmp_path, data, reason):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        tracemalloc.start()
        alice.peer.send(data)
        shown = await refused(home, alice)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert shown["phase"] == "waiting" and shown["reason"].startswith("xml."), shown
        assert not [one for one in home.frontend.events if one["type"] == "message.added"]
        assert peak < 150 * 2**20, peak
        await alice.reconnect()
        await arrives(home, alice.peer)


async def test_rule_17_a_stanza_of_100_mb_is_cut_off(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send("<message from='bob@server.test/x' type='chat'><body>")
        for _ in range(100):
            if alice.peer.lost or phase(home)["phase"] != "online":
                break
            alice.peer.send(b"x" * 2**20)
            await pause(reactor, 0.01)
        shown = await refused(home, alice)
        assert shown["reason"].startswith("xml."), shown
        await alice.reconnect()
        await arrives(home, alice.peer)


@pytest.mark.parametrize(
    "twin",
    [
        chat("&lt;!DOCTYPE&gt; &amp;lol; <!-- -->".replace("<!-- -->", "")),
        chat("big " + "x" * 200_000),
        chat("deep", more="<a xmlns='x'>" * 50 + "</a>" * 50),
        chat("wide", more=f"<a xmlns='x' {wide(200)}/>"),
        chat("<![CDATA[<b>]]>"),
    ],
    ids=["entities", "big", "deep", "wide", "CDATA"],
)
async def test_rule_17_the_twin_goes_through(reactor, tmp_path, twin):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        async with Trace(home, alice) as trace:
            alice.peer.send(twin)
        assert [one["type"] for one in trace.events].count("message.added") == 1


@pytest.mark.parametrize("text", ["a\0b", "\x1b[2J", "\ufffe"])
async def test_rule_17_what_is_no_xml_is_never_sent(reactor, tmp_path, text):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        error = await home.refused("message.send", to=BOB, body=text)
        assert error.name.startswith("usage.")
        await home.call("message.send", to=BOB, body="]]><x/>&'\"\U0001f642\t\n", wait="sent")
        sent = await alice.peer.expect(f"<message to='{BOB}'><body/></message>")
        assert sent.findtext("{jabber:client}body") == "]]><x/>&'\"\U0001f642\t\n"
        assert not alice.peer.garbled


async def test_rule_17_half_a_character_is_no_text(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        home.call("message.send", to=BOB, body="\ud800").addErrback(lambda _: None)
        await until(reactor, lambda: home.frontend.complaints)
        assert home.frontend.complaints[0]["error"]["data"]["name"].startswith("usage.")
        await home.call("message.send", to=BOB, body="whole", wait="acknowledged")
        assert await home.call("message.list", peer=BOB, limit=10) != []
        await alice.peer.forbid("<message><body>\ufffd</body></message>", 0)


# ---- rule 19


@pytest.mark.parametrize(
    "jid",
    [
        *(
            "@",
            "a@",
            "@server.test",
            "a@b@c",
            "a b@server.test",
            "a@server.test/",
            # Normalized, these hosts hold a slash, an at sign and a space.
            *(
                "a&b@server.test",
                "a@evil.test\uff0fserver.test",
                "a@b\uff20server.test",
                "a@b\u3000c",
            ),
        ),
        *('a"b@server.test', "\U0001f642@server.test", "a@server..test"),
        *("a" * 1024 + "@server.test", "a@" + "b" * 1024, "a@server.test/" + "c" * 1024),
    ],
)
async def test_rule_19_what_is_no_address(reactor, tmp_path, jid):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        error = await home.refused("message.send", to=jid, body="hi")
        assert error.name.startswith("usage."), error
        quoted = jid.replace("&", "&amp;").replace('"', "&quot;")
        async with Trace(home, alice) as trace:
            alice.peer.send(f'<presence from="{quoted}"/>')
        assert not trace.changed, trace.events
        await arrives(home, alice.peer)


async def test_rule_19_one_person_one_conversation(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        senders = ("BOB@SERVER.TEST/x", "Bob@server.test/X", f"{BOB}/y")
        lookalikes = ("b\u043eb@server.test/x", "b0b@server.test/x", "bob@server.test.evil/x")
        for number, sender in enumerate(senders + lookalikes):
            alice.peer.send(chat(f"{number}", sender))
            await home.expect("message.added", body=f"{number}")
        listed = await home.call("message.list", peer="BoB@server.TEST", limit=10)
        assert [one["body"] for one in listed] == ["0", "1", "2"]
        assert len(await home.call("conversation.list")) == 4
