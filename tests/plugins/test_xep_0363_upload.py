"""XEP-0363: files go to the server's storage, and nowhere else."""

import hashlib

import pytest

from tests.backend.support import house, until
from tests.plugins.storage import NS_UPLOAD, SERVICE, Storage, offer

CONTENT = b"0123456789" * 5000


class Sender:
    """Alice with a file of hers, and the storage of her server."""

    def __init__(self, home, alice, storage, folder) -> None:
        self.home, self.alice, self.storage = home, alice, storage
        self.path = folder / "picture.png"
        self.path.write_bytes(CONTENT)

    async def send(self, **how) -> dict:
        """Send the file to bob, and return how it ended."""
        given = {"name": "picture.png", "size": len(CONTENT), "media_type": "image/png", **how}
        with self.path.open("rb") as file:
            started = await self.home.call(
                "file.send", file.fileno(), to="bob@server.test", **given
            )
        return await self.home.expect(
            "transfer.changed",
            id=started["id"],
            state=lambda state: state in ("done", "failed", "cancelled"),
        )

    async def fails(self, word: str) -> None:
        """Send the file, and see it fail for a reason, with nothing sent to bob."""
        ended = await self.send()
        assert ended["state"] == "failed"
        assert word in ended["sentence"]
        assert ended["sentence"].startswith("picture.png could not be sent: ")
        await self.alice.peer.forbid("<message/>", 0)


async def sender(home, storage, folder) -> Sender:
    """Bring alice online, trusting the storage as her own server."""
    alice = await home.profile(connect=False)
    await home.call("profile.set", name="alice", values={"ca": alice.server.ca + storage.ca})
    await alice.reconnect()
    await home.expect("profile.changed", connection={"phase": "online"})
    return Sender(home, alice, storage, folder)


async def test_a_file_goes_to_the_storage_and_its_address_to_the_peer(reactor, tmp_path):
    async with Storage(reactor, tmp_path) as storage, house(reactor, tmp_path) as home:
        file = await sender(home, storage, tmp_path)
        offer(file.alice.peer, storage.address + "/put/1", "https://files.test/get/1")
        slot = f"<iq to='{SERVICE}'><request xmlns='{NS_UPLOAD}'/></iq>"
        ended = await file.send()
        asked = [
            one
            for one in file.alice.peer.received
            if one.find(f"{{{NS_UPLOAD}}}request") is not None
        ]
        assert dict(asked[0][0].attrib) == {
            "filename": "picture.png",
            "size": str(len(CONTENT)),
            "content-type": "image/png",
        }, slot
        assert (ended["state"], ended["method"], ended["done"]) == ("done", "upload", len(CONTENT))
        [(path, headers, content)] = storage.taken
        assert path == b"/put/1"
        assert hashlib.sha256(content).digest() == hashlib.sha256(CONTENT).digest()
        assert headers["content-length"] == str(len(CONTENT))
        # The type that the slot was asked for (XEP-0363, section 4).
        assert headers["content-type"] == "image/png"
        await file.alice.peer.expect(
            "<message to='bob@server.test'><body>https://files.test/get/1</body>"
            "<x xmlns='jabber:x:oob'><url>https://files.test/get/1</url></x></message>"
        )
        added = await home.expect("message.added", direction="out")
        assert [one["name"] for one in added["attachments"]] == ["picture.png"]


async def test_headers_are_only_those_that_may_be(reactor, tmp_path):
    async with Storage(reactor, tmp_path) as storage, house(reactor, tmp_path) as home:
        file = await sender(home, storage, tmp_path)
        offer(
            file.alice.peer,
            storage.address + "/x",
            headers="<header name='Authorization'>Basic&#13;&#10;X-Evil: 1</header>"
            "<header name='coo&#10;kie'>a=b</header><header name='EXPIRES'>never</header>"
            "<header name='X-Other'>1</header><header name='Host'>evil.test</header>"
            "<header name='Content-Length'>3</header><header>nameless</header>",
        )
        assert (await file.send())["state"] == "done"
        [(_, headers, content)] = storage.taken
        assert content == CONTENT
        assert headers["authorization"] == "BasicX-Evil: 1"
        assert headers["cookie"] == "a=b"
        assert headers["expires"] == "never"
        assert headers["host"].startswith("localhost:")
        assert not {"x-other", "x-evil"} & set(headers)


