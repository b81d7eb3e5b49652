"""Do what a command line asks for, over an attachment; the result is a text for people."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sat.bridge.errors import CommandError
from sat.bridge.model import Message, Room
from sat.frontends.core.actions import Actions
from sat.frontends.core.attachment import Attachment
from sat.frontends.core.commands import show
from sat.frontends.core.commands.forms import read_words
from sat.frontends.core.commands.line import Call, CommandLine, needs_shell
from sat.frontends.core.saving import is_folder, safe_name
from sat.frontends.core.texts import _
from sat.frontends.core.views.names import file_name

#: Seconds that a command may take.
_LIMIT = 120.0


async def run(call: Call, attachment: Attachment, actions: Actions) -> str:
    """Run a command, and return what it answers, cleaned; nothing for one that only acts.

    :raises CommandError: what is refused, in one sentence
    """
    command, params = call.command, dict(call.params)
    if call.profile is not None:
        params["profile"] = call.profile
    special = _SPECIAL.get(command.words)
    if special is not None:
        return await special(params, attachment, actions)
    _check(command.words, params)
    if command.acts:
        await attachment.change(command.method, object, within=_LIMIT, **params)
        return ""
    value = await attachment.call(command.method, object, within=_LIMIT, descriptors=(), **params)
    told = show.render(command.show, value)
    return f"{told} {command.unit}" if told and command.unit else told


async def learn(commands: CommandLine, attachment: Attachment) -> None:
    """Ask the daemon what can be said; once attached, and again when plugins come or go.

    :raises CommandError: if it can't be asked
    """
    commands.learn(await attachment.call("api.describe", object))


async def _send(params: dict[str, object], attachment: Attachment, actions: Actions) -> str:
    if not params.get("body"):
        raise CommandError("usage.body", _("The message is empty, and nothing was sent."))
    await attachment.change("message.send", Message, within=_LIMIT, **params)
    return ""


async def _join(params: dict[str, object], attachment: Attachment, actions: Actions) -> str:
    _check("room join", params)
    room = await attachment.change("room.join", Room, within=_LIMIT, **params)
    return room.sentence


async def _send_files(params: dict[str, object], attachment: Attachment, actions: Actions) -> str:
    paths = params["_files"]
    assert isinstance(paths, list)
    kind = params.get("media_type")
    for path in paths:
        await actions.send_file(
            _profile(params, attachment),
            str(params["to"]),
            _expanded(str(path)),
            kind if isinstance(kind, str) else None,
        )
    return ""


async def _fetch_file(params: dict[str, object], attachment: Attachment, actions: Actions) -> str:
    profile = _profile(params, attachment)
    message = await attachment.call("message.get", Message, profile=profile, id=params["id"])
    number = params.get("number", 0)
    assert isinstance(number, int)
    if not 0 <= number < len(message.attachments):
        told = _("The message has no file {number}.").format(number=number)
        raise CommandError("unknown.file", told)
    path = _expanded(str(params.get("_path", ".")))
    if is_folder(path):
        path = str(Path(path) / safe_name(file_name(message.attachments[number])))
    try:
        await actions.save_file(message, number, path)
    except OSError as error:
        told = _("{file} can't be written: {reason}.").format(file=path, reason=error.strerror)
        raise CommandError("failed.file", told) from error
    return path


async def _answer(params: dict[str, object], attachment: Attachment, actions: Actions) -> str:
    question = attachment.state.questions.get(str(params["id"]))
    if question is None:
        told = _("The question {id} is answered, or there is none.").format(id=params["id"])
        raise CommandError("unknown.question", told)
    words = params.get("_pairs", [])
    assert isinstance(words, list)
    await actions.answer(
        question, read_words(msgspec.json.decode(msgspec.json.encode(question.form)), words)
    )
    return ""


def _expanded(path: str) -> str:
    """Return a path as a shell would pass it on."""
    return str(Path(path).expanduser())


def _profile(params: dict[str, object], attachment: Attachment) -> str:
    """Return the profile that is meant: as everywhere, the default one, else the only one."""
    named = params.get("profile")
    if isinstance(named, str):
        return named
    known = attachment.state.profiles
    chosen = [one.name for one in known.values() if one.default or len(known) == 1]
    if not chosen:
        raise CommandError("usage.profile", _("Say for which profile, with --profile NAME."))
    return chosen[0]


def _check(words: str, params: dict[str, object]) -> None:
    if any(name.startswith("_") for name in params):
        raise needs_shell(words)


_SPECIAL = {
    "message send": _send,
    "room join": _join,
    "file send": _send_files,
    "file fetch": _fetch_file,
    "question answer": _answer,
}
