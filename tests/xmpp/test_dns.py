"""Questions to a DNS server that does what the test says."""

import random
from collections import Counter

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.names import dns

from sat.xmpp import dns as wire
from sat.xmpp.resolve import LookupFailed, SystemResolver, locate
from tests.xmpp.names import DIRECT, STARTTLS, NameServer, service

NAME = STARTTLS + "server.test"


@pytest.fixture
def quickly(monkeypatch):
    """Give servers less time."""
    monkeypatch.setattr(wire, "_ROUNDS", (0.1, 0.2))


def ask(reactor, server, name=NAME):
    return SystemResolver(reactor, [server.address]).services(name)


async def test_records_of_a_server(reactor):
    async with NameServer(reactor) as server:
        server.add(NAME, "a.test", 5222, 1, 2)
        server.add(NAME, "", 0, 3, 4)
        assert await ask(reactor, server) == [
            service("a.test", 5222, 1, 2),
            service("", 0, 3, 4),
        ]
        assert await ask(reactor, server, "other.test") == []
        server.records["empty.test"] = []
        assert await ask(reactor, server, "empty.test") == []


async def test_only_srv_is_asked_for(reactor):
    async with NameServer(reactor) as server:
        resolver = SystemResolver(reactor, [server.address])
        await locate("server.test", resolver, random.Random(1), reactor)
        assert sorted(server.questions) == [
            ("udp", dns.SRV, NAME),
            ("udp", dns.SRV, DIRECT + "server.test"),
        ]


@pytest.mark.parametrize(
    ("code", "words"), [(1, "FORMERR"), (2, "SERVFAIL"), (4, "NOTIMP"), (5, "REFUSED"), (9, "an")]
)
async def test_failure_codes(reactor, code, words):
    async with NameServer(reactor) as server:
        server.code = code
        with pytest.raises(LookupFailed, match=f"^fails with {words}"):
            await ask(reactor, server)


async def test_silent_server_is_asked_twice(reactor, quickly):
    async with NameServer(reactor) as server:
        server.reply = lambda data: None
        with pytest.raises(LookupFailed, match="doesn't answer"):
            await ask(reactor, server)
        assert len(server.questions) == 2


async def test_second_server_stands_in_for_a_silent_one(reactor, quickly):
    async with NameServer(reactor) as silent, NameServer(reactor) as server:
        silent.reply = lambda data: None
        server.add(NAME, "a.test", 5222)
        resolver = SystemResolver(reactor, [silent.address, server.address])
        assert await resolver.services(NAME) == [service("a.test")]


@pytest.mark.parametrize(
    "reply",
    [
        lambda data: b"",
        lambda data: b"\0",
        lambda data: bytes([data[0] ^ 1]) + data[1:],  # the answer to another question
        lambda data: data[:12] + b"\xc0\x0c" + data[14:],  # a name that refers to itself
        lambda data: b"\xff" * 500,
    ],
)
async def test_malformed_answers_are_none(reactor, quickly, reply):
    async with NameServer(reactor) as server:
        server.add(NAME, "a.test", 5222)
        server.reply = reply
        with pytest.raises(LookupFailed):
            await ask(reactor, server)
        server.reply = lambda data: data
        assert await ask(reactor, server) == [service("a.test")]


@pytest.mark.parametrize("end", [20, -3])
async def test_answer_that_breaks_off_holds_what_came_whole(reactor, quickly, end):
    async with NameServer(reactor) as server:
        server.add(NAME, "a.test", 5222)
        server.reply = lambda data: data[:end]
        assert await ask(reactor, server) == []
        server.add(NAME, "b.test", 5222)
        assert await ask(reactor, server) == ([] if end == 20 else [service("a.test")])


async def test_damaged_answers_do_no_harm(reactor, monkeypatch):
    monkeypatch.setattr(wire, "_ROUNDS", (0.02,))
    chance = random.Random(5)

    def damage(data):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(2, len(damaged))] = chance.randrange(256)
        return bytes(damaged)

    async with NameServer(reactor) as server:
        server.alias(NAME, NAME, "b.test")
        server.add(NAME, "a.test", 5222, owner="b.test")
        server.reply = damage
        outcomes = Counter()
        for _ in range(150):
            try:
                outcomes[len(await ask(reactor, server))] += 1
            except LookupFailed:
                outcomes["failed"] += 1
        assert outcomes.total() == 150
        assert min(outcomes["failed"], outcomes[0], outcomes[1]) > 0, outcomes


