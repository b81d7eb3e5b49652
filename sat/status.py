"""The daemon's status in words, for ``sat status``."""

from sat.frontends.core.clean import clean_line


def render(status: dict[str, object]) -> str:
    """Write a ``Status`` of the bridge for people: what runs, and what doesn't work."""
    lines = [
        f"sat {_text(status, 'version')}, pid {_text(status, 'pid')}, "
        f"since {_text(status, 'started')}",
        f"home      {_text(status, 'home')}",
        f"frontends {_text(status, 'sessions')}",
    ]
    storage = status.get("storage")
    if isinstance(storage, dict) and storage.get("state") != "ok":
        lines.append(f"storage   {_text(storage, 'state')}: {_text(storage, 'sentence')}")
    profiles = _objects(status, "profiles")
    if not profiles:
        lines.append("profiles  none: jp profile create makes one")
    width = max((len(_text(one, "name")) for one in profiles), default=0)
    for one in profiles:
        connection = one.get("connection")
        connection = connection if isinstance(connection, dict) else {}
        sentence = _text(connection, "sentence")
        lines.append(
            f"profile   {_text(one, 'name'):{width}}  {_text(connection, 'phase')}  "
            f"{_text(one, 'jid')}{f'  ({sentence})' if sentence else ''}"
        )
    plugins = _objects(status, "plugins")
    loaded = [_text(one, "name") for one in plugins if one.get("state") == "loaded"]
    lines.append(f"plugins   {', '.join(loaded) or 'none'}")
    for one in plugins:
        if one.get("state") == "failed" or one.get("sentence"):
            lines.append(
                f"plugin    {_text(one, 'name')}  {_text(one, 'state')}: {_text(one, 'sentence')}"
            )
    return "\n".join(lines)


def _text(record: dict[str, object], key: str) -> str:
    value = record.get(key)
    return "" if value is None else clean_line(str(value))


def _objects(record: dict[str, object], key: str) -> list[dict[str, object]]:
    value = record.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
