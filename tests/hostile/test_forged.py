"""Rules 7, 8, 12 and 22: what anyone can send counts as what anyone can send.

Each case is an attack, which must leave no trace in anything that a frontend can see, and its
harmless twin, which must: a daemon that drops everything fails.
"""

from dataclasses import dataclass

import pytest

from tests.backend.support import house
from tests.hostile.traces import Trace

ALICE, BOB, EVE = "alice@server.test", "bob@server.test", "eve@evil.test"
CARBONS, FORWARD = "urn:xmpp:carbons:2", "urn:xmpp:forward:0"


@dataclass(frozen=True)
class Case:
    rule: int
    name: str
    attack: str
    twin: str

    def __str__(self) -> str:
        return f"rule {self.rule:02}: {self.name}"


def chat(sender: str, body: str = "hello", to: str = f"{ALICE}/here", more: str = "") -> str:
    return (
        f"<message xmlns='jabber:client' from='{sender}' to='{to}' type='chat' id='m1'>"
        f"<body>{body}</body>{more}</message>"
    )


def carbon(sender: str, inner: str, kind: str = "received", more: str = "") -> str:
    return (
        f"<message xmlns='jabber:client' from='{sender}' to='{ALICE}/here' type='chat'>"
        f"<{kind} xmlns='{CARBONS}'>"
        f"<forwarded xmlns='{FORWARD}'>{inner}</forwarded></{kind}>{more}</message>"
    )


def push(sender: str | None, item: str) -> str:
    attribute = f" from='{sender}'" if sender else ""
    return (
        f"<iq type='set' id='p1' to='{ALICE}/here'{attribute}>"
        f"<query xmlns='jabber:iq:roster'>{item}</query></iq>"
    )


def ask(sender: str, child: str, type: str = "get") -> str:
    return f"<iq type='{type}' id='q1' from='{sender}' to='{ALICE}/here'>{child}</iq>"


RECEIVED = chat(f"{BOB}/x", "to my phone", f"{ALICE}/phone")
SENT = chat(f"{ALICE}/phone", "from my phone", BOB)
NEW = f"<item jid='{EVE}' subscription='both'/>"
GONE = f"<item jid='{BOB}' subscription='remove'/>"
PING = "<ping xmlns='urn:xmpp:ping'/>"
ONLY_THE_SERVER = {
    "jingleinfo (CVE-2011-1000)": "<query xmlns='google:jingleinfo'><relay><server host='h'/>"
    "</relay></query>",
    "a blocked contact": "<block xmlns='urn:xmpp:blocking'><item jid='bob@server.test'/></block>",
    "a bookmark in private storage": "<query xmlns='jabber:iq:private'><storage "
    "xmlns='storage:bookmarks'><conference jid='r@m.test' autojoin='true'/></storage></query>",
    "a new password": "<query xmlns='jabber:iq:register'><username>alice</username>"
    "<password>eves</password></query>",
    "a vCard": "<vCard xmlns='vcard-temp'><FN>Eve</FN></vCard>",
    "another resource": "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>e</resource>"
    "</bind>",
    "remote control (CVE-2016-10376)": "<command xmlns='http://jabber.org/protocol/commands' "
    "node='http://jabber.org/protocol/rc#forward' action='execute'/>",
}
PRIVATE = {
    "the version": "<query xmlns='jabber:iq:version'/>",
    "the features": "<query xmlns='http://jabber.org/protocol/disco#info'/>",
}

CASES = [
    *(
        Case(
            7,
            f"a {kind} carbon of {sender}",
            carbon(sender, inner, kind),
            carbon(ALICE, inner, kind),
        )
        for kind, inner in (("received", RECEIVED), ("sent", SENT))
        for sender in (
            *(f"{EVE}/x", EVE, "evil.test", "server.test", f"{BOB}/x", BOB),
            *(f"{ALICE}/phone", f"{ALICE}.evil.test", "alice@evil.test"),
        )
    ),
    Case(
        7,
        "a carbon within a carbon",
        carbon(ALICE, carbon(ALICE, RECEIVED)),
        carbon(ALICE, RECEIVED),
    ),
    Case(
        7,
        "a forwarded message that is no carbon",
        f"<message from='{BOB}/x' to='{ALICE}/here' type='chat'>"
        f"<forwarded xmlns='{FORWARD}'>{RECEIVED}</forwarded></message>",
        carbon(ALICE, RECEIVED),
    ),
    *(
        Case(8, f"{what} pushed by {sender}", push(sender, item), push(own, item))
        for what, item in (("a contact", NEW), ("the end of one", GONE))
        for sender, own in (
            *((EVE, None), (f"{BOB}/x", None), ("evil.test", ALICE), (BOB, ALICE)),
            *((f"{ALICE}.evil.test", None), ("alice@evil.test", ALICE)),
        )
    ),
    *(
        Case(12, f"{name} set by {sender}", ask(sender, child, "set"), push(None, NEW))
        for name, child in ONLY_THE_SERVER.items()
        for sender in (f"{BOB}/x", f"{EVE}/x")
    ),
    Case(
        12,
        "a subscription that nobody asked for",
        f"<presence type='subscribed' from='{EVE}' to='{ALICE}'/>",
        f"<presence type='subscribe' from='{EVE}' to='{ALICE}'/>",
    ),
    *(
        Case(22, f"{name} asked for by a stranger", ask(f"{EVE}/x", child), ask(f"{BOB}/x", child))
        for name, child in PRIVATE.items()
    ),
    Case(
        22,
        "a receipt asked for by a stranger",
        chat(f"{EVE}/x", more="<request xmlns='urn:xmpp:receipts'/>"),
        chat(f"{BOB}/x", more="<request xmlns='urn:xmpp:receipts'/>"),
    ),
    Case(
        22,
        "presence asked for by a stranger",
        f"<presence type='probe' from='{EVE}/x' to='{ALICE}/here'/>",
        ask(f"{BOB}/x", PING),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_rule(reactor, tmp_path, case):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        async with Trace(home, alice) as trace:
            alice.peer.send(case.attack)
        if case.rule != 22:
            assert not trace.changed, (trace.events, trace.before, trace.after)
        assert trace.told == []
        async with Trace(home, alice) as trace:
            alice.peer.send(case.twin)
        if case.rule == 22:
            assert trace.told, trace.answers
        else:
            assert trace.changed
