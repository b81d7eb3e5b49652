"""What is kept of others' features is bounded, and the oldest goes first."""

from sat.backend import descriptions
from sat.xmpp.disco import DiscoInfo, Identity
from tests.backend.support import fill, free, house, until

COUNT = "SELECT count(*), sum(size) FROM capability"


def info(name: str) -> DiscoInfo:
    return DiscoInfo((Identity("client", "pc", "", name),), frozenset({"urn:f", f"urn:{name}"}))


async def test_the_oldest_makes_room(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(descriptions, "MAX_KEPT", 20)
    async with house(reactor, tmp_path) as home:
        kept = home.daemon._core.descriptions
        for n in range(60):
            kept.keep(f"k{n:02}", info(str(n)))
        await until(reactor, lambda: home.rows("SELECT 1 FROM capability WHERE key = 'k59'"))
        keys = [key for (key,) in home.rows("SELECT key FROM capability ORDER BY key")]
        assert keys == [f"k{n:02}" for n in range(40, 60)]
        assert await kept.get("k59") == info("59")


async def test_so_does_the_largest_sum_of_bytes(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(descriptions, "MAX_BYTES", 2000)
    async with house(reactor, tmp_path) as home:
        kept = home.daemon._core.descriptions
        for n in range(60):
            kept.keep(f"k{n:02}", info(str(n)))
        await until(reactor, lambda: home.rows("SELECT 1 FROM capability WHERE key = 'k59'"))
        [(count, size)] = home.rows(COUNT)
        assert 0 < count < 30
        assert size <= 2000


async def test_what_is_wanted_stays(reactor, tmp_path, monkeypatch):
    monkeypatch.setattr(descriptions, "MAX_KEPT", 2)
    monkeypatch.setattr(descriptions, "_USED_AGAIN", -1)
    async with house(reactor, tmp_path) as home:
        kept = home.daemon._core.descriptions
        for key in ("a", "b"):
            kept.keep(key, info(key))
        await until(reactor, lambda: home.rows(COUNT)[0][0] == 2)
        await home.restart()
        kept = home.daemon._core.descriptions
        used = "SELECT used FROM capability WHERE key = 'a'"
        before = home.rows(used)
        assert await kept.get("a") == info("a")
        assert await kept.get("none") is None
        await until(reactor, lambda: home.rows(used) != before)
        kept.keep("c", info("c"))
        await until(reactor, lambda: home.rows("SELECT 1 FROM capability WHERE key = 'c'"))
        assert home.rows("SELECT key FROM capability ORDER BY key") == [("a",), ("c",)]


async def test_a_full_disk_forgets_at_the_end(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        kept = home.daemon._core.descriptions
        fill(home)
        many = [(f"k{n}", info(f"{n}" * 2000)) for n in range(10)]
        for key, one in many:
            kept.keep(key, one)
        assert await kept.get(many[-1][0]) == many[-1][1]
        free(home)
        kept.keep("later", info("later"))
        await until(reactor, lambda: home.rows("SELECT 1 FROM capability WHERE key = 'later'"))
