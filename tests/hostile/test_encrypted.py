"""Rule 24, as long as there is no OMEMO (XEP-0384): what we can't read says nothing to us.

What is encrypted is never taken for what its sender says in clear, nor lost with it; and lists of
devices, however mad, change nothing and cost nothing.
"""

import pytest

from tests.backend.support import house
from tests.hostile.test_forged import ALICE, BOB, EVE, carbon, chat
from tests.hostile.traces import Trace

OLD, NEW = "eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2"
#: Device ids that are none, are out of bounds, or come twice; and more than anybody has.
DEVICES = ["0", "-1", str(2**31), str(2**64), "", "x", "1", "1", *map(str, range(10_000))]
EVENT = "http://jabber.org/protocol/pubsub#event"


def encrypted(namespace: str = OLD, payload: str = "c2VjcmV0") -> str:
    keys = "".join(f"<key rid='{one}' prekey='true'>AAAA</key>" for one in DEVICES)
    inner = f"<payload>{payload}</payload>" if payload else ""
    return f"<encrypted xmlns='{namespace}'><header sid='0'>{keys}</header>{inner}</encrypted>"


def devices(sender: str, namespace: str = OLD) -> str:
    node = f"{OLD}.devicelist" if namespace == OLD else f"{NEW}:devices"
    found = "".join(f"<device id='{one}'/>" for one in DEVICES)
    return (
        f"<message from='{sender}' to='{ALICE}/here' type='headline'><event xmlns='{EVENT}'>"
        f"<items node='{node}'><item id='current'><list xmlns='{namespace}'>{found}</list></item>"
        "</items></event></message>"
    )


@pytest.mark.parametrize("namespace", [OLD, NEW])
async def test_rule_24_what_is_encrypted_says_nothing(reactor, tmp_path, namespace):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        silent = [
            chat(sender, more=encrypted(namespace, payload)).replace("<body>hello</body>", "")
            for sender in (f"{BOB}/x", f"{EVE}/x", f"{ALICE}/phone")
            for payload in ("c2VjcmV0", "", "no base64 <body>forged</body>")
        ]
        silent += [devices(one, namespace) for one in (ALICE, BOB, EVE)]
        silent.append(carbon(ALICE, silent[0]))
        async with Trace(home, alice, len(silent)) as trace:
            alice.peer.send("".join(silent))
        assert not trace.changed, trace.events
        assert not trace.told
        async with Trace(home, alice) as trace:
            alice.peer.send(chat(f"{BOB}/x", "I can't read this", more=encrypted(namespace)))
        (message,) = trace.after["messages"][BOB]
        assert message["body"] == "I can't read this" and not message.get("attachments")
