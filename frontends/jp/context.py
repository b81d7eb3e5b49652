"""What a running command of jp works with: its settings, the daemon, and where it prints."""

import sys

from sat import __version__
from sat.bridge.errors import CommandError
from sat.frontends.core.clean import clean, encode_json
from sat.frontends.core.daemon import connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sat.bridge.blocking import Client
    from sat.frontends.core.commands.grammar import Command

#: What the daemon calls this program.
CLIENT = f"jp {__version__}"
#: Seconds that a call may take.
TIMEOUT = 60.0

#: Added to a wait that the daemon counts, so that its own answer comes first.
_GRACE = 5.0
_MAX_TIMEOUT = 1e8


class Context:
    """One command being run.

    :param settings: the global options, by name
    :raises CommandError: ``usage.timeout`` if nothing can wait so long
    """

    def __init__(self, command: "Command", settings: dict[str, object]) -> None:
        self.command = command
        self.json = bool(settings.get("json"))
        self.quiet = bool(settings.get("quiet"))
        self.profile = _text(settings, "profile")
        self.txn = _text(settings, "txn")
        self.remote = _text(settings, "remote")
        timeout = settings.get("timeout")
        self.timeout = timeout if isinstance(timeout, float) else None
        if self.timeout is not None and not 0 <= self.timeout <= _MAX_TIMEOUT:
            raise CommandError(
                "usage.timeout", f"--timeout is from 0 to {_MAX_TIMEOUT:.0f} seconds."
            )
        self._client: Client | None = None

    @property
    def client(self) -> "Client":
        """The session with the daemon, which is started if it doesn't run.

        :raises CommandError: ``daemon.missing`` if it doesn't run and isn't to be started
        """
        if self._client is None:
            limit = TIMEOUT if self.timeout is None else self.timeout
            patience = limit + _GRACE if self.command.waits else limit
            self._client = connect(CLIENT, patience, self.remote)
        return self._client

    def complete(self, params: dict[str, object]) -> dict[str, object]:
        """Add to a call's parameters what the global options say."""
        if self.profile is not None and self.command.per_profile:
            params["profile"] = self.profile
        if self.txn is not None:
            params["txn"] = self.txn
        if self.timeout is not None and self.command.waits:
            params["timeout"] = self.timeout
        return params

    def call(self, method: str, **params: object) -> object:
        """Call a method for the chosen profile, as :meth:`sat.bridge.blocking.Client.call`."""
        return self.client.call(method, **self.complete(params))

    def close(self) -> None:
        """End the session, if there is one."""
        if self._client is not None:
            self._client.close()

    def result(self, value: object) -> None:
        """Print a result: as JSON lines, or as the command's ``show`` has it."""
        if self.json:
            if isinstance(value, list):
                for one in value:
                    self.record(one)
            elif value is not None:
                self.record(value)
        elif not self.command.acts:
            from sat.frontends.core.commands import show

            text = show.render(self.command.show, value)
            if text:
                print(text)

    def record(self, value: object) -> None:
        """Print one object as a line of JSON."""
        _flush_text()
        sys.stdout.buffer.write(encode_json(value))

    def line(self, text: str) -> None:
        """Print a text for people, without what a terminal would obey."""
        print(clean(text))

    def note(self, sentence: str) -> None:
        """Say something on the side, unless told to be quiet."""
        if not self.quiet:
            complain(sentence)


def complain(sentence: str) -> None:
    """Print a sentence on standard error, with the program's name before it."""
    sys.stdout.flush()
    print(f"jp: {clean(sentence)}", file=sys.stderr)


def read_stdin(what: str) -> bytes:
    """Read standard input to its end, for something that has to come from there.

    :raises CommandError: ``usage.stdin`` if it is closed, or a terminal where nobody asked for it
    """
    if sys.stdin is None:
        raise CommandError("usage.stdin", f"{what} is missing, and standard input is closed.")
    return sys.stdin.buffer.read()


def text_of(data: bytes, what: str) -> str:
    """Decode what was read.

    :raises CommandError: ``usage.text`` if it isn't UTF-8
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise CommandError(
            "usage.text",
            f"{what} is not UTF-8 text (byte {error.start + 1}): convert it first, for example "
            "with iconv; send binary data with “jp file send”.",
        ) from None


def pairs(texts: "Sequence[str]") -> list[tuple[str, str]]:
    """Part texts of the form KEY=VALUE.

    :raises CommandError: ``usage.arguments`` if one has another form
    """
    found = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise CommandError("usage.arguments", f"“{text}” is not of the form KEY=VALUE.")
        found.append((key, value))
    return found


def _flush_text() -> None:
    sys.stdout.flush()


def _text(settings: dict[str, object], name: str) -> str | None:
    value = settings.get(name)
    return value if isinstance(value, str) else None
