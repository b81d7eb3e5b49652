"""``jp completion``: what a shell needs to complete jp's command lines, made from the table."""

from __future__ import annotations

import argparse
from typing import Any

import shtab

from sat.frontends.core.commands.grammar import GLOBAL_OPTIONS, Argument, Command, Option
from sat.frontends.core.commands.table import COMMANDS
from sat.frontends.jp.context import Context


def show(context: Context, params: dict[str, object]) -> int:
    """Print the completion of a shell."""
    print(shtab.complete(parser(), shell=str(params["_shell"])))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the table as argparse sees it: shtab reads that."""
    top = argparse.ArgumentParser(prog="jp", add_help=False)
    for option in GLOBAL_OPTIONS:
        _add_option(top, option)
    groups = top.add_subparsers()
    commands: dict[str, Any] = {}
    for command in COMMANDS:
        for words in (command.words, *command.aliases):
            group, _, name = words.partition(" ")
            if group not in commands:
                # shtab leaves out what has no help.
                added = groups.add_parser(group, help=f"{group} …", add_help=False)
                commands[group] = added.add_subparsers()
            _add_command(commands[group], name, command)
    return top


def _add_command(group: Any, name: str, command: Command) -> None:
    added = group.add_parser(name, help=command.summary, add_help=False)
    for argument in command.arguments:
        _add_argument(added, argument)
    for option in command.options:
        if not option.hidden:
            _add_option(added, option)


def _add_argument(parser: argparse.ArgumentParser, argument: Argument) -> None:
    nargs = "*" if argument.many else None if argument.required else "?"
    action = parser.add_argument(
        argument.name, nargs=nargs, help=argument.help, choices=argument.choices or None
    )
    _files(action, argument.kind)


def _add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    flags = [flag for flag in (option.short, option.flag) if flag]
    if not option.value:
        parser.add_argument(*flags, help=option.help, action="store_true")
        return
    action = parser.add_argument(
        *flags, help=option.help, metavar=option.value, choices=option.choices or None
    )
    _files(action, option.kind)


def _files(action: argparse.Action, kind: str) -> None:
    if kind == "path":
        action.complete = shtab.FILE  # type: ignore[attr-defined]
