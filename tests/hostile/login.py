"""The login from the server's side, up to any of its steps."""

import base64
from collections.abc import Callable

from scramp import ScramMechanism

NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NS_SM = "urn:xmpp:sm:3"
NS_STREAM = "http://etherx.jabber.org/streams"
NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"

#: What the server says of a session that can be resumed.
RESUMABLE = f"<enabled xmlns='{NS_SM}' id='one' resume='true'/>"

#: The steps of a login; ``log_in(before=STEP)`` returns when the client waits for that step.
STEPS = (
    "stream",  # the answer to the first stream header
    "features",  # STARTTLS offered
    "proceed",
    "tls",  # the handshake
    "mechanisms",
    "challenge",
    "success",
    "session",  # the features after authentication
    "bind",
    "enabled",
)


async def log_in(
    peer,
    before: str | None = None,
    *,
    mechanisms: tuple[str, ...] = ("SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"),
    features: str = f"<sm xmlns='{NS_SM}'/>",
    scram: Callable[[str, str], str] = lambda step, text: text,
    resource: str | None = None,
    enabled: str = f"<enabled xmlns='{NS_SM}'/>",
    resume: str | None = None,
) -> None:
    """Log the client in.

    :param before: return when the client waits for this one of :data:`STEPS`, or for ``resumed``
        where it wants to go on with a session
    :param mechanisms: what is offered
    :param features: offered after authentication, besides bind
    :param scram: may change the server's ``first`` and ``final`` message of SCRAM
    :param resource: the one that the server gives; by default what is asked for
    :param enabled: the answer to the wish to have stanzas acknowledged
    :param resume: the answer to the wish to go on with a session, which must come; if that is not
        ``<resumed/>``, the client begins anew
    """
    assert before is None or before in (*STEPS, "resumed"), before
    if not peer.server.direct_tls:
        await peer.header()
        if before == "stream":
            return
        peer.open()
        if before == "features":
            return
        peer.send(
            f"<stream:features><starttls xmlns='{NS_TLS}'><required/></starttls></stream:features>"
        )
        await peer.expect(f"<starttls xmlns='{NS_TLS}'/>")
        if before == "proceed":
            return
        peer.send(f"<proceed xmlns='{NS_TLS}'/>")
        if before == "tls":
            return
        peer.start_tls()
    await peer.header()
    peer.open()
    if before == "mechanisms":
        return
    listed = "".join(f"<mechanism>{name}</mechanism>" for name in mechanisms)
    peer.send(
        f"<stream:features><mechanisms xmlns='{NS_SASL}'>{listed}</mechanisms></stream:features>"
    )
    if not await _authenticate(peer, before, scram):
        return
    await peer.header()
    peer.open()
    if before == "session":
        return
    bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
    peer.send(f"<stream:features>{bind}{features}</stream:features>")
    if resume is not None:
        await peer.expect(f"<resume xmlns='{NS_SM}' previd='*' h='*'/>")
        if before == "resumed":
            return
        peer.stanzas = 0
        peer.send(resume)
        if "<resumed" in resume:
            return
    request = await peer.expect(f"<iq type='set'>{bind}</iq>")
    if before == "bind":
        return
    asked = request.findtext(".//{urn:ietf:params:xml:ns:xmpp-bind}resource")
    bare = f"{peer.server.user}@{peer.server.domain}"
    peer.jid = f"{bare}/{resource or asked or 'made-here'}"
    peer.send(
        f"<iq type='result' id='{request.get('id')}'>"
        f"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{peer.jid}</jid></bind></iq>"
    )
    if NS_SM in features:
        await peer.expect(f"<enable xmlns='{NS_SM}'/>")
        if before == "enabled":
            return
        peer.send(enabled)


async def _authenticate(peer, before: str | None, scram: Callable[[str, str], str]) -> bool:
    auth = await peer.expect(f"<auth xmlns='{NS_SASL}' mechanism='*'/>")
    if before == "challenge":
        return False
    name = auth.get("mechanism")
    final = ""
    if name == "PLAIN":
        given = base64.b64decode(auth.text).decode().split("\0")[1:]
        assert given == [peer.server.user, peer.server.password], given
    else:
        mechanism = ScramMechanism(name)
        known = mechanism.make_auth_info(peer.server.password, iteration_count=4096)
        side = mechanism.make_server(lambda _: known)
        side.set_client_first(base64.b64decode(auth.text).decode())
        _say(peer, "challenge", scram("first", side.get_server_first()))
        response = await peer.expect(f"<response xmlns='{NS_SASL}'/>")
        try:
            side.set_client_final(base64.b64decode(response.text).decode())
        except Exception:  # scramp has several, for each thing that can be wrong
            peer.send(f"<failure xmlns='{NS_SASL}'><not-authorized/></failure>")
            return False
        final = side.get_server_final()
    if before == "success":
        return False
    _say(peer, "success", scram("final", final))
    return True


def _say(peer, name: str, text: str) -> None:
    peer.send(f"<{name} xmlns='{NS_SASL}'>{base64.b64encode(text.encode()).decode()}</{name}>")
