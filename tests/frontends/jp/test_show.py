"""What people read."""

from sat.frontends.core.commands.show import render

INFO = {
    "jid": "bob@x.test/y",
    "node": "",
    "identities": [{"category": "client", "type": "pc", "lang": "en", "name": "Other\x1b[2J"}],
    "features": ["urn:a", "urn:b\nurn:c"],
    "forms": [{"form_type": "urn:f", "fields": {"os": ["Plan", "9"]}}],
    "verified": True,
}


def test_an_entity():
    assert render("entity", INFO).splitlines() == [
        "client/pc  Other [en]",
        "urn:f:",
        "  os  Plan, 9",
        "features:",
        "  urn:a",
        "  urn:b urn:c",
    ]
    assert render("entity", {"jid": "x.test"}) == ""


def test_its_items():
    found = [{"jid": "muc.x.test", "node": "", "name": "Rooms"}, {"jid": "x.test", "node": "n"}]
    assert render("items", found).splitlines() == ["muc.x.test     Rooms", "x.test      n"]
