"""The scripted server's promises to the tests that are written with it."""

import pytest
from twisted.internet.task import deferLater

from sat.xmpp.stanza import Message, parse_jid
from tests.xmpp.support import Pair


def hello(to):
    return Message(to=parse_jid(to), body="hello").to_element()


async def test_expect_keeps_what_it_was_not_asked_for(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        pair.connection.send(hello("a@x.test"))
        pair.connection.send(hello("b@x.test"))
        await peer.expect("<message to='b@x.test'/>")
        await peer.expect("<message to='a@x.test'/>")
        with pytest.raises(AssertionError, match=r"to='a@x\.test'/> didn't come"):
            await peer.expect("<message to='a@x.test'/>", 0.1)


async def test_forbid_sees_the_past_and_the_near_future(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        reactor.callLater(0.05, pair.connection.send, hello("a@x.test"))
        with pytest.raises(AssertionError, match="against <message/>"):
            await peer.forbid("<message/>", 0.3)
        await peer.expect("<message/>")
        with pytest.raises(AssertionError, match="against <message/>"):
            await peer.forbid("<message/>", 0)
        await peer.forbid("<presence/>", 0)


async def test_rules_answer_by_themselves(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        peer.serve()
        peer.on("<message to='a@x.test'/>", "<message from='a@x.test'><body>echo</body></message>")
        await pair.connection.send(hello("a@x.test"))
        assert Message.from_element(await pair.client.stanza()).body == "echo"
        await pair.client.until(lambda client: client.acks)
        assert pair.client.acks == [1]
        assert peer.unread == []


async def test_a_gone_client_ends_the_waiting(reactor, tmp_path):
    async with Pair(reactor, tmp_path) as pair:
        peer = await pair.online()
        reactor.callLater(0.05, peer.abort)
        with pytest.raises(AssertionError, match="is gone"):
            await peer.expect("<message/>", 5)
        await deferLater(reactor, 0, lambda: None)
