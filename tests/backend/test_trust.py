"""Certificates, weaker logins and secrets, through the bridge: what is asked, and what is kept."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from tests.backend.support import Person, house, until
from tests.hostile.login import NS_SASL
from tests.hostile.sasl2 import NS_SASL2, Sasl2Server
from tests.xmpp.test_trust import own

SECRET = "correct horse"
NOTHING = f"<auth xmlns='{NS_SASL}'/>"


def digits(server) -> str:
    """Return the SHA-256 of the certificate that a server shows."""
    return server.tls.certificate.to_cryptography().fingerprint(hashes.SHA256()).hex()


def secrets(home) -> dict:
    """Return what the file of secrets holds."""
    path = Path(home.paths.secrets)
    return json.loads(path.read_text()) if path.exists() else {}


async def begun(home, shows="good", **settings) -> Person:
    """Make a profile whose server shows a certificate of some kind, and begin to connect."""
    person = Person(home, "alice", home.server("alice", certificate=shows), "")
    given = {"password": SECRET, "ca": person.server.ca, **settings}
    await home.call(
        "profile.create",
        name="alice",
        jid=person.jid,
        server=f"127.0.0.1:{person.server.port}",
        autoconnect=False,
        **{name: value for name, value in given.items() if value is not None},
    )
    connect(home)
    return person


def connect(home) -> None:
    """Begin to connect; how that ends is told by events."""
    home.call("profile.connect", name="alice").addErrback(lambda _: None)


async def shake_hands(person):
    """Let the next connection come as far as TLS."""
    peer = await person.server.accept()
    await peer.log_in(before="tls")
    peer.start_tls()
    return peer


async def past_old_tries(person) -> None:
    """Log the client in, unless it is a try with the old settings that was under way."""
    for left in (2, 1, 0):
        peer = await person.server.accept()
        try:
            await peer.log_in(resource="here")
        except AssertionError:
            if not left or not peer.lost:
                raise
        else:
            return


async def answer(home, question, **values) -> None:
    given = {name: [value] for name, value in values.items()}
    await home.call("question.answer", id=question["id"], values=given)


@pytest.mark.parametrize("certificate", ["self", "expired", "name"])
async def test_a_certificate_is_trusted_only_by_a_yes(reactor, tmp_path, certificate):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home, certificate)
        peer = await shake_hands(alice)
        question = await home.expect("question.added", kind="certificate")
        assert question["peer"] == "server.test"
        form = question["form"]
        shown = digits(alice.server).upper()
        assert ":".join(shown[at : at + 2] for at in range(0, 64, 2)) in form["instructions"]
        assert "Issuer: CN=" in form["instructions"]
        assert "certificate" in question["sentence"]
        # Another try asks nothing new.
        again = await shake_hands(alice)
        await home.forbid("question.added", id=lambda id: id != question["id"])
        for one in (peer, again):
            await one.forbid(NOTHING)
        # The end of input is no answer, and the certificate can't be exchanged.
        for values, name in (
            ({}, "usage.answer"),
            ({"trust": ["yes"], "sha256": ["0" * 64]}, "usage.answer"),
            ({"trust": ["perhaps"]}, "usage.answer"),
        ):
            error = await home.refused("question.answer", id=question["id"], values=values)
            assert error.name == name
        answering = home.call("question.answer", id=question["id"], values={"trust": ["yes"]})
        await past_old_tries(alice)
        await answering
        await home.expect("profile.changed", pin=f"sha256:{digits(alice.server)}")
        await home.expect("profile.changed", connection={"phase": "online"})
        assert await home.call("question.list") == []


async def test_a_no_leaves_it_refused_until_it_is_connected_again(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home, "self")
        await shake_hands(alice)
        question = await home.expect("question.added", kind="certificate")
        await answer(home, question, trust="no")
        peer = await shake_hands(alice)
        await home.forbid("question.added", id=lambda id: id != question["id"])
        await peer.forbid(NOTHING)
        assert (await home.call("profile.get", name="alice")).get("pin") is None
        connect(home)
        await shake_hands(alice)
        await home.expect("question.added", kind="certificate", id=lambda id: id != question["id"])


async def test_a_question_goes_when_the_certificate_is_right(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home, "self")
        await shake_hands(alice)
        question = await home.expect("question.added", kind="certificate")
        await home.call(
            "profile.set", name="alice", values={"pin": f"sha256:{digits(alice.server)}"}
        )
        await home.restart()
        connect(home)
        await alice.online()
        await home.expect("question.closed", name=question["id"])
        assert await home.call("question.list") == []


async def test_another_certificate_is_another_question(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home, "self")
        await shake_hands(alice)
        first = await home.expect("question.added", kind="certificate")
        other = home.server("alice", certificate="expired")
        alice.server.tls = other.tls
        await shake_hands(alice)
        await home.expect("question.closed", name=first["id"])
        second = await home.expect("question.added", id=lambda id: id != first["id"])
        assert second["form"] != first["form"]


async def test_no_question_where_encryption_was_removed(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home)
        peer = await alice.server.accept()
        await peer.log_in(before="features")
        peer.send(
            f"<stream:features><mechanisms xmlns='{NS_SASL}'><mechanism>PLAIN</mechanism>"
            "</mechanisms></stream:features>"
        )
        await home.expect("profile.changed", connection={"reason": "tls.missing"})
        await home.forbid("question.added")


async def test_a_pin_that_is_set_counts(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home, pin="SHA256:" + "00:" * 31 + "00")
        peer = await shake_hands(alice)
        await home.expect("profile.changed", connection={"reason": "tls.pin"})
        await home.expect("question.added", kind="certificate")
        await peer.forbid(NOTHING)
        await home.call("profile.set", name="alice", values={"pin": ""})
        connect(home)
        await alice.online()


# Weaker logins


async def offer(peer, *mechanisms: str) -> None:
    await peer.log_in(before="mechanisms")
    listed = "".join(f"<mechanism>{name}</mechanism>" for name in mechanisms)
    peer.send(
        f"<stream:features><mechanisms xmlns='{NS_SASL}'>{listed}</mechanisms></stream:features>"
    )


@pytest.mark.parametrize("restart", [False, True])
async def test_a_weaker_login_is_done_only_after_a_yes(reactor, tmp_path, restart):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home)
        await alice.online(mechanisms=("SCRAM-SHA-1", "SCRAM-SHA-256"))
        await until(reactor, lambda: home.rows("SELECT floor FROM login") == [("SCRAM-SHA-256",)])
        if restart:
            await home.restart()
            connect(home)
        else:
            alice.peer.abort()
        peer = await alice.server.accept()
        await offer(peer, "SCRAM-SHA-1")
        question = await home.expect("question.added", kind="downgrade")
        assert "SCRAM-SHA-256" in question["sentence"]
        state = await home.expect("profile.changed", connection={"reason": "denied.downgrade"})
        assert state["connection"]["phase"] == "failed"
        await peer.forbid(NOTHING)
        error = await home.refused("question.answer", id=question["id"], values={})
        assert error.name == "usage.answer"
        answering = home.call("question.answer", id=question["id"], values={"accept": ["yes"]})
        await alice.online(mechanisms=("SCRAM-SHA-1",))
        await answering
        assert home.rows("SELECT floor FROM login") == [("SCRAM-SHA-1",)]


async def test_a_weaker_login_stays_refused_by_a_no(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home)
        await alice.online(mechanisms=("SCRAM-SHA-256",))
        alice.peer.abort()
        await offer(await alice.server.accept(), "SCRAM-SHA-1")
        question = await home.expect("question.added", kind="downgrade")
        await answer(home, question, accept="no")
        with pytest.raises(AssertionError, match="No client"):
            await alice.server.accept(0.5)
        assert home.rows("SELECT floor FROM login") == [("SCRAM-SHA-256",)]


async def test_what_is_stronger_needs_no_question(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        alice = await begun(home)
        await alice.online(mechanisms=("SCRAM-SHA-1",))
        alice.peer.abort()
        await alice.online(mechanisms=("SCRAM-SHA-1", "SCRAM-SHA-512"))
        await home.forbid("question.added")


# Secrets


async def test_a_token_is_kept_with_the_passwords_alone(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        served = Sasl2Server(tokens=("HT-SHA-256-EXPR",))
        alice = await begun(home)
        await served.log_in(await alice.server.accept())
        kept = {"alice": SECRET, "alice/token": "HT-SHA-256-EXPR token 0"}
        await until(reactor, lambda: secrets(home) == kept)
        await home.expect("profile.changed", connection={"phase": "online"})
        agent = home.rows("SELECT agent FROM login")[0][0]
        assert served.requests[0].find(f"{{{NS_SASL2}}}user-agent").get("id") == agent
        await home.restart()
        connect(home)
        assert await served.log_in(await alice.server.accept()) == "HT-SHA-256-EXPR"
        assert served.requests[1].find(f"{{{NS_SASL2}}}user-agent").get("id") == agent
        await home.expect("profile.changed", connection={"phase": "online"})
        assert "token 0" not in json.dumps(home.frontend.events)
        await home.call("profile.disconnect", name="alice")
        for file in home.root.iterdir():
            if file.is_file() and str(file) != home.paths.secrets:
                assert b"token 0" not in file.read_bytes(), file
        await home.call("profile.delete", name="alice")
        assert secrets(home) == {}
        assert home.rows("SELECT * FROM login") == []


async def test_a_certificate_instead_of_a_password(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        pem = own("alice@server.test")
        alice = await begun(home, password=None, certificate=pem)
        peer = await alice.server.accept()
        await offer(peer, "EXTERNAL", "SCRAM-SHA-1")
        await peer.expect(f"<auth xmlns='{NS_SASL}' mechanism='EXTERNAL'/>")
        profile = await home.call("profile.get", name="alice")
        assert profile["certificate"] is True
        assert secrets(home) == {"alice/certificate": pem}
        told = json.dumps(home.frontend.events) + json.dumps(profile)
        assert "PRIVATE KEY" not in told
        await home.call("profile.set", name="alice", values={"certificate": ""})
        assert secrets(home) == {}
        error = await home.refused("profile.connect", name="alice")
        assert error.name == "denied.password"


async def test_what_cannot_be_set(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        good = {"name": "alice", "jid": "alice@server.test", "autoconnect": False}
        for change, name in (
            ({}, "usage.password"),
            ({"certificate": "none"}, "usage.certificate"),
            ({"password": "x", "pin": "sha1:00"}, "usage.pin"),
            ({"password": "x", "proxy": "http://127.0.0.1:80"}, "usage.proxy"),
        ):
            assert (await home.refused("profile.create", **good, **change)).name == name
        assert secrets(home) == {}
        await home.call("profile.create", **good, password="x")
        for values, name in (
            ({"pin": "x"}, "usage.pin"),
            ({"proxy": "socks5://:1080"}, "usage.proxy"),
            ({"certificate": own(encrypted=True)}, "usage.certificate"),
        ):
            assert (await home.refused("profile.set", name="alice", values=values)).name == name


async def test_who_the_proxy_knows_is_a_secret(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.call(
            "profile.create", name="alice", jid="a@server.test", password="x", autoconnect=False
        )
        url = "socks5://tor:s3cret@127.0.0.1:9050"
        profile = await home.call("profile.set", name="alice", values={"proxy": url})
        assert profile["proxy"] == "socks5://127.0.0.1:9050"
        assert secrets(home)["alice/proxy"] == url
        assert "s3cret" not in json.dumps(home.frontend.events)
        profile = await home.call("profile.set", name="alice", values={"proxy": ""})
        assert profile.get("proxy") is None
        assert secrets(home) == {"alice": "x"}
