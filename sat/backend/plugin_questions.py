"""What plugins ask the person: stored with the core's questions, and taken back with the plugin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from twisted.logger import Logger

from sat.backend.schema import Prepared
from sat.backend.transaction import Transaction
from sat.bridge.errors import CommandError
from sat.xmpp.stanza import JID, NotConnected, parse_jid

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile
    from sat.backend.questions import Questions
    from sat.bridge.model import Form

Answered = Callable[["JID | None", dict[str, list[str]]], Awaitable[None]]

_log = Logger("sat.questions")
_COUNT = Prepared("SELECT count(*) FROM question WHERE profile_id = :profile_id AND kind = :kind")
#: Questions of one kind that wait at once: nobody answers more.
_MAX_OPEN = 100


class AnswerLostError(CommandError):
    """An answer that its plugin could not take in: it is asked again."""


class PluginQuestions:
    """The questions that the plugins of one profile ask."""

    def __init__(self, live: LiveProfile, questions: Questions) -> None:
        self._live = live
        self._questions = questions
        #: The kinds of each plugin, as the bridge names them.
        self._kinds: dict[str, set[str]] = {}

    def handle(self, plugin: str, kind: str, attribute: str, function: Answered) -> None:
        """Let a plugin's handler take the answers to its questions of a kind."""
        name = f"{plugin}.{kind}"
        self._kinds.setdefault(plugin, set()).add(name)
        act = partial(self._answered, plugin, attribute, function)
        # Whether it needs a stream is the plugin's to know: then the question comes again.
        self._questions.handle(name, act, offline=True)

    async def _answered(
        self,
        plugin: str,
        attribute: str,
        function: Answered,
        peer: str | None,
        values: dict[str, list[str]],
    ) -> None:
        try:
            await function(parse_jid(peer) if peer is not None else None, values)
        except (CommandError, NotConnected):
            raise
        except Exception as error:
            self._live.core.plugins.fault(plugin, attribute, error)
            raise AnswerLostError(
                "failed.plugin",
                f"the plugin {plugin} failed to take the answer, by a fault of its own: it is "
                "asked again",
            ) from error

    async def ask(
        self, plugin: str, kind: str, sentence: str, form: Form, peer: JID | None
    ) -> None:
        """Ask, unless the same is asked already: see :meth:`sat.plugin.Host.ask`."""
        name = self._name(plugin, kind)

        def ask(tx: Transaction) -> None:
            row = tx.first(_COUNT, profile_id=self._live.id, kind=name)
            if row is not None and row[0] >= _MAX_OPEN:
                raise CommandError(
                    "failed.limit", f"{row[0]} questions of {plugin} wait already: answer some"
                )
            self._questions.ask(tx, name, _text(peer), sentence, form)

        await self._live.core.journal.commit(ask)

    async def withdraw(self, plugin: str, kind: str, peer: JID | None) -> bool:
        """Take a question back: see :meth:`sat.plugin.Host.withdraw`."""
        name = self._name(plugin, kind)
        return await self._live.core.journal.commit(
            lambda tx: self._questions.withdraw(tx, name, _text(peer)), wait=True
        )

    def withdraw_all(self, plugin: str) -> None:
        """Take back all that a plugin asked: it is unloaded, and nobody would hear the answer."""
        kinds = sorted(self._kinds.get(plugin, ()))
        if not kinds:
            return

        def withdraw(tx: Transaction) -> None:
            for name in kinds:
                self._questions.close_all(tx, name)

        done = self._live.core.journal.commit(withdraw, wait=True)
        done.addErrback(lambda failure: _log.failure("withdrawing failed", failure=failure))

    def forget(self, plugin: str) -> None:
        """Let a plugin take no more answers; its questions stay for when it is there again."""
        for name in self._kinds.pop(plugin, ()):
            self._questions.forget(name)

    def _name(self, plugin: str, kind: str) -> str:
        name = f"{plugin}.{kind}"
        if name not in self._kinds.get(plugin, ()):
            raise ValueError(f"no handler of {plugin} is marked with question({kind!r})")
        return name


def _text(peer: JID | None) -> str | None:
    return str(peer.full()) if peer is not None else None
