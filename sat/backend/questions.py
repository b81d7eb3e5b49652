"""What a person has to decide: stored, shown by every frontend, decided by the first answer."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Text, delete, insert, select
from sqlalchemy.sql.expression import bindparam

from sat.backend import schema
from sat.backend.plugin_questions import AnswerLostError, PluginQuestions
from sat.backend.schema import Prepared
from sat.backend.store import Reader
from sat.backend.transaction import Transaction
from sat.bridge.call import Call
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.events import QuestionAdded, QuestionClosed
from sat.bridge.model import Field, Form, Level, Question, Removed
from sat.xmpp.stanza import NotConnected, parse_jid

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile

_table = schema.question
_ALL = Prepared(select(_table.c.data).where(_table.c.profile_id == bindparam("profile_id")))
_SAME = Prepared(
    select(_table.c.data).where(
        _table.c.profile_id == bindparam("profile_id"),
        _table.c.kind == bindparam("kind"),
        _table.c.peer.is_not_distinct_from(bindparam("peer", type_=Text)),
    )
)
_OF_KIND = Prepared(
    select(_table.c.data).where(
        _table.c.profile_id == bindparam("profile_id"), _table.c.kind == bindparam("kind")
    )
)
_BY_ID = Prepared(
    select(_table.c.data).where(
        _table.c.id == bindparam("id"), _table.c.profile_id == bindparam("profile_id")
    )
)
_ADD = Prepared(insert(_table))
_DROP = Prepared(delete(_table).where(_table.c.id == bindparam("id")))

#: How a yes or no is written (XEP-0004, section 3.3).
_BOOLEANS = {"true", "false", "1", "0"}

#: Acts on an answer: the peer whom the question is about, and the values of the form by field, with
#: those that it had from the beginning.
Act = Callable[["str | None", dict[str, list[str]]], Awaitable[None]]


class Questions:
    """The questions of one profile."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._acts: dict[str, Act] = {}
        self._offline: set[str] = set()
        self.of_plugins = PluginQuestions(live, self)

    def forget(self, kind: str) -> None:
        """Let nothing run any more when a question of a kind is answered."""
        self._acts.pop(kind, None)
        self._offline.discard(kind)

    def handle(self, kind: str, act: Act, *, offline: bool = False) -> None:
        """Let ``act`` run when a question of a kind is answered, be it from before a restart.

        :param offline: whether it can be answered while the profile isn't connected
        """
        self._acts[kind] = act
        if offline:
            self._offline.add(kind)

    def ask(self, tx: Transaction, kind: str, peer: str | None, sentence: str, form: Form) -> None:
        """Ask, unless the same is asked already."""
        if tx.first(_SAME, profile_id=self._live.id, kind=kind, peer=peer) is not None:
            return
        question = Question(
            id=uuid.uuid4().hex[:12],
            profile=self._live.name,
            kind=kind,
            peer=peer,
            sentence=sentence,
            form=form,
            ts=datetime.fromtimestamp(tx.now / 1000, UTC),
            rev=tx.rev,
        )
        tx.run(
            _ADD,
            id=question.id,
            profile_id=self._live.id,
            kind=kind,
            peer=peer,
            data=msgspec.json.encode(question),
        )
        tx.emit(self._live.name, QuestionAdded(question))

    def replace(
        self, tx: Transaction, kind: str, peer: str | None, sentence: str, form: Form
    ) -> None:
        """Ask, in place of a question about the same which asks something else by now."""
        row = tx.first(_SAME, profile_id=self._live.id, kind=kind, peer=peer)
        if row is not None:
            asked = msgspec.json.decode(row[0], type=Question)
            if asked.form == form:
                return
            self._close(tx, asked)
        self.ask(tx, kind, peer, sentence, form)

    def withdraw(self, tx: Transaction, kind: str, peer: str | None) -> bool:
        """Take a question back, which needs no answer any more; tell whether it was asked."""
        row = tx.first(_SAME, profile_id=self._live.id, kind=kind, peer=peer)
        if row is not None:
            self._close(tx, msgspec.json.decode(row[0], type=Question))
        return row is not None

    @command("question.list", level=Level.READ)
    async def all(self) -> list[Question]:
        """Return the questions that wait for an answer, the oldest first."""
        return await self._live.core.store.read(
            lambda reader: open_questions(reader, self._live.id)
        )

    @command("question.answer", level=Level.SEND)
    async def answer(self, call: Call, id: str, values: dict[str, list[str]]) -> Question:
        """Answer a question; the first answer counts.

        :param id: the question's
        :param values: by the names of the form's fields; one left out is as the form has it
        :raises unknown.question: if there is none, or it was answered elsewhere
        :raises usage.answer: if a field that is required has no value, or one that isn't allowed
        """
        row = await self._live.core.store.read(
            lambda reader: reader.first(_BY_ID, id=id, profile_id=self._live.id)
        )
        gone = CommandError("unknown.question", f"the question {id} is answered, or there is none")
        if row is None:
            raise gone
        question = msgspec.json.decode(row[0], type=Question)
        filled = _fill_in(question.form, values)
        act = self._acts.get(question.kind)
        if act is None:
            raise CommandError(
                "unknown.question", "the plugin that asked this is not loaded: load it to answer"
            )

        def close(tx: Transaction) -> Question:
            if tx.first(_BY_ID, id=id, profile_id=self._live.id) is None:
                raise gone
            self._close(tx, question)
            return question

        if question.kind not in self._offline:
            self._live.require_online()
        closed = await self._live.core.journal.commit(close, call=call)
        try:
            await act(question.peer, filled)
        except (NotConnected, AnswerLostError):
            # The stream ended meanwhile, say: the answer reached nobody, so it is asked again.
            await self._live.core.journal.commit(
                lambda tx: self.ask(
                    tx, question.kind, question.peer, question.sentence, question.form
                ),
                wait=True,
            )
            raise
        return closed

    def close_all(self, tx: Transaction, kind: str) -> None:
        """Take back every question of a kind."""
        for row in tx.all(_OF_KIND, profile_id=self._live.id, kind=kind):
            self._close(tx, msgspec.json.decode(row[0], type=Question))

    def _close(self, tx: Transaction, question: Question) -> None:
        tx.run(_DROP, id=question.id)
        gone = Removed(profile=self._live.name, name=question.id, rev=tx.rev)
        tx.emit(self._live.name, QuestionClosed(gone))


