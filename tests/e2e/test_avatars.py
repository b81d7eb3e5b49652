"""Pictures of people, with another implementation on the other side (XEP-0084)."""

from base64 import b64decode, b64encode

import pytest

from tests.e2e.test_console_pictures import png
from tests.testbed.processes import wait_until
from tests.testbed.stranger import Stranger
from tests.testbed.telepathy import AVATARS, CONTACTS

PATIENCE = 30
FIRST, SECOND = png(8, 8, 200), png(9, 9, 100)


def text(data: bytes) -> str:
    return b64encode(data).decode()


def test_pictures_of_contacts_and_the_own_one(server, daemon, people, tmp_path):
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server)
    own = server.jid(alice)
    with Stranger(server, bob) as stranger, daemon.follow("-p", alice) as follower:
        stranger.tell("picture", text(FIRST))
        hash_ = stranger.expect("pictured")["hash"]
        follower.wait_for("avatar.changed", lambda one: one["hash"] == hash_)
        (listed,) = daemon.json("-p", alice, "avatar", "list")
        assert (listed["jid"], listed["hash"]) == (stranger.jid, hash_)
        path = tmp_path / "bob.png"
        assert daemon.jp("avatar", "get", stranger.jid, "--to", str(path)).stdout == f"{path}\n"
        assert path.read_bytes() == FIRST
        # The other way round: the other program is told, and can fetch it.
        (tmp_path / "me.png").write_bytes(SECOND)
        daemon.jp("-p", alice, "avatar", "set", str(tmp_path / "me.png"))
        shown = stranger.expect("avatar", sender=own)
        stranger.tell("look", own, shown["hash"])
        assert b64decode(stranger.expect("picture", hash=shown["hash"])["data"]) == SECOND
        # Who comes later sees it as well, and after a restart it is known again.
        daemon.stop()
        daemon.start()
        assert wait_until(lambda: daemon.phase(alice) == "online", PATIENCE)

        def known() -> dict[str, str]:
            found = daemon.json("-p", alice, "avatar", "list")
            return {one["jid"]: one["hash"] for one in found}

        assert wait_until(lambda: known() == {own: shown["hash"], stranger.jid: hash_}, PATIENCE)
        daemon.jp("-p", alice, "avatar", "clear")
        stranger.expect("avatar", sender=own, hash="")
        stranger.tell("look", own, shown["hash"])
        assert wait_until(
            lambda: [one["data"] for one in stranger.seen if one["what"] == "picture"][1:] == [""],
            PATIENCE,
        )
        stranger.tell("no_picture")
        assert wait_until(lambda: known() == {}, PATIENCE)
        refused = daemon.jp("-p", alice, "avatar", "get", stranger.jid, check=False)
        assert (refused.returncode, "has no picture" in refused.stderr) == (6, True)


def test_a_stranger_sees_no_picture(server, daemon, people, tmp_path):
    (alice,), (dave,) = people("alice"), people("dave")
    daemon.profile(alice, server)
    (tmp_path / "me.png").write_bytes(FIRST)
    daemon.jp("-p", alice, "avatar", "set", str(tmp_path / "me.png"))
    (listed,) = daemon.json("-p", alice, "avatar", "list")
    with Stranger(server, dave) as stranger:
        stranger.tell("look", server.jid(alice), listed["hash"])
        assert stranger.expect("picture")["data"] == ""
        # Nor is a stranger asked for theirs.
        refused = daemon.jp("-p", alice, "avatar", "get", stranger.jid, check=False)
        assert refused.returncode == 7


@pytest.mark.any_server
def test_programs_of_telepathy_see_and_set_pictures(server, daemon, client, people):
    alice, bob = people("alice", "bob")
    daemon.profile(alice, server)
    account, peer = server.jid(alice), server.jid(bob)
    with Stranger(server, bob) as stranger:
        stranger.tell("picture", text(FIRST))
        first = stranger.expect("pictured")["hash"]
        assert wait_until(lambda: bool(daemon.json("-p", alice, "avatar", "list")), PATIENCE)
        client.connect(account, server.passwords[alice])
        assert AVATARS in client.call("GetInterfaces")
        (handle,) = client.call("RequestHandles", "uas", 1, [peer])
        # What was known before is told as well.
        client.expect("AvatarUpdated", [handle, first])
        assert client.call(f"{AVATARS}.GetKnownAvatarTokens", "au", [1, handle]) == {
            str(handle): first
        }
        found = client.call(f"{CONTACTS}.GetContactAttributes", "auasb", [handle], [AVATARS], False)
        assert found[str(handle)][f"{AVATARS}/token"] == first
        client.call(f"{AVATARS}.RequestAvatars", "au", [handle, 1, handle])
        retrieved = client.expect("AvatarRetrieved")
        assert retrieved[:2] == [handle, first]
        assert (bytes(retrieved[2]), retrieved[3]) == (FIRST, "image/png")
        data, type_ = client.call(f"{AVATARS}.RequestAvatar", "u", handle)
        assert (bytes(data), type_) == (FIRST, "image/png")
        assert client.refused(f"{AVATARS}.RequestAvatar", "u", 1) == "NotAvailable"
        # The own one is everywhere.
        second = client.call(f"{AVATARS}.SetAvatar", "ays", [*SECOND], "image/png")
        client.expect("AvatarUpdated", [1, second])
        stranger.expect("avatar", sender=account, hash=second)
        client.call(f"{AVATARS}.ClearAvatar")
        client.expect("AvatarUpdated", [1, ""])
        assert client.call(f"{AVATARS}.GetAvatarTokens", "au", [1, handle]) == ["", first]
        limits = client.call(f"{AVATARS}.GetAvatarRequirements")
        assert limits == [["image/png"], 0, 0, 0, 0, 96 * 1024]
        shown = client.call("org.freedesktop.DBus.Properties.GetAll", "s", AVATARS)
        assert shown["SupportedAvatarMIMETypes"] == ["image/png"]
        assert shown["MaximumAvatarBytes"] == 96 * 1024
        stranger.tell("no_picture")
        client.expect("AvatarUpdated", [handle, ""])
        # What is none, or of nobody, is refused, and nothing else happens.
        for bad in ([*b"\xff\xd8\xff"], [], [*SECOND[:20]], [*SECOND, *bytes(96 * 1024)]):
            refused = client.refused(f"{AVATARS}.SetAvatar", "ays", bad, "image/png")
            assert refused == "InvalidArgument"
        refused = client.refused(f"{AVATARS}.SetAvatar", "ays", [*SECOND], "text/html")
        assert refused == "InvalidArgument"
        for member in ("GetKnownAvatarTokens", "GetAvatarTokens", "RequestAvatars"):
            assert client.refused(f"{AVATARS}.{member}", "au", [handle, 999]) == "InvalidHandle"
        # Without the plugin there are no pictures, and nothing else is amiss.
        daemon.jp("plugin", "unload", "avatar")
        assert client.refused(f"{AVATARS}.ClearAvatar") == "DoesNotExist"
        assert client.call("GetStatus") == 0
