"""What a command line is made of, and how one is read.

A parser of its own, because importing argparse costs as much as the whole rest of jp.
"""

from sat.bridge.errors import CommandError
from sat.frontends.core.texts import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Argument:
    """A word that a command takes by its place.

    :param name: what help calls it
    :param param: the call's parameter; one that begins with ``_`` is for this side alone
    :param many: takes all words that other arguments leave
    :param default: what is sent without it; None sends nothing
    :param kind: ``text``, ``integer``, ``number``, ``boolean``, ``json``, or ``path`` (which may
        be anything that names a file, not UTF-8 alone)
    """

    __slots__ = ("choices", "default", "help", "kind", "many", "name", "param", "required")

    def __init__(
        self,
        name: str,
        param: str,
        help: str = "",
        *,
        required: bool = True,
        many: bool = False,
        default: str | None = None,
        kind: str = "text",
        choices: "Sequence[str]" = (),
    ) -> None:
        self.name = name
        self.param = param
        self.help = help
        self.required = required
        self.many = many
        self.default = default
        self.kind = kind
        self.choices = choices


class Option:
    """A word with dashes: a flag, or with ``value`` (what help calls it) followed by one.

    A flag's parameter is true; ``--no-X`` of a flag is understood where ``negatable``. A
    ``hidden`` one is another way to give an argument, and not in the help.
    """

    __slots__ = (
        "choices",
        "flag",
        "help",
        "hidden",
        "kind",
        "many",
        "negatable",
        "param",
        "required",
        "short",
        "value",
    )

    def __init__(
        self,
        flag: str,
        param: str,
        value: str = "",
        help: str = "",
        *,
        kind: str = "text",
        many: bool = False,
        choices: "Sequence[str]" = (),
        required: bool = False,
        short: str = "",
        negatable: bool = False,
        hidden: bool = False,
    ) -> None:
        self.flag = flag
        self.param = param
        self.value = value
        self.help = help
        self.kind = kind
        self.many = many
        self.choices = choices
        self.required = required
        self.short = short
        self.negatable = negatable
        self.hidden = hidden


class Command:
    """One command.

    :param words: what is typed; with a dot for the space it is the method
    :param run: ``module.function`` of this package that does more than one call
    :param show: the function of ``show`` that prints the result for people
    :param acts: changes something: prints nothing for people when it is done
    :param changes: changes something, and answers with what is so then, which may be nothing
    :param waits: ``--timeout`` is a parameter of the call too
    :param unit: of a result that is a number, for people
    """

    __slots__ = (
        "acts",
        "aliases",
        "arguments",
        "changes",
        "method",
        "options",
        "per_profile",
        "run",
        "show",
        "summary",
        "unit",
        "waits",
        "words",
    )

    def __init__(
        self,
        words: str,
        summary: str,
        arguments: "Sequence[Argument]" = (),
        options: "Sequence[Option]" = (),
        *,
        run: str = "",
        show: str = "record",
        acts: bool = False,
        changes: bool = False,
        waits: bool = False,
        per_profile: bool = True,
        aliases: "Sequence[str]" = (),
        method: str = "",
        unit: str = "",
    ) -> None:
        self.words = words
        self.summary = summary
        self.arguments = arguments
        self.options = options
        self.run = run
        self.show = show
        self.acts = acts
        self.changes = changes
        self.waits = waits
        self.unit = unit
        self.per_profile = per_profile
        self.aliases = aliases
        self.method = method or words.replace(" ", ".")


GLOBAL_OPTIONS = (
    Option("--profile", "profile", "PROFILE", "the profile to use", short="-p"),
    Option("--json", "json", help="print results as JSON, an object a line"),
    Option("--quiet", "quiet", help="print results and errors alone", short="-q"),
    Option("--timeout", "timeout", "S", "seconds to wait", kind="number"),
    Option("--remote", "remote", "WHERE", "the daemon of another machine: see jp remote"),
    Option("--txn", "txn", "ID", "do this once, however often it is sent with this id"),
    Option("--help", "help", help="show help", short="-h"),
    Option("--version", "version", help="show the version"),
)

_GLOBAL = {one.flag: one for one in GLOBAL_OPTIONS} | {
    one.short: one for one in GLOBAL_OPTIONS if one.short
}


def split(argv: "Sequence[str]") -> tuple[list[str], list[str]]:
    """Part the first words (two at most) from what follows and from options before them."""
    words: list[str] = []
    tokens: list[str] = []
    rest = list(argv)
    while rest and len(words) < 2:
        word = rest.pop(0)
        if word == "--":
            rest.insert(0, word)
            break
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        tokens.append(word)
        option = _GLOBAL.get(word)
        if option is None and words:
            break
        if option is not None and option.value and rest:
            tokens.append(rest.pop(0))
    return words, tokens + rest


