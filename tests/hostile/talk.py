"""What the hostile server's people say, and how one sees that it still arrives."""

BOB = "bob@server.test"


def chat(body: str, sender: str = f"{BOB}/x", more: str = "") -> str:
    """Return a message to alice.

    :param more: elements beside the body
    """
    return (
        f"<message from='{sender}' to='alice@server.test' type='chat' id='m1'>"
        f"<body>{body}</body>{more}</message>"
    )


async def arrives(home, peer, body: str = "after") -> None:
    """Check that the daemon still takes what comes."""
    peer.send(chat(body))
    await home.expect("message.added", 30, body=body)


def phase(home) -> dict:
    """Return what the frontend was told last of the connection."""
    told = [one["data"] for one in home.frontend.events if one["type"] == "profile.changed"]
    return told[-1]["connection"]


async def refused(home, person) -> dict:
    """Return what the frontend is told when a login is given up."""
    told = await home.expect(
        "profile.changed", 20, connection={"phase": lambda one: one in ("failed", "waiting")}
    )
    assert told["connection"]["sentence"]
    return told["connection"]
