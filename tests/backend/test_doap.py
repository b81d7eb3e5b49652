"""What ``doc/sat.doap`` says that we can do is what a daemon with all plugins advertises."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.backend.support import house
from tests.plugins.test_xep_0115_caps import INFO, ask

DOAP = Path(__file__).resolve().parents[2] / "doc" / "sat.doap"
XEP = "{https://linkmauve.fr/ns/xmpp-doap#}"
RESOURCE = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource"

#: The document of each feature that is advertised.
FEATURES = {
    "http://jabber.org/protocol/caps": "0115",
    "http://jabber.org/protocol/disco#info": "0030",
    "http://jabber.org/protocol/muc": "0045",
    "jabber:iq:version": "0092",
    "jabber:x:conference": "0249",
    "jabber:x:oob": "0066",
    "urn:xmpp:avatar:metadata+notify": "0084",
    "urn:xmpp:bookmarks:1+notify": "0402",
    "urn:xmpp:caps": "0390",
    "urn:xmpp:chat-markers:0": "0333",
    "urn:xmpp:delay": "0203",
    "urn:xmpp:mds:displayed:0+notify": "0490",
    "urn:xmpp:ping": "0199",
    "urn:xmpp:receipts": "0184",
    "urn:xmpp:sid:0": "0359",
    "urn:xmpp:time": "0202",
}

#: What nobody could ask us for, and why.
NOT_ADVERTISED = {
    "0004": "a form is understood where something else holds it",
    "0048": "kept on the own server",
    "0049": "asked of the own server",
    "0059": "part of asking archives",
    "0077": "asked of the own server",
    "0163": "of nodes on the own server: each wanted one is advertised",
    "0178": "of the login",
    "0191": "asked of the own server",
    "0198": "of the stream",
    "0223": "kept on the own server",
    "0245": "read by frontends",
    "0280": "asked of the own server",
    "0313": "asked of archives",
    "0334": "hints are for servers and archives",
    "0352": "of the stream",
    "0363": "asked of the server's service",
    "0368": "of the connection",
    "0386": "of the login",
    "0388": "of the login",
    "0392": "drawn by frontends",
    "0393": "drawn by frontends",
    "0410": "asked of rooms",
    "0421": "given by rooms",
    "0440": "of the login",
    "0441": "asked of the own server",
    "0474": "of the login",
    "0480": "of the login",
    "0484": "of the login",
}
VERSION = re.compile(r"\d+\.\d+(\.\d+)?(rc\d+)?")
STATUSES = {"complete", "partial", "planned", "deprecated", "removed", "wontfix"}


def listed() -> dict[str, ET.Element]:
    """Return what the file says, by the numbers of the documents."""
    found = list(ET.parse(DOAP).iter(f"{XEP}SupportedXep"))
    links = [one.find(f"{XEP}xep").get(RESOURCE) for one in found]
    numbers = [
        re.fullmatch(r"https://xmpp\.org/extensions/xep-(\d{4})\.html", link)[1] for link in links
    ]
    assert numbers == sorted(set(numbers)), "in order, each once"
    return dict(zip(numbers, found, strict=True))


def test_each_entry_is_whole():
    for number, entry in listed().items():
        status = entry.findtext(f"{XEP}status")
        assert status in STATUSES, number
        assert VERSION.fullmatch(entry.findtext(f"{XEP}version")), number
        assert entry.findtext(f"{XEP}since"), number
        if status == "partial":
            assert entry.findtext(f"{XEP}note"), f"{number}: what is missing?"


async def test_it_says_what_is_advertised(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        await home.call("option.set", name="time.answer_contacts", value=True)
        assert not [one["name"] for one in await home.call("plugin.list") if one["sentence"]]
        alice.peer.send(ask("i1"))
        answer = await alice.peer.expect("<iq type='result' id='i1'/>")
        features = {one.get("var") for one in answer[0].findall(f"{{{INFO}}}feature")}
    assert features - FEATURES.keys() == set(), "name their documents above"
    numbers = listed().keys()
    advertised = {FEATURES[one] for one in features}
    assert advertised - numbers == set(), "advertised, and not in the file"
    assert advertised & NOT_ADVERTISED.keys() == set(), "advertised by now"
    assert numbers - advertised - NOT_ADVERTISED.keys() == set(), "in the file, not advertised"
    assert NOT_ADVERTISED.keys() - numbers == set(), "not in the file"
