"""Commands that the daemon describes: every method that the table doesn't hold, plugins' too.

``jp a b`` is the method ``a.b``: required parameters by their place, all by ``--name``.
"""

import os

from sat.bridge.errors import CommandError
from sat.frontends.core.commands.described import command_of, listed
from sat.frontends.core.commands.grammar import Command, suggestion
from sat.frontends.core.commands.table import GROUPS
from sat.frontends.core.daemon import connect
from sat.frontends.jp import help as help_module
from sat.frontends.jp.context import CLIENT, TIMEOUT


def find(
    words: list[str], tokens: list[str], settings: dict[str, object]
) -> tuple[Command, list[str]]:
    """Find the command that the daemon has for these words, and what is left to read for it.

    :raises CommandError: ``usage.command`` if it has none; ``daemon.missing``
    """
    description = _describe(words, settings)
    methods = [one for one in listed(description, "methods") if isinstance(one, dict)]
    types = description.get("types")
    types = types if isinstance(types, dict) else {}
    for count in (2, 1):
        spoken = " ".join(words[:count])
        for method in methods:
            name = str(method.get("name"))
            if spoken in (method.get("cli"), name, name.replace(".", " ")):
                return command_of(method, types), words[count:] + tokens
    if words[0] not in GROUPS:
        known = [str(one.get("cli") or one.get("name")).split(".")[0] for one in methods]
        raise CommandError(
            "usage.command",
            f"There is no command “{words[0]}”.{suggestion(words[0], sorted({*GROUPS, *known}))} "
            "If a plugin has it, “jp plugin list” tells why it isn't there. See “jp --help”.",
        )
    raise _no_command(words)


def _describe(words: list[str], settings: dict[str, object]) -> dict[str, object]:
    """Ask the daemon; where the words look like a slip of the pen, don't start one for that."""
    timeout = settings.get("timeout")
    limit = timeout if isinstance(timeout, float) else TIMEOUT
    remote = settings.get("remote")
    remote = remote if isinstance(remote, str) else None
    if not (remote or os.environ.get("SAT_REMOTE")) and (
        words[0] in GROUPS or suggestion(words[0], GROUPS)
    ):
        from sat.bridge import blocking

        try:
            client = blocking.connect(name=CLIENT, timeout=limit)
        except CommandError as error:
            if error.name != "daemon.missing":
                raise
            raise _no_command(words) from None
    else:
        client = connect(CLIENT, limit, remote)
    with client:
        found = client.call("api.describe")
    return found if isinstance(found, dict) else {}


def _no_command(words: list[str]) -> CommandError:
    try:
        help_module.answer(words, asked=False)
    except CommandError as error:
        return error
    return CommandError("usage.command", f"There is no command “{' '.join(words)}”.")
