"""Accounts made on a server, and passwords changed there (XEP-0077), through the bridge."""

import json
from pathlib import Path

import pytest

from sat.backend.tasks import start
from sat.bridge.errors import CommandError
from tests.backend.support import house, until

NS = "jabber:iq:register"
OLD, NEW = "correct horse", "battery staple"
FORM = (
    "<x xmlns='jabber:x:data' type='form'><instructions>Say who you are</instructions>"
    "<field var='FORM_TYPE' type='hidden'><value>jabber:iq:register</value></field>"
    "<field var='username' type='text-single'><required/></field>"
    "<field var='password' type='text-private'><required/></field>"
    "<field var='email' type='text-single' label='Address'><required/></field>"
    "<field var='news' type='boolean'><value>0</value></field></x>"
)
LEGACY = "<instructions>Choose</instructions><username/><password/><key>k1</key>"


def secrets(home) -> dict:
    path = Path(home.paths.secrets)
    return json.loads(path.read_text()) if path.exists() else {}


def error(condition: str, text: str = "", type_: str = "cancel") -> str:
    said = f"<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>{text}</text>" if text else ""
    return (
        f"<error type='{type_}'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>{said}"
        "</error>"
    )


class Office:
    """A server at which accounts are made."""

    def __init__(self, home, **options) -> None:
        self.home = home
        self.server = home.server("alice", **options)

    def register(self, **more):
        """Ask for an account."""
        given = {
            "name": "alice",
            "jid": "alice@server.test",
            "password": OLD,
            "server": f"127.0.0.1:{self.server.port}",
            "ca": self.server.ca,
        }
        return self.home.call("profile.register", **given, **more)

    async def form(self, query: str):
        """Let the client come as far as the form, and give it that."""
        peer = await self.server.accept()
        await peer.log_in(before="mechanisms")
        assert peer.headers[-1].get("from") is None
        feature = "<register xmlns='http://jabber.org/features/iq-register'/>"
        peer.send(f"<stream:features>{feature}</stream:features>")
        asked = await peer.expect(f"<iq type='get'><query xmlns='{NS}'/></iq>")
        peer.answer(asked, f"<query xmlns='{NS}'>{query}</query>")
        return peer

    async def fails(self, calling, name: str) -> str:
        """Return the sentence with which the call fails."""
        try:
            await calling
        except Exception as raised:
            assert raised.name == name, raised
            assert self.home.rows("SELECT * FROM profile") == []
            assert secrets(self.home) == {}
            self.data = raised.data
            return raised.sentence
        raise AssertionError("it was made")


