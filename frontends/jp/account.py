"""What needs a password or a certificate from this side: ``jp profile create``, ``room join``."""

import sys

from sat.bridge.errors import CommandError
from sat.frontends.jp.context import Context, pairs, read_stdin, text_of


def create(context: Context, params: dict[str, object]) -> int:
    """Create a profile; the password comes from a file, standard input, or a terminal's prompt."""
    password = password_of(params)
    if password is None:
        password = _ask(str(params["jid"]))
    params["password"] = password
    if params.pop("_manual", False):
        params["autoconnect"] = False
    authority = params.pop("_ca", None)
    if isinstance(authority, str):
        params["ca"] = _read_authority(authority)
    profile = context.call("profile.create", **params)
    if context.json:
        context.result(profile)
    return 0


def change(context: Context, params: dict[str, object]) -> int:
    """Change settings of a profile."""
    values: dict[str, str] = {}
    words = params.pop("_pairs")
    assert isinstance(words, list)
    for key, value in pairs(words):
        if key == "password":
            raise CommandError(
                "usage.password",
                "A password on the command line could be read by every process: give it with "
                "--password-file or --password-stdin.",
            )
        values[key] = _read_authority(value) if key == "ca" and value else value
    password = password_of(params)
    if password is not None:
        values["password"] = password
    if not values:
        raise CommandError("usage.arguments", "Nothing is to be set: KEY=VALUE is missing.")
    profile = context.call("profile.set", name=params["name"], values=values)
    if context.json:
        context.result(profile)
    return 0


def join_room(context: Context, params: dict[str, object]) -> int:
    """Join a room; a password comes from a file or from standard input."""
    password = password_of(params)
    if password is not None:
        params["password"] = password
    joined = context.call("room.join", **params)
    if context.json:
        context.result(joined)
    elif isinstance(joined, dict) and joined.get("sentence"):
        context.note(str(joined["sentence"]))
    return 0


def password_of(params: dict[str, object]) -> str | None:
    """Take the password from where the options say; None without such an option."""
    path = params.pop("_password_file", None)
    from_stdin = params.pop("_password_stdin", False)
    if path is not None and from_stdin:
        raise CommandError("usage.password", "Give one of --password-file and --password-stdin.")
    if isinstance(path, str):
        return _first_line(_read(path, "The password file"), f"The password file {path}")
    if from_stdin:
        return _first_line(read_stdin("The password"), "Standard input")
    return None


def _ask(jid: str) -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise CommandError(
            "usage.password", "The password is missing: give --password-file or --password-stdin."
        )
    from getpass import getpass

    try:
        password = getpass(f"Password of {jid}: ")
    except EOFError:
        password = ""
    if not password:
        raise CommandError("usage.password", "No password was given: no profile was created.")
    return password


def _first_line(data: bytes, what: str) -> str:
    line = text_of(data, what).partition("\n")[0].removesuffix("\r")
    if not line:
        raise CommandError("usage.password", f"{what} holds no password in its first line.")
    return line


def _read_authority(path: str) -> str:
    text = text_of(_read(path, "The certificate authority"), path)
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise CommandError("usage.ca", f"{path} holds no certificate in PEM form.")
    return text


def _read(path: str, what: str) -> bytes:
    try:
        with open(path, "rb") as opened:  # noqa: PTH123
            return opened.read()
    except FileNotFoundError:
        raise CommandError("unknown.file", f"{what}: there is no file {path}.") from None
    except PermissionError:
        raise CommandError("denied.file", f"{what}: {path} may not be read.") from None
    except OSError as error:
        raise CommandError("failed.file", f"{what}: {path}: {error.strerror}.") from error
