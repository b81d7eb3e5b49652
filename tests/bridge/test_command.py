"""A signature and a docstring are all that a command needs; what can't cross is refused at once."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import pytest

from sat.bridge.call import Call
from sat.bridge.command import command, commands_of
from sat.bridge.errors import CommandError
from sat.bridge.model import Level, Message
from sat.bridge.secret import SecretText
from sat.plugin import JID


class Good:
    """Everything that a signature can say."""

    @command("good.all", level=Level.FILES, per_profile=False, cli="all")
    async def all(
        self,
        call: Call,
        jid: JID,
        count: Annotated[int, msgspec.Meta(ge=0)] = 3,
        mode: Literal["a", "b"] = "a",
        names: list[str] | None = None,
        secret: SecretText | None = None,
    ) -> list[Message]:
        """Do all of it, in one line.

        More prose, on
        two lines.

        :param jid: whom; a bare one
            is its server's
        :param count: how many
        :raises unknown.jid: if there is
            none
        :raises StanzaError: if it refuses
        """
        return []

    @command()
    async def short(self) -> None:
        """Be short."""

    async def plain(self) -> None:
        """Be no command."""


def test_what_is_read_from_signature_and_docstring():
    full, short = commands_of(Good, "good")
    assert (full.name, full.level, full.per_profile, full.cli) == (
        "good.all",
        Level.FILES,
        False,
        "all",
    )
    assert full.wants_call
    assert [(one.name, one.required, one.default, one.doc) for one in full.parameters] == [
        ("jid", True, None, "whom; a bare one is its server's"),
        ("count", False, 3, "how many"),
        ("mode", False, "a", ""),
        ("names", False, None, ""),
        ("secret", False, None, ""),
    ]
    assert full.summary == "Do all of it, in one line."
    assert full.doc == "Do all of it, in one line.\n\nMore prose, on\ntwo lines."
    assert full.raises == (("unknown.jid", "if there is none"), ("StanzaError", "if it refuses"))
    assert (short.name, short.parameters, short.cli) == ("good.short", (), None)
    assert (short.level, short.per_profile, short.wants_call) == (Level.SEND, True, False)


def test_decoding():
    full, short = commands_of(Good, "good")
    assert short.decode(msgspec.Raw(b'{"profile":"alice","txn":"t"}')) == ({}, "alice", "t")
    params = b'{"jid":"a@b/c","secret":"pw","more":1,"profile":"alice","txn":"t"}'
    decoded, profile, txn = full.decode(msgspec.Raw(params))
    assert (profile, txn, "txn" in decoded) == (None, "t", False)
    assert isinstance(decoded["jid"], JID) and decoded["jid"].full() == "a@b/c"
    assert (decoded["count"], decoded["mode"], decoded["names"]) == (3, "a", None)
    assert "pw" not in repr(decoded) and decoded["secret"].reveal() == "pw"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (b"{}", ("good.all", "jid")),
        (b'{"jid":"@"}', ("jid", "isn't an address", "alice@example.org")),
        (b'{"jid":7}', ("jid",)),
        (b'{"jid":"a@b","count":-1}', ("count", ">= 0")),
        (b'{"jid":"a@b","mode":"c"}', ("mode", "'c'")),
        (b'{"jid":"a@b","names":[1]}', ("names[0]", "str")),
        (b'{"jid":"a@b","txn":7}', ("txn",)),
        (b"[", ("good.all",)),
        (b"\xff", ("good.all",)),
        (b'{"jid":' + b"[" * 50_000 + b"]" * 50_000 + b"}", ("good.all",)),
    ],
)
def test_what_is_wrong_is_told_with_its_place(params, words):
    full, _ = commands_of(Good, "good")
    with pytest.raises(CommandError) as caught:
        full.decode(msgspec.Raw(params))
    assert caught.value.name == "usage.params"
    for word in words:
        assert word in caught.value.sentence
    assert "$." not in caught.value.sentence


@dataclass
class Holder:
    """A dataclass around something that can't cross."""

    value: complex


async def of_complex(self, x: complex) -> None: ...
async def of_holder(self, x: list[Holder]) -> None: ...
async def of_unregistered(self, x: CommandError) -> None: ...
async def of_default(self, x: str = 1j) -> None: ...  # type: ignore[assignment]
async def result_of_complex(self) -> complex: ...
async def result_of_class(self) -> dict[str, CommandError]: ...
async def without_type(self, x) -> None: ...  # type: ignore[no-untyped-def]
async def without_result(self, x: int): ...  # type: ignore[no-untyped-def]
async def taken(self, profile: str) -> None: ...


@pytest.mark.parametrize(
    "function",
    [
        *(of_complex, of_holder, of_unregistered, of_default),
        *(result_of_complex, result_of_class, without_type, without_result, taken),
    ],
)
def test_what_can_not_cross_is_an_error_before_any_call(function: Any):
    owner = type("Owner", (), {"method": command("bad.one")(function)})
    with pytest.raises(TypeError, match=r"bad\.one"):
        commands_of(owner)
