import random
from collections import Counter

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from sat.xmpp.errors import Fault
from sat.xmpp.resolve import (
    LookupFailed,
    Target,
    fixed_target,
    literal,
    locate,
    read_target,
)
from tests.xmpp.names import DIRECT, STARTTLS, Table, service
from tests.xmpp.support import begin

NAME = STARTTLS + "server.test"
DOMAIN = (Target("server.test", 5222),)


def located(table, domain="server.test", seed=1, **options):
    """Return what is found at once."""
    (outcome,) = begin(locate(domain, table, random.Random(seed), Clock(), **options))
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return outcome


def hosts(table, **options):
    return [target.host for target in located(table, **options).targets]


# Which servers, in which order


def test_both_services_are_one_list_by_priority():
    table = Table(
        [service("b", priority=2), service("d", priority=40)],
        [service("c", 443, priority=3), service("a", 5223, priority=1)],
    )
    assert located(table).targets == (
        Target("a", 5223, True),
        Target("b", 5222, False),
        Target("c", 443, True),
        Target("d", 5222, False),
    )


def test_priority_goes_before_any_weight():
    table = Table([service("b", priority=2, weight=65535), service("a", priority=1, weight=0)])
    assert {tuple(hosts(table, seed=seed)) for seed in range(50)} == {("a", "b")}


def test_weight_is_the_chance_to_be_first():
    table = Table([service("a", weight=60), service("b", weight=30)], [service("c", weight=10)])
    first = Counter(hosts(table, seed=seed)[0] for seed in range(2000))
    assert [round(first[host] / 2000, 1) for host in "abc"] == [0.6, 0.3, 0.1]
    assert hosts(table, seed=0) == hosts(table, seed=0)


class Drawn(random.Random):
    """Draws what it is told; the order of arrival stays."""

    def __init__(self, *numbers) -> None:
        super().__init__(0)
        self.numbers = list(numbers)
        self.limits: list[int] = []

    def shuffle(self, x) -> None:
        pass

    def randint(self, a, b) -> int:
        self.limits.append(b)
        return self.numbers.pop(0)


@pytest.mark.parametrize(
    ("numbers", "order", "limits"),
    [
        ((0, 0, 0), "cab", [40, 40, 30]),
        ((1, 0, 0), "acb", [40, 30, 30]),
        ((10, 30, 0), "abc", [40, 30, 0]),
        ((11, 10, 0), "bac", [40, 10, 0]),
    ],
)
def test_weight_as_the_rfc_draws(numbers, order, limits):
    table = Table([service("a", weight=10), service("b", weight=30), service("c", weight=0)])
    drawn = Drawn(*numbers)
    (found,) = begin(locate("server.test", table, drawn, Clock()))
    assert "".join(target.host for target in found.targets) == order
    assert drawn.limits == limits


def test_weight_counts_for_each_place():
    table = Table(
        [service(host, weight=weight) for host, weight in [("a", 98), ("b", 1)]]
        + [service("c", weight=1)]
    )
    orders = Counter("".join(hosts(table, seed=seed)) for seed in range(400))
    assert set(orders) > {"abc", "acb"}
    assert orders["abc"] + orders["acb"] > 370


def test_weight_of_zero_has_a_small_chance_and_alone_an_even_one():
    table = Table([service("a", weight=100), service("b", weight=0)])
    assert 0 < sum(hosts(table, seed=seed)[0] == "b" for seed in range(1000)) < 40
    even = Table([service("a"), service("b")])
    assert 400 < sum(hosts(even, seed=seed)[0] == "b" for seed in range(1000)) < 600


def test_a_long_list_is_cut_and_doubles_are_left_out():
    table = Table([service(f"h{number}", priority=number) for number in range(3000)])
    assert hosts(table) == [f"h{number}" for number in range(8)]
    assert len(hosts(Table([service("a")] * 20))) == 1
    assert len(hosts(Table([service("a"), service("a", 443)], [service("a")]))) == 3


@pytest.mark.parametrize(
    "host", ["", ".", "-", "a b", "a..b", "\ufffd", "a/b", "x" * 64, "a." * 130]
)
def test_what_can_be_no_host_is_left_out(host):
    assert hosts(Table([service(host), service("good")])) == ["good"]
    assert located(Table([service("good", 0)])).targets == DOMAIN


@pytest.mark.parametrize("host", ["A.Example.", "_a.example", "xn--bcher-kva.example", "192.0.2.1"])
def test_hosts_that_are_taken(host):
    assert hosts(Table([service(host)])) == [host.lower().removesuffix(".")]


# Absent services, and DNS that fails


@pytest.mark.parametrize(
    ("starttls", "direct"),
    [([service(".", 0)], [service("", 0)]), ([service(".", 0)], [])],
)
def test_domain_that_declares_to_have_no_server(starttls, direct):
    with pytest.raises(Fault, match=r"server\.test declares in DNS that it has no XMPP") as raised:
        located(Table(starttls, direct))
    assert (raised.value.reason, raised.value.final) == ("network.no-service", False)