async def test_an_account_by_the_older_form(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        office = Office(home)
        registering = office.register()
        peer = await office.form(LEGACY)
        assert OLD.encode() not in peer.clear
        request = await peer.expect(
            f"<iq type='set'><query xmlns='{NS}'><username>alice</username>"
            f"<password>{OLD}</password><key>k1</key></query></iq>"
        )
        peer.answer(request)
        profile = await registering
        assert profile["jid"] == "alice@server.test"
        assert secrets(home) == {"alice": OLD}
        await peer.ends()


async def test_an_account_by_a_data_form(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        office = Office(home)
        registering = office.register(fields={"email": "alice@x.test"})
        peer = await office.form(FORM)
        request = await peer.expect(f"<iq type='set'><query xmlns='{NS}'/></iq>")
        values = {
            field.get("var"): field.findtext("{jabber:x:data}value")
            for field in request.iter("{jabber:x:data}field")
        }
        assert values == {
            "FORM_TYPE": NS,
            "username": "alice",
            "password": OLD,
            "email": "alice@x.test",
            "news": "0",
        }
        peer.answer(request)
        await registering


@pytest.mark.parametrize(
    ("query", "fields", "name", "words"),
    [
        (FORM, {}, "usage.form", "email"),
        (FORM, {"email": "x", "shoe": "42"}, "usage.form", "no shoe"),
        (LEGACY.replace("<key>k1</key>", "<email/>"), {}, "usage.form", "email"),
        (
            "<x xmlns='jabber:x:oob'><url>https://server.test/join</url></x>",
            {},
            "denied.register",
            "https://server.test/join",
        ),
        ("<x xmlns='jabber:x:oob'><url>javascript:x</url></x>", {}, "denied.register", "web site"),
        ("", {}, "denied.register", "doesn't tell"),
    ],
)
async def test_what_a_form_needs_is_told(reactor, tmp_path, query, fields, name, words):
    async with house(reactor, tmp_path) as home:
        office = Office(home)
        registering = office.register(fields=fields)
        peer = await office.form(query)
        assert words in await office.fails(registering, name)
        if name == "usage.form":
            assert "email" in [field["name"] for field in office.data["form"]["fields"]]
        await peer.forbid("<iq type='set'/>")


@pytest.mark.parametrize(
    ("refusal", "name", "words"),
    [
        (error("conflict"), "denied.exists", "alice@server.test already"),
        (error("not-acceptable", "Too weak"), "denied.register", "Too weak."),
        (error("resource-constraint", type_="wait"), "denied.register", "later"),
        (error("service-unavailable"), "denied.register", "web site"),
    ],
)
async def test_a_refusal_is_told(reactor, tmp_path, refusal, name, words):
    async with house(reactor, tmp_path) as home:
        office = Office(home)
        registering = office.register()
        peer = await office.form(LEGACY)
        request = await peer.expect("<iq type='set'/>")
        peer.answer(request, refusal, type="error")
        assert words in await office.fails(registering, name)


async def test_no_password_for_a_server_that_is_not_the_right_one(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        office = Office(home, certificate="self")
        registering = office.register()
        peer = await office.server.accept()
        await peer.log_in(before="tls")
        peer.start_tls()
        await office.fails(registering, "failed.tls.untrusted")
        await peer.forbid("<iq/>")


async def test_an_answer_that_gets_lost_is_told(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        office = Office(home)
        registering = office.register()
        peer = await office.form(LEGACY)
        await peer.expect("<iq type='set'/>")
        peer.abort()
        assert "isn't known" in await office.fails(registering, "timeout.register")


async def test_a_name_in_use_is_refused_before_anybody_is_asked(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        office = Office(home)
        failing = office.register()
        with pytest.raises(Exception, match="a profile alice already"):
            await failing
        with pytest.raises(AssertionError, match="No client"):
            await office.server.accept(0.3)


# The password of an account


CHANGE = (
    f"<iq type='set' to='server.test'><query xmlns='{NS}'><username>alice</username>"
    f"<password>{NEW}</password></query></iq>"
)


async def test_a_password_is_changed_there_and_then_here(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer._rules.clear()
        changing = home.call("profile.password", name="alice", password=NEW)
        request = await alice.peer.expect(CHANGE)
        assert secrets(home)["alice"] == OLD
        alice.peer.answer(request)
        await changing
        assert secrets(home) == {"alice": NEW}
        told = json.dumps(home.frontend.events)
        assert NEW not in told
        # The present connection logs in by it as well.
        alice.server.password = NEW
        alice.peer.abort()
        await alice.online()


async def test_a_password_that_is_refused_leaves_the_old_one(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer._rules.clear()
        changing = start(home.refused("profile.password", name="alice", password=NEW))
        request = await alice.peer.expect(CHANGE)
        alice.peer.answer(request, error("not-acceptable", "too short", "modify"), type="error")
        refusal = await changing
        assert (refusal.name, "too short" in refusal.sentence) == ("denied.password", True)
        assert secrets(home) == {"alice": OLD}


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("restart", [True, False])
async def test_an_answer_that_is_lost_is_settled_by_the_next_login(
    reactor, tmp_path, taken, restart
):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer._rules.clear()
        changing = start(home.refused("profile.password", name="alice", password=NEW))
        await alice.peer.expect(CHANGE)
        if taken:
            alice.server.password = NEW
        alice.peer.abort()
        refusal = await changing
        assert refusal.name == "timeout.password"
        assert secrets(home) == {"alice": OLD, "alice/next": NEW}
        await home.call("profile.disconnect", name="alice")
        if restart:
            await home.restart()
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        if taken:
            peer = await alice.server.accept()
            while peer.lost:
                peer = await alice.server.accept()
            await peer.log_in()  # the old one is refused
        await alice.online()
        right = NEW if taken else OLD
        await until(reactor, lambda: secrets(home) == {"alice": right})


async def test_both_passwords_wrong_is_told(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await home.profile()
        alice.peer._rules.clear()
        changing = start(home.refused("profile.password", name="alice", password=NEW))
        await alice.peer.expect(CHANGE)
        alice.peer.abort()
        await changing
        await home.call("profile.disconnect", name="alice")
        alice.server.password = "a third one"
        home.call("profile.connect", name="alice").addErrback(lambda _: None)
        for _ in range(2):
            await (await alice.server.accept()).log_in()
        await until(reactor, lambda: secrets(home) == {"alice": OLD})
        with pytest.raises(AssertionError, match="No client"):
            await alice.server.accept(0.5)
        profile = await home.call("profile.get", name="alice")
        assert profile["connection"]["reason"] == "denied.password"


async def test_a_password_is_changed_only_on_line(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        refusal = await home.refused("profile.password", name="alice", password=NEW)
        assert refusal.name == "offline.profile"
        assert secrets(home) == {"alice": OLD}


# A password that is compared


def keep(home, passwords: dict) -> None:
    Path(home.paths.secrets).write_text(json.dumps(passwords))


async def check(home, password: str, name: str = "alice") -> str:
    """Compare a password; return the name of the refusal, or an empty text."""
    try:
        await home.call("profile.check", name=name, password=password)
    except CommandError as refusal:
        return refusal.name
    return ""


async def test_a_password_is_compared_with_the_one_that_is_kept(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        assert await check(home, OLD) == ""
        for wrong in (NEW, "", OLD + " ", OLD.upper(), "\x00"):
            assert await check(home, wrong) == "denied.password", wrong
        assert await check(home, OLD, "nobody") == "unknown.profile"
        # One of which it isn't known yet whether the server took it is as good.
        keep(home, {"alice": OLD, "alice/next": "\u00e4"})
        assert [await check(home, one) for one in (OLD, "a\u0308", NEW)] == [
            "",
            "",
            "denied.password",
        ]
        keep(home, {})
        assert await check(home, "") == "unknown.password"


async def test_passwords_are_not_guessed(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        for number in range(9):
            assert await check(home, str(number)) == "denied.password"
        assert await check(home, OLD) == ""
        for number in range(10):
            assert await check(home, str(number)) == "denied.password"
        assert await check(home, OLD) == "denied.guessing"


async def test_only_who_may_do_everything_compares_passwords(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        described = await home.call("api.describe")
        (told,) = [one for one in described["methods"] if one["name"] == "profile.check"]
        assert told["level"] == "admin" and not told["per_profile"]
