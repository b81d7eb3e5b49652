"""The plugins of one profile: their instances, and the handlers they have at this moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sat.backend.plugin_services import PluginServices
from sat.bridge.errors import CommandError
from sat.bridge.model import Message as StoredMessage
from sat.plugin import (
    JID,
    Element,
    Identity,
    Incoming,
    Iq,
    Mark,
    Message,
    NotConnected,
    Plugin,
    Presence,
    Published,
    Read,
    Stage,
    StanzaError,
)

if TYPE_CHECKING:
    from sat.backend.live import LiveProfile
    from sat.xmpp.connection import Features


_STAGE_KEYS = {stage: f"message {stage.name}" for stage in Stage}


@dataclass(frozen=True, slots=True)
class _Handler:
    plugin: str
    attribute: str
    mark: Mark
    function: Callable[..., Any]


class PluginHost:
    """Runs the plugins of one profile, and keeps their faults from everything else."""

    def __init__(self, live: LiveProfile) -> None:
        self._live = live
        self._plugins: dict[str, Plugin] = {}
        self._hosts: dict[str, PluginServices] = {}
        self._handlers: dict[str, list[_Handler]] = {}
        #: Those of several stages, as long as no plugin comes or goes.
        self._in_order: dict[Sequence[Stage], tuple[_Handler, ...]] = {}
        self._requests: dict[tuple[str, str | None, str], _Handler] = {}
        self._offered: frozenset[str] = frozenset()

    def add(self, kind: type[Plugin], marks: Sequence[tuple[str, Mark]]) -> None:
        """Make the profile's instance of a plugin, and begin to use its handlers.

        :param marks: the plugin's marked handlers, by attribute
        """
        host = PluginServices(self._live, kind)
        plugin = kind(host)
        self._hosts[kind.name] = host
        self._plugins[kind.name] = plugin
        for attribute, mark in marks:
            handler = _Handler(kind.name, attribute, mark, getattr(plugin, attribute))
            if mark.kind == "iq":
                self._take_requests(handler)
            elif mark.kind == "question":
                questions = self._live.questions.of_plugins
                questions.handle(kind.name, mark.key[0], attribute, handler.function)
            else:
                self._handlers.setdefault(self._key(mark), []).append(handler)
                self._in_order.clear()
        plugin.load()
        if self._live.online:
            self._guard(kind.name, "connected", plugin.connected)

    def remove(self, name: str) -> None:
        """Take back all that a plugin has, and forget its instance; its questions stay."""
        self._live.questions.of_plugins.forget(name)
        plugin = self._plugins.pop(name, None)
        host = self._hosts.pop(name, None)
        self._requests = {
            key: handler for key, handler in self._requests.items() if handler.plugin != name
        }
        for key, handlers in list(self._handlers.items()):
            self._handlers[key] = [one for one in handlers if one.plugin != name]
        self._in_order.clear()
        if plugin is not None:
            self._guard(name, "unload", plugin.unload)
        if host is not None:
            host.close()

    def unload(self, name: str) -> None:
        """Take back all that a plugin has, and what it asked the person."""
        self._live.questions.of_plugins.withdraw_all(name)
        self.remove(name)

    def close(self) -> None:
        """Take back all that every plugin has: the profile is not at work any more."""
        for name in reversed(list(self._plugins)):
            self.remove(name)

    def get(self, name: str) -> Plugin:
        """Return the instance of a plugin.

        :raises CommandError: ``failed.plugin`` if this profile could not load it
        """
        if name not in self._plugins:
            raise CommandError(
                "failed.plugin", f"the plugin {name} could not be loaded for {self._live.name}"
            )
        return self._plugins[name]

    # ---- what plugins say of the profile

    def features(self) -> list[str]:
        """Return all features that plugins advertise, and the nodes they want to be told of."""
        wanting = (*self._handlers.get("personal", ()), *self._handlers.get("contact", ()))
        nodes = [handler.mark.key[0] for handler in wanting]
        features = [f"{node}+notify" for node in nodes]
        for name, plugin in self._plugins.items():
            self._guard(name, "advertised", _add_advertised, plugin, features)
        return features

    def identities(self) -> list[Identity]:
        """Return the identities that plugins add."""
        return [one for plugin in self._plugins.values() for one in plugin.identities]

    def is_own_node(self, node: str) -> bool:
        """Tell whether a disco node is one of ours."""
        return any(node in host.nodes for host in self._hosts.values())

    # ---- what happens

    def connected(self, features: Features) -> None:
        """Tell plugins that a stream has begun, and what the server offers on it."""
        self._offered = frozenset(namespace for namespace, _ in features.names)
        for name, plugin in list(self._plugins.items()):
            self._guard(name, "connected", plugin.connected)

    def resumed(self) -> None:
        """Tell plugins that the stream goes on, over another connection."""
        for name, plugin in list(self._plugins.items()):
            self._guard(name, "resumed", plugin.resumed)

    def attention_changed(self) -> None:
        """Tell plugins that somebody may have begun or ceased to look at the profile."""
        for name, plugin in list(self._plugins.items()):
            self._guard(name, "attention_changed", plugin.attention_changed)

    def offers(self, namespace: str) -> bool:
        """Tell whether the server offers a feature on the present stream, or did on the last."""
        return namespace in self._offered

    def answer(self, iq: Iq) -> Awaitable[Element | None] | None:
        """Let a plugin answer a request; None if none does."""
        payload = iq.payload
        if payload is None:
            return None
        handler = self._requests.get((iq.type, payload.uri, payload.name))
        return self._answer(handler, iq) if handler is not None else None

    async def _answer(self, handler: _Handler, iq: Iq) -> Element | None:
        try:
            answer: Element | None = await handler.function(iq)
        except (StanzaError, NotConnected):
            raise
        except Exception as error:
            self._live.core.plugins.fault(handler.plugin, handler.attribute, error)
            raise StanzaError("internal-server-error") from error
        return answer

    def _take_requests(self, handler: _Handler) -> None:
        other = self._requests.setdefault(handler.mark.key, handler)
        if other is not handler:
            raise ValueError(f"the plugin {other.plugin} answers {handler.mark.key} already")

    def message(
        self, stages: Sequence[Stage], incoming: Incoming
    ) -> Generator[Awaitable[None], None, None]:
        """Let plugins take part in stages, in turn; yields what has to be waited for."""
        looked_at: Message | None = None
        for handler in self._in_stages(stages):
            namespace = handler.mark.key[1]
            if namespace is not None:
                # A handler may have put another stanza in the place of the one that came.
                if incoming.stanza is not looked_at:
                    looked_at = incoming.stanza
                    present = {extension.uri for extension in looked_at.extensions}
                if namespace not in present:
                    continue
            try:
                result = handler.function(incoming)
                if result is not None:
                    yield result
            except NotConnected:
                continue  # what it would have sent is of no use to the next stream
            except Exception as error:
                self._live.core.plugins.fault(handler.plugin, handler.attribute, error)
            if incoming.dropped:
                return

    def concerned(self, stages: Sequence[Stage], stanza: Message) -> bool:
        """Tell whether a plugin may take part in stages of a message: rather yes than no."""
        present: list[str | None] | None = None
        for handler in self._in_stages(stages):
            namespace = handler.mark.key[1]
            if namespace is None:
                return True
            if present is None:
                present = [extension.uri for extension in stanza.extensions]
            if namespace in present:
                return True
        return False

    def _in_stages(self, stages: Sequence[Stage]) -> Sequence[_Handler]:
        found = self._in_order.get(stages)
        if found is None:
            found = self._in_order[stages] = tuple(
                handler
                for stage in stages
                for handler in self._handlers.get(_STAGE_KEYS[stage], ())
            )
        return found

    def presence(self, stanza: Presence) -> None:
        """Let plugins see a presence."""
        self._run("presence", stanza)

    def outgoing_message(self, stanza: Message, stored: StoredMessage) -> None:
        """Let plugins add to a message."""
        self._run("outgoing_message", stanza, stored)

    def outgoing_presence(self, stanza: Presence) -> None:
        """Let plugins add to our presence."""
        self._run("outgoing_presence", stanza)

    def conversation_read(self, read: Read) -> None:
        """Let plugins know what the person has looked at."""
        self._run("read", read)

    def published(self, event: Published) -> None:
        """Let plugins know what another program of the account published."""
        for handler in self._handlers.get("personal", ()):
            if handler.mark.key == (event.node,):
                self._guard(handler.plugin, handler.attribute, handler.function, event)

    def published_by(self, sender: JID, event: Published) -> None:
        """Let plugins know what a contact published, or the account itself."""
        for handler in self._handlers.get("contact", ()):
            if handler.mark.key == (event.node,):
                self._guard(handler.plugin, handler.attribute, handler.function, sender, event)

    def file_methods(self) -> list[tuple[str, Callable[..., Awaitable[str]]]]:
        """Return the ways to send a file, the best first, each with its plugin's name."""
        handlers = sorted(
            self._handlers.get("file", ()), key=lambda one: one.mark.key[0], reverse=True
        )
        return [(handler.plugin, handler.function) for handler in handlers]

    def _run(self, kind: str, *arguments: object) -> None:
        for handler in self._handlers.get(kind, ()):
            # As in _guard, of which a call for each costs as much as what most of them do.
            try:
                handler.function(*arguments)
            except NotConnected:
                continue
            except Exception as error:
                self._live.core.plugins.fault(handler.plugin, handler.attribute, error)

    def _guard(
        self, plugin: str, what: str, function: Callable[..., Any], *arguments: object
    ) -> None:
        try:
            function(*arguments)
        except NotConnected:
            return
        except Exception as error:
            self._live.core.plugins.fault(plugin, what, error)

    def _key(self, mark: Mark) -> str:
        return _STAGE_KEYS[mark.key[0]] if mark.kind == "message" else mark.kind


def _add_advertised(plugin: Plugin, features: list[str]) -> None:
    features.extend(plugin.advertised())
