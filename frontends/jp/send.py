"""``jp message send``."""

import sys

from sat.bridge.errors import CommandError
from sat.frontends.jp.context import Context, read_stdin, text_of


def message(context: Context, params: dict[str, object]) -> int:
    """Send a message, from the command line or from standard input, and print its id."""
    if "body" not in params:
        if sys.stdin is not None and sys.stdin.isatty():
            context.note("write the message, and end it with Ctrl-D on a line of its own")
        params["body"] = text_of(read_stdin("The message"), "The message").removesuffix("\n")
    if not params["body"]:
        raise CommandError("usage.body", "The message is empty, and nothing was sent.")
    sent = context.call("message.send", **params)
    if not isinstance(sent, dict):
        raise CommandError("failed.answer", "The daemon's answer is not a message.")
    if context.json:
        context.record(sent)
    elif not context.quiet:
        context.line(str(sent.get("id")))
    if sent.get("state") == "pending" and not context.quiet:
        _tell_if_kept(context, str(sent.get("profile")))
    return 0


def _tell_if_kept(context: Context, name: str) -> None:
    """Say so if the message waits for a connection."""
    try:
        profile = context.client.call("profile.get", name=name)
    except CommandError:
        # A word on the side isn't worth failing for: the message is stored.
        return
    connection = profile.get("connection") if isinstance(profile, dict) else None
    phase = connection.get("phase") if isinstance(connection, dict) else None
    if phase != "online":
        context.note(
            f"{name} is not connected: the message is kept, and sent once when it is online"
        )
