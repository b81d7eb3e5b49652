"""``jp remote …``: the daemons of other machines that are known here."""

import os

from sat.bridge import remote
from sat.bridge.errors import CommandError
from sat.frontends.jp.context import Context, read_stdin, text_of


def add(context: Context, params: dict[str, object]) -> int:
    """Make a daemon known; an invitation is used up by that."""
    url = str(params["_url"])
    if url == "-":
        url = text_of(read_stdin("The address"), "The address").strip()
    remote.add(str(params["_name"]), url, f"jp on {os.uname().nodename}")
    return 0


def show(context: Context, params: dict[str, object]) -> int:
    """List those that are known; their tokens are for nobody's eyes."""
    for name, one in sorted(remote.known().items()):
        url = one.get("url", "")
        if context.json:
            context.record({"name": name, "url": url})
        else:
            context.line(f"{name}  {url.partition('/?')[0]}")
    return 0


def remove(context: Context, params: dict[str, object]) -> int:
    """Forget one; the daemon there keeps its pairing until it is revoked."""
    known = remote.known()
    name = str(params["_name"])
    if known.pop(name, None) is None:
        raise CommandError("unknown.remote", f"There is no remote “{name}”: see “jp remote list”.")
    remote.keep(known)
    return 0