@pytest.mark.parametrize(
    ("put", "get", "word"),
    [
        ("http://localhost:1/x", "https://files.test/x", "not https"),
        ("https://localhost:1/x", "http://files.test/x", "not https"),
        ("file:///etc/passwd", "https://files.test/x", "not https"),
        ("https://localhost:1/x", "javascript:alert(1)", "not https"),
        ("https://localhost:1/x\r\nX: 1", "https://files.test/x", "not https"),
        ("https://localhost:1/ü", "https://files.test/x", "not https"),
        ("", "", "not https"),
        ("https://", "https://files.test/x", "could not be sent"),
        ("https://[::1", "https://files.test/x", "could not be sent"),
        ("https://localhost:99999999/x", "https://files.test/x", "could not be sent"),
        ("https://localhost:1/x", "https://files.test/x", "can't be reached"),
    ],
)
async def test_a_slot_elsewhere_is_refused(reactor, tmp_path, put, get, word):
    async with Storage(reactor, tmp_path) as storage, house(reactor, tmp_path) as home:
        file = await sender(home, storage, tmp_path)
        offer(file.alice.peer, put, get)
        await file.fails(word)
        assert storage.taken == []


async def test_a_person_may_allow_what_is_not_encrypted(reactor, tmp_path):
    async with Storage(reactor, tmp_path) as storage, house(reactor, tmp_path) as home:
        file = await sender(home, storage, tmp_path)
        await home.call("option.set", name="upload.allow_http", value="yes")
        offer(file.alice.peer, "http://localhost:1/x", "http://localhost:1/x")
        await file.fails("localhost:1 can't be reached")


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 403, 413, 500])
async def test_what_the_storage_answers(reactor, tmp_path, status):
    async with Storage(reactor, tmp_path) as storage, house(reactor, tmp_path) as home:
        file = await sender(home, storage, tmp_path)
        storage.status = status
        storage.body = b"" if status == 204 else b"<html>" + b"x" * 100_000
        if status // 100 == 3:
            storage.headers[b"location"] = storage.address.encode() + b"/elsewhere"
        offer(file.alice.peer, storage.address + "/x")
        if status // 100 == 2:
            assert (await file.send())["state"] == "done"
        else:
            await file.fails(f"status {status}")
        assert len(storage.taken) == 1
        await until(reactor, lambda: storage.connections == 0)


async def test_a_certificate_of_nobody_is_refused(reactor, tmp_path):
    async with Storage(reactor, tmp_path) as storage, house(reactor, tmp_path) as home:
        alice = await home.profile()
        file = Sender(home, alice, storage, tmp_path)
        offer(alice.peer, storage.address + "/x")
        await file.fails("isn't trusted: its certificate has run out, or no authority")
        assert storage.taken == []


async def test_too_large_is_told_before_anything_is_asked(reactor, tmp_path):
    async with Storage(reactor, tmp_path) as storage, house(reactor, tmp_path) as home:
        file = await sender(home, storage, tmp_path)
        offer(file.alice.peer, storage.address + "/x", limit=str(len(CONTENT) - 1))
        await file.fails(f"takes at most {len(CONTENT) - 1}")
        await file.alice.peer.forbid(f"<iq><request xmlns='{NS_UPLOAD}'/></iq>", 0)


async def test_no_service_is_told(reactor, tmp_path):
    async with Storage(reactor, tmp_path) as storage, house(reactor, tmp_path) as home:
        file = await sender(home, storage, tmp_path)
        await file.fails("offers no upload")
