"""What others can do and see, with another implementation on the other side."""

from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger

PATIENCE = 30


def test_what_another_program_can_do_is_verified_and_kept(server, daemon, people):
    alice, carol = people("alice", "carol")
    daemon.profile(alice, server)
    with Stranger(server, carol) as stranger:

        def seen() -> list[dict]:
            return daemon.json("-p", alice, "presence", "get", stranger.jid)

        assert wait_until(seen, PATIENCE)
        device = seen()[0]["jid"]
        (info,) = daemon.json("-p", alice, "disco", "info", device)
        assert info["verified"]
        assert {"urn:xmpp:ping", "urn:xmpp:receipts"} <= set(info["features"])
        told = daemon.jp("-p", alice, "disco", "info", device).stdout
        assert "\n  urn:xmpp:ping\n" in told
    # It is known of whoever shows the same, without asking.
    with Stranger(server, carol):
        assert wait_until(lambda: seen() and seen()[0]["jid"] != device, PATIENCE)
        (again,) = daemon.json("-p", alice, "disco", "info", seen()[0]["jid"])
        assert (again["verified"], again["features"]) == (True, info["features"])


def test_what_a_server_is_and_has(server, daemon, people):
    (alice,) = people("alice")
    daemon.profile(alice, server)
    (info,) = daemon.json("disco", "info", server.host)
    assert ("server", "im") in {(one["category"], one["type"]) for one in info["identities"]}
    assert "urn:xmpp:carbons:2" in info["features"]
    items = daemon.json("disco", "items", server.host)
    assert any(one["jid"].startswith("muc.") or "conf" in one["jid"] for one in items)


def test_somebody_who_is_no_contact_is_shown_that_we_are_there(server, daemon, people):
    (alice,), (dave,) = people("alice"), people("dave")
    daemon.profile(alice, server)
    with Stranger(server, dave) as stranger:
        daemon.jp("presence", "set", "away", "for all", "--priority=-1")
        daemon.jp("presence", "direct", stranger.jid, "dnd", "for you")
        shown = stranger.expect("presence", type="dnd", status="for you")
        assert shown["sender"].startswith(f"{server.jid(alice)}/")
        assert daemon.jp("presence", "directed").stdout.strip() == stranger.jid
        daemon.jp("profile", "disconnect", alice)
        stranger.expect("presence", sender=shown["sender"], type="unavailable")


def test_who_is_allowed_ahead_asks_no_question(server, daemon, people):
    (alice,), (dave,) = people("alice"), people("dave")
    daemon.profile(alice, server)
    with Stranger(server, dave) as stranger, daemon.follow("-p", alice) as follower:
        allowed = daemon.jp("presence", "allow", stranger.jid, check=False)
        stranger.tell("subscribe", server.jid(alice))
        if allowed.returncode:
            assert "the server can't allow it ahead" in allowed.stderr
            follower.wait_for("question.added")
            daemon.jp("presence", "allow", stranger.jid)
        stranger.expect("presence", type="subscribed")
        # On its way the request may have met the permission; then it is taken back.
        assert wait_until(lambda: daemon.json("question", "list") == [], PATIENCE)
