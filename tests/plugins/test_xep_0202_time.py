"""XEP-0202: what time it is there, and here for those who may know."""

from datetime import UTC, datetime

import pytest

from sat.xmpp.stanza import parse_datetime
from tests.backend.support import house
from tests.plugins.test_xep_0115_caps import CAPS
from tests.plugins.test_xep_0115_caps import ask as ask_features

NS = "urn:xmpp:time"
BOB, EVE = "bob@server.test/x", "eve@evil.test/x"


def ask(id: str, sender: str = BOB) -> str:
    """Return a request for the time."""
    return f"<iq type='get' id='{id}' from='{sender}'><time xmlns='{NS}'/></iq>"


async def test_the_time_zone_is_nobodys_business_unless_the_person_wants_it(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer.send(ask("off"))
        await alice.peer.expect("<iq type='error' id='off'/>")
        alice.peer.send(ask_features("f1"))
        answer = await alice.peer.expect("<iq type='result' id='f1'/>")
        assert NS not in {one.get("var") for one in answer[0]}

        await home.call("option.set", name="time.answer_contacts", value=True)
        # Everybody learns at once that it can be asked.
        await alice.peer.expect(f"<presence><c xmlns='{CAPS}'/></presence>")
        alice.peer.send(ask_features("f2"))
        answer = await alice.peer.expect("<iq type='result' id='f2'/>")
        assert NS in {one.get("var") for one in answer[0]}
        alice.peer.send(ask("on"))
        answer = await alice.peer.expect(f"<iq type='result' id='on'><time xmlns='{NS}'/></iq>")
        told = parse_datetime(answer.findtext(f".//{{{NS}}}utc"))
        assert abs((told - datetime.now(UTC)).total_seconds()) < 60
        offset = answer.findtext(f".//{{{NS}}}tzo")
        assert offset == datetime.now().astimezone().isoformat()[-6:]

        alice.peer.send(ask("stranger", EVE))
        await alice.peer.expect("<iq type='error' id='stranger'/>")
        await home.call("presence.set", show="unavailable")
        alice.peer.send(ask("hidden"))
        await alice.peer.expect("<iq type='error' id='hidden'/>")


async def test_a_setting_that_changes_nothing_announces_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        before = len([one for one in alice.peer.received if one.tag.endswith("}presence")])
        await home.call("option.set", name="ping.timeout", value=20)
        await home.call("option.set", name="time.answer_contacts", value=False)
        await home.expect("option.changed", name="time.answer_contacts")
        await alice.peer.forbid("<presence><show>none</show></presence>", 0.1)
        after = len([one for one in alice.peer.received if one.tag.endswith("}presence")])
        assert after == before


def answering(home, person, payload: str) -> None:
    person.peer.on(
        f"<iq type='get' to='{BOB}'><time xmlns='{NS}'/></iq>",
        lambda request: person.peer.answer(request, payload),
    )


async def test_asking_others(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        stamp = "2006-12-19T17:58:35Z"
        told = f"<time xmlns='{NS}'><tzo>-06:00</tzo><utc>{stamp}</utc></time>"
        answering(home, alice, told)
        found = await home.call("time.get", jid=BOB)
        assert (found["utc"], found["offset"]) == (stamp, "-06:00")
        assert found["ahead"] < -(10**8)
        answering(home, alice, told.replace("-06:00", "Z"))
        assert (await home.call("time.get", jid=BOB))["offset"] == "+00:00"
        error = await home.refused("time.get", jid="carol@server.test/x")
        assert error.name == "failed.xmpp"


@pytest.mark.parametrize(
    "payload",
    [
        "",
        f"<time xmlns='{NS}'/>",
        f"<time xmlns='{NS}'><tzo>+00:00</tzo><utc>99999-13-32T25:61:61Z</utc></time>",
        f"<time xmlns='{NS}'><tzo>+00:00</tzo><utc>0000-00-00T00:00:00Z</utc></time>",
        f"<time xmlns='{NS}'><tzo>CET</tzo><utc>2006-12-19T17:58:35Z</utc></time>",
        f"<time xmlns='{NS}'><tzo>+99:99</tzo><utc>2006-12-19T17:58:35Z</utc></time>",
        f"<time xmlns='{NS}'><utc>2006-12-19T17:58:35Z</utc></time>",
    ],
)
async def test_what_is_no_time_is_refused(reactor, tmp_path, payload):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        answering(home, alice, payload)
        error = await home.refused("time.get", jid=BOB)
        assert error.name == "failed.answer"
        assert (await home.call("plugin.list"))[-1]["sentence"] == ""