def read(
    command: Command | None, tokens: "Sequence[str]"
) -> tuple[dict[str, object], dict[str, object]]:
    """Read what follows a command's words: return its parameters, and the global options.

    Without a command, only global options are looked for.

    :raises CommandError: ``usage.*``, saying what is wrong and where help is
    """
    known = dict(_GLOBAL)
    for option in command.options if command is not None else ():
        known[option.flag] = option
        if option.negatable:
            known[f"--no-{option.flag[2:]}"] = option
    params: dict[str, object] = {}
    settings: dict[str, object] = {}
    plain: list[str] = []
    rest = list(tokens)
    while rest:
        word = rest.pop(0)
        if word == "--":
            plain += rest
            break
        if not word.startswith("-") or word == "-":
            plain.append(word)
            continue
        flag, equals, value = word.partition("=")
        if flag not in known and not word.startswith("--") and word[:2] in known:
            flag, equals, value = word[:2], "=", word[2:]
        option_found = known.get(flag)
        if option_found is None:
            if command is None:
                continue
            raise _unknown_option(command, flag, known)
        target = settings if option_found in GLOBAL_OPTIONS else params
        if not option_found.value:
            if equals:
                raise _usage(command, _("{name} takes no value.").format(name=flag))
            target[option_found.param] = not flag.startswith("--no-") or not option_found.negatable
            continue
        if not equals:
            if not rest:
                told = _("{name} needs a value: {value}.")
                raise _usage(command, told.format(name=flag, value=_(option_found.value)))
            value = rest.pop(0)
        converted = _convert(command, flag, value, option_found.kind, option_found.choices)
        if option_found.many:
            values = target.setdefault(option_found.param, [])
            assert isinstance(values, list)
            values.append(converted)
        else:
            target[option_found.param] = converted
    if command is not None and not settings.get("help"):
        _place(command, plain, params)
        for option in command.options:
            if option.required and option.param not in params:
                raise _missing(command, f"{option.flag} {_(option.value)}".rstrip())
    return params, settings


def _place(command: Command, plain: list[str], params: dict[str, object]) -> None:
    """Give the plain words to the arguments, in order."""
    left = [one for one in command.arguments if one.param not in params]
    spare = len(plain) - len(left)
    for position, argument in enumerate(left):
        if argument.many:
            count = len(plain) - sum(1 for one in left[position + 1 :] if one.required)
            words, plain = plain[: max(count, 0)], plain[max(count, 0) :]
            if not words and argument.required:
                raise _missing(command, _(argument.name))
            params[argument.param] = [
                _convert(command, argument.name, one, argument.kind, argument.choices)
                for one in words
            ]
        elif plain:
            params[argument.param] = _convert(
                command, argument.name, plain.pop(0), argument.kind, argument.choices
            )
        elif argument.required:
            raise _missing(command, _(argument.name))
        elif argument.default is not None:
            params[argument.param] = argument.default
    if plain:
        told = _("“{word}” is one word too many.")
        if spare > 0:
            told = _("“{word}” is one word too many (a text of several words goes in quotes).")
        raise _usage(command, told.format(word=plain[0]))


def _convert(
    command: Command | None, name: str, value: str, kind: str, choices: "Sequence[str]"
) -> object:
    if kind == "path":
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _usage(command, _("{name} is not valid UTF-8.").format(name=_(name))) from None
    if choices and value not in choices:
        told = _("{name} is one of {choices}, not “{value}”.")
        listed = ", ".join(choices)
        raise _usage(command, told.format(name=_(name), choices=listed, value=value))
    try:
        if kind == "integer":
            return int(value)
        if kind == "number":
            number = float(value)
            if number - number != 0:  # infinite, or not a number
                raise ValueError(value)
            return number
        if kind == "boolean":
            return {"true": True, "yes": True, "false": False, "no": False}[value.lower()]
        if kind == "json":
            import json

            return json.loads(value)
    except (ValueError, KeyError, RecursionError):
        told = {
            "integer": _("{name} is a whole number, not “{value}”."),
            "number": _("{name} is a number, not “{value}”."),
            "boolean": _("{name} is true or false, not “{value}”."),
            "json": _("{name} is JSON, not “{value}”."),
        }[kind]
        raise _usage(command, told.format(name=_(name), value=value)) from None
    return value


def suggestion(word: str, known: "Sequence[str]") -> str:
    """Return what to say of a word that looks like a known one; else an empty text."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, 1, 0.6)
    return _(" Did you mean “{word}”?").format(word=close[0]) if close else ""


def _usage(command: Command | None, sentence: str) -> CommandError:
    words = f" {command.words}" if command is not None else ""
    told = _("{sentence} See “{command}”.").format(sentence=sentence, command=f"jp{words} --help")
    return CommandError("usage.arguments", told, {"what": sentence})


def _missing(command: Command, name: str) -> CommandError:
    return _usage(command, _("{name} is missing.").format(name=name))


def _unknown_option(command: Command, flag: str, known: dict[str, Option]) -> CommandError:
    hint = suggestion(flag, list(known))
    told = _("{command} has no option {name}.").format(command=command.words, name=flag)
    return _usage(command, f"{told}{hint}")