def open_questions(reader: Reader, profile_id: int) -> list[Question]:
    """Read the questions of a profile that wait for an answer, the oldest first."""
    rows = reader.all(_ALL, profile_id=profile_id)
    found = [msgspec.json.decode(row[0], type=Question) for row in rows]
    return sorted(found, key=lambda question: question.ts)


def _fill_in(form: Form, values: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return a form's values: those given, and else what it has (XEP-0004, section 3.3).

    :raises CommandError: ``usage.answer`` if one can't be
    """
    fields = {field.name: field for field in form.fields}
    for name, given in values.items():
        field = fields.get(name)
        if field is None:
            known = ", ".join(fields)
            raise CommandError("usage.answer", f"the question has no field {name}, only: {known}")
        if wrong := _fault(field, given):
            raise CommandError("usage.answer", f"{name} {wrong}")
    had = {one.name: list(one.value) for one in form.fields if one.value and one.kind != "fixed"}
    filled = had | values
    for field in form.fields:
        if field.required and field.kind != "fixed" and not any(filled.get(field.name, ())):
            raise CommandError("usage.answer", f"the question needs an answer for: {field.name}")
    return filled


def _fault(field: Field, given: list[str]) -> str:
    """Return why a field can't have these values; nothing if it can."""
    if field.kind in ("hidden", "fixed"):
        return "" if tuple(given) == field.value else "can't be changed: leave it out"
    if len(given) > 1 and not field.kind.endswith("-multi"):
        return f"takes one value, not {len(given)}"
    if field.options and not set(given) <= set(field.options):
        return f"must be one of: {', '.join(field.options)}"
    if field.kind == "boolean" and not set(given) <= _BOOLEANS:
        return "must be true or false"
    if field.kind in ("jid-single", "jid-multi"):
        for one in given:
            try:
                parse_jid(one)
            except ValueError as error:
                return f"must be an address: {error}"
    return ""
