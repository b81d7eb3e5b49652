"""The settings of a profile as a person gives them: checked, and parted into what is kept where."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from sat.backend.passwords import Kind
from sat.backend.server import split_server
from sat.bridge.errors import CommandError
from sat.bridge.secret import SecretText
from sat.xmpp.socks import Proxy
from sat.xmpp.tls import load_own, read_pin

_FLAGS = ("allow_plain", "autoconnect", "direct_tls")
_OTHERS = ("ca", "certificate", "password", "pin", "proxy", "resource", "server")


@dataclass(frozen=True, slots=True)
class Settings:
    """Changes of a profile.

    :param fields: of what the bridge shows
    :param secrets: those to keep, or to forget where they are None
    :param texts: what else the database keeps, by column
    """

    fields: dict[str, object] = field(default_factory=dict)
    secrets: dict[Kind, SecretText | None] = field(default_factory=dict)
    texts: dict[str, str | None] = field(default_factory=dict)


def read(values: dict[str, str]) -> Settings:
    """Check settings given by name.

    :raises CommandError: ``usage.setting`` if there is none of that name, or a more telling one if
        a value can't be right
    """
    settings = Settings()
    for key, text in values.items():
        if key in _FLAGS:
            settings.fields[key] = _yes_or_no(key, text)
        elif key == "server":
            split_server(text)
            settings.fields[key] = text or None
        elif key == "resource":
            settings.fields[key] = text or None
        elif key == "ca":
            if text:
                _check_ca(text)
            settings.texts[key] = text or None
            settings.fields[key] = bool(text)
        elif key == "pin":
            settings.fields[key] = _pin(text) if text else None
        elif key == "certificate":
            if text:
                _check_certificate(text)
            settings.secrets[Kind.CERTIFICATE] = SecretText(text) if text else None
            settings.fields[key] = bool(text)
        elif key == "proxy":
            proxy = _proxy(text) if text else None
            settings.fields[key] = str(proxy) if proxy else None
            login = proxy is not None and proxy.user is not None
            settings.secrets[Kind.PROXY] = SecretText(text) if login else None
        elif key == "password":
            settings.secrets[Kind.PASSWORD] = SecretText(text)
        else:
            known = ", ".join(sorted((*_FLAGS, *_OTHERS)))
            raise CommandError("usage.setting", f"a profile has no {key}; it has: {known}")
    return settings


def _check_ca(text: str) -> None:
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise CommandError("usage.ca", f"this holds no certificate in PEM: {error}") from error


def _check_certificate(text: str) -> None:
    try:
        load_own(text)
    except ValueError as error:
        raise CommandError("usage.certificate", str(error)) from None


def _pin(text: str) -> str:
    try:
        return f"sha256:{read_pin(text)}"
    except ValueError as error:
        raise CommandError("usage.pin", str(error)) from None


def _proxy(text: str) -> Proxy:
    try:
        return Proxy.parse(text)
    except ValueError as error:
        raise CommandError("usage.proxy", str(error)) from None


def _yes_or_no(key: str, text: str) -> bool:
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in answers:
        raise CommandError("usage.setting", f"{key} is yes or no, not {text!r}")
    return answers[text.lower()]
