"""What needs a secret or a file from this side: ``jp profile …``, ``jp room join``."""

import sys

from sat.bridge.errors import CommandError
from sat.frontends.jp.context import Context, pairs, read_stdin, text_of


def create(context: Context, params: dict[str, object]) -> int:
    """Create a profile; the password comes from a file, standard input, or a terminal's prompt."""
    certificate = params.pop("_certificate", None)
    if isinstance(certificate, str):
        params["certificate"] = _read_certificate(certificate)
    password = password_of(params)
    if password is None and certificate is None:
        password = _ask(str(params["jid"]))
    if password is not None:
        params["password"] = password
    if params.pop("_manual", False):
        params["autoconnect"] = False
    _server(params)
    profile = context.call("profile.create", **params)
    if context.json:
        context.result(profile)
    return 0


def register(context: Context, params: dict[str, object]) -> int:
    """Make an account on its server, and a profile for it."""
    words = params.pop("_fields", [])
    assert isinstance(words, list)
    params["fields"] = dict(pairs(words))
    password = password_of(params)
    params["password"] = _ask(str(params["jid"])) if password is None else password
    _server(params)
    profile = context.call("profile.register", **params)
    if context.json:
        context.result(profile)
    return 0


def password(context: Context, params: dict[str, object]) -> int:
    """Change the password of an account."""
    new = password_of(params)
    params["password"] = _ask(f"{params['name']}, the new one") if new is None else new
    context.call("profile.password", **params)
    return 0


def check(context: Context, params: dict[str, object]) -> int:
    """Compare a password with the one that is kept."""
    given = password_of(params)
    params["password"] = _ask(str(params["name"])) if given is None else given
    context.call("profile.check", **params)
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
        if key == "proxy_file":
            key, value = "proxy", _read_proxy(value)
        elif key == "proxy":
            _refuse_secret(value)
        elif key == "ca" and value:
            value = _read_authority(value)
        elif key == "certificate" and value:
            value = _read_certificate(value)
        values[key] = value
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


def secret_in(path: str) -> str:
    """Return the first line of a file.

    :raises CommandError: ``usage.password`` if it is empty; ``unknown.file``, ``denied.file``
    """
    return _first_line(_read(path, "The secret"), path)


def _server(params: dict[str, object]) -> None:
    """Take from files what says how the server is reached."""
    authority = params.pop("_ca", None)
    if isinstance(authority, str):
        params["ca"] = _read_authority(authority)
    proxy, path = params.pop("_proxy", None), params.pop("_proxy_file", None)
    if proxy is not None and path is not None:
        raise CommandError("usage.proxy", "Give one of --proxy and --proxy-file.")
    if isinstance(proxy, str):
        _refuse_secret(proxy)
        params["proxy"] = proxy
    if isinstance(path, str):
        params["proxy"] = _read_proxy(path)


def _refuse_secret(proxy: str) -> None:
    if "@" in proxy:
        raise CommandError(
            "usage.proxy",
            "A password on the command line could be read by every process: put the proxy into a "
            "file, and give that with --proxy-file FILE or proxy_file=FILE.",
        )


def _read_proxy(path: str) -> str:
    line = text_of(_read(path, "The proxy"), path).partition("\n")[0].strip()
    if not line:
        raise CommandError("usage.proxy", f"{path} holds no proxy in its first line.")
    return line


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
        raise CommandError("usage.password", "No password was given: nothing was done.")
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


def _read_certificate(path: str) -> str:
    text = text_of(_read(path, "The certificate"), path)
    if "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY-----" not in text:
        raise CommandError(
            "usage.certificate", f"{path} holds no certificate with its key in PEM form."
        )
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