def test_one_service_alone_is_declared_absent():
    absent = [service(".", 0)]
    assert hosts(Table(absent, [service("a")])) == ["a"]
    assert hosts(Table([service("a")], absent)) == ["a"]
    assert located(Table([], absent)).targets == DOMAIN
    assert hosts(Table([service("."), service("a")])) == ["a"]


def test_domain_without_records_is_tried_itself():
    found = located(Table())
    assert (found.targets, found.complaint) == (DOMAIN, "")


def test_failing_dns_is_told_and_the_domain_tried():
    table = Table(LookupFailed("fails with SERVFAIL"), LookupFailed("doesn't answer"))
    found = located(table)
    assert found.targets == DOMAIN
    assert found.complaint == (
        "DNS doesn't answer when asked for the servers of server.test. "
        "So the domain itself was tried."
    )
    assert located(Table(LookupFailed("x"), [])).complaint


def test_one_answer_is_enough():
    found = located(Table(LookupFailed("fails"), [service("a", 443)]))
    assert (found.targets, found.complaint) == ((Target("a", 443, True),), "")


def test_domain_is_not_tried_where_it_is_declared_absent():
    with pytest.raises(Fault, match=r"DNS fails when asked .* Check this machine") as raised:
        located(Table([service(".")], LookupFailed("fails")))
    assert raised.value.reason == "network.dns"


@pytest.mark.parametrize("silent", ["starttls", "direct", "both"])
def test_silent_dns_has_five_seconds(silent):
    answers = {"starttls": [], "direct": []}
    for which in answers if silent == "both" else (silent,):
        answers[which] = Deferred()
    clock = Clock()
    outcome = begin(locate("server.test", Table(**answers), random.Random(1), clock))
    clock.advance(4.9)
    assert outcome == []
    clock.advance(0.2)
    assert outcome[0].complaint.startswith("DNS doesn't answer")
    assert clock.getDelayedCalls() == []


def test_both_are_asked_at_once_and_a_stop_stops_both():
    waiting = Deferred(), Deferred()
    table, clock = Table(*waiting), Clock()
    looking = Deferred.fromCoroutine(locate("server.test", table, random.Random(1), clock))
    assert sorted(table.asked) == [NAME, DIRECT + "server.test"]
    outcome: list = []
    looking.addBoth(outcome.append)
    looking.cancel()
    assert outcome[0].check(CancelledError)
    assert all(deferred.called for deferred in waiting)
    assert clock.getDelayedCalls() == []


def test_direct_tls_alone():
    table = Table([service("a")], [service("b", 443)])
    assert located(table, direct_tls=True).targets == (Target("b", 443, True),)
    assert table.asked == [DIRECT + "server.test"]
    assert located(Table(), direct_tls=True).targets == (Target("server.test", 5223, True),)
    with pytest.raises(Fault, match="with direct TLS"):
        located(Table([service("a")], [service(".")]), direct_tls=True)


def test_names_are_asked_for_in_a_labels():
    table = Table([service("a")], domain="xn--bcher-kva.test")
    assert hosts(table, domain="bücher.test") == ["a"]
    assert located(Table(), domain="bücher.test").targets[0].host == "xn--bcher-kva.test"
    with pytest.raises(ValueError, match="can't be the name of a server"):
        located(Table(), domain="x" * 64 + ".test")


# Names and addresses in text


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("other.test", Target("other.test", 5222)),
        (" Other.test.:5000\n", Target("other.test", 5000)),
        ("bücher.test:1", Target("xn--bcher-kva.test", 1)),
        ("192.0.2.1:5000", Target("192.0.2.1", 5000)),
        ("[2001:db8::1]:5000", Target("2001:db8::1", 5000)),
        ("[2001:db8::1]", Target("2001:db8::1", 5222)),
    ],
)
def test_other_hosts_that_are_understood(text, target):
    assert read_target(text, False) == target


@pytest.mark.parametrize(
    "text",
    ["", ":5222", "a:0", "a:65536", "a:b", "a:1:2", "2001:db8::1", "[a]:1", "a b", "a/b", "[]",
     "x" * 64, "a:٣", "\x1b[31m", "a\nb"],
)  # fmt: skip
def test_other_hosts_that_are_none(text):
    assert read_target(text, False) is None


def test_usual_ports():
    assert fixed_target("a", None, False) == Target("a", 5222)
    assert fixed_target("[::1]", None, True) == Target("::1", 5223, True)
    assert fixed_target("bücher.test", 1, False) == Target("xn--bcher-kva.test", 1)
    assert fixed_target("a..b", 1, False) == Target("a..b", 1)
    assert read_target("a", True) == Target("a", 5223, True)
    assert (str(Target("::1", 1)), str(Target("a", 1))) == ("[::1]:1", "a:1")


def test_addresses_are_told_from_names():
    assert [literal(name) for name in ("192.0.2.1", "[::1]", "::1")] == ["192.0.2.1", "::1", "::1"]
    assert [literal(name) for name in ("a", "1.2.3", "[a]", "192.0.2.1.test")] == [None] * 4