async def test_long_answer_comes_by_tcp(reactor):
    async with NameServer(reactor) as server:
        for number in range(100):
            server.add(NAME, f"host{number}.test", 5222)
        server.truncated["udp"] = True
        assert len(await ask(reactor, server)) == 100
        assert [way for way, _, _ in server.questions] == ["udp", "tcp"]
        server.code = 2
        with pytest.raises(LookupFailed, match="SERVFAIL"):
            await ask(reactor, server)


async def test_answer_that_is_never_whole(reactor):
    async with NameServer(reactor) as server:
        server.truncated = {"udp": True, "tcp": True}
        with pytest.raises(LookupFailed):
            await ask(reactor, server)
        assert [way for way, _, _ in server.questions] == ["udp", "tcp"]


async def test_silence_by_tcp(reactor, quickly):
    async with NameServer(reactor) as server:
        server.truncated["udp"] = True
        server.reply = lambda data: data if len(server.questions) == 1 else None
        with pytest.raises(LookupFailed, match="doesn't answer"):
            await ask(reactor, server)


async def test_aliases_are_followed_but_strangers_are_not(reactor):
    async with NameServer(reactor) as server:
        server.alias(NAME, NAME.upper(), "b.test")
        server.alias(NAME, "b.test", "c.test")
        server.add(NAME, "a.test", 5222, owner="C.test")
        server.add(NAME, "evil.test", 5222, owner="d.test")
        assert await ask(reactor, server) == [service("a.test")]


async def test_loop_of_aliases_ends(reactor):
    async with NameServer(reactor) as server:
        server.alias(NAME, NAME, "b.test")
        server.alias(NAME, "b.test", NAME)
        assert await ask(reactor, server) == []
        assert len(server.questions) == 1


async def test_servers_are_read_anew_for_each_question(reactor, tmp_path, monkeypatch):
    path = tmp_path / "resolv.conf"
    resolver = SystemResolver(reactor, path=path)
    async with NameServer(reactor) as server:
        monkeypatch.setattr(wire.dns, "PORT", server.address[1])
        server.add(NAME, "a.test", 5222)
        assert await resolver.services(NAME) == [service("a.test")]  # without a file: this machine
        path.write_text("nameserver 127.0.0.1\n")
        assert await resolver.services(NAME) == [service("a.test")]


async def test_many_questions_at_once(reactor):
    async with NameServer(reactor) as server:
        names = [f"{STARTTLS}d{number}.test" for number in range(200)]
        for number, name in enumerate(names):
            server.add(name, f"h{number}.test", 5222)
        before = len(reactor.getReaders())
        asked = [Deferred.fromCoroutine(ask(reactor, server, name)) for name in names]
        for number, answer in enumerate(asked):
            assert await answer == [service(f"h{number}.test")]
        assert len(reactor.getReaders()) == before


async def test_stop_leaves_no_question_open(reactor):
    async with NameServer(reactor) as server:
        server.reply = lambda data: None
        before = len(reactor.getReaders())
        asking = Deferred.fromCoroutine(ask(reactor, server))
        outcome: list = []
        asking.addBoth(outcome.append)
        assert len(reactor.getReaders()) == before + 1
        asking.cancel()
        assert outcome[0].check(CancelledError)
        assert len(reactor.getReaders()) == before


def test_servers_in_resolv_conf(tmp_path):
    text = (
        "# nameserver 192.0.2.9\nsearch a b\nnameserver 192.0.2.1\nnameserver\n"
        "nameserver nonsense\nnameserver 2001:DB8:0::1\noptions edns0\n"
        "nameserver\t192.0.2.3 # third\nnameserver 192.0.2.4\n"
    )
    assert wire.name_servers(text) == [("192.0.2.1", 53), ("2001:db8::1", 53), ("192.0.2.3", 53)]
    assert wire.name_servers("") == [("127.0.0.1", 53)]
