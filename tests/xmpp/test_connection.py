from sat.xmpp.connection import Phase
from sat.xmpp.stanza import Message, parse_jid
from tests.xmpp.support import Pair


async def test_logs_in_and_carries_stanzas_both_ways(reactor, tmp_path):
    async with Pair(reactor, tmp_path, resource="desk") as pair:
        peer = await pair.online()
        assert pair.connection.state.jid.full() == "alice@server.test/desk"
        assert pair.client.features.mechanism == "SCRAM-SHA-256"
        peer.send("<message from='bob@server.test/x' id='1'><body>hi</body></message>")
        message = Message.from_element(await pair.client.stanza())
        assert (message.body, message.from_) == ("hi", parse_jid("bob@server.test/x"))
        await pair.connection.send(Message(to=message.from_, body="hé <&>").to_element())
        await peer.expect("<message to='bob@server.test/x'><body>hé &lt;&amp;&gt;</body></message>")
    assert pair.connection.state.phase is Phase.OFFLINE
