"""Finding plugins, loading them, unloading them, and telling of their faults.

They come from ``sat.plugins``, from other distributions (entry points of the group ``sat.plugins``)
and from the user's plugin folder, which is looked at every second: a file that is dropped there is
loaded, one that changes is loaded anew, one that is gone is unloaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

import msgspec
from twisted.logger import Logger

from sat.bridge.command import CommandSpec, commands_of
from sat.bridge.events import Event
from sat.bridge.model import PluginInfo
from sat.plugin import MARK, Mark, Option, Plugin

_log = Logger("sat.plugins")
_GROUP = "sat.plugins"
#: By name: no part of the daemon imports a plugin, so that any of them may be missing.
_BUILT_IN = "sat.plugins"
_USER_MODULE = "sat_user_plugins"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a plugin comes from: ``load`` imports it anew."""

    where: str
    load: Callable[[], type[Plugin]]


@dataclass(slots=True)
class Loaded:
    """A plugin's class with what was read from it once."""

    kind: type[Plugin]
    marks: list[tuple[str, Mark]]
    specs: list[CommandSpec]
    options: dict[str, Option[bool] | Option[int] | Option[float] | Option[str]]


@dataclass(slots=True)
class _Known:
    source: Source
    info: PluginInfo
    loaded: Loaded | None = None
    stamp: tuple[int, int] | None = None
    path: Path | None = None
    #: The class as it was just imported; a later load imports anew.
    fresh: type[Plugin] | None = None


class PluginFault(Exception):
    """Why a plugin can't be loaded, for people."""


class Loader:
    """All plugins that are known, loaded or not.

    :param folder: the user's plugin folder; it need not exist
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, _Known] = {}
        self._on_load: Callable[[Loaded], None] = lambda loaded: None
        self._on_unload: Callable[[Loaded], None] = lambda loaded: None
        self._tell: Callable[[str, PluginInfo], None] = lambda what, info: None

    def attach(
        self,
        on_load: Callable[[Loaded], None],
        on_unload: Callable[[Loaded], None],
        tell: Callable[[str, PluginInfo], None],
    ) -> None:
        """Let the daemon take plugins into use.

        :param on_load: makes a plugin's commands, options and instances; may raise
        :param on_unload: takes them back
        :param tell: is told of each change: ``loaded``, ``unloaded`` or ``failed``
        """
        self._on_load, self._on_unload, self._tell = on_load, on_unload, tell

    @property
    def infos(self) -> list[PluginInfo]:
        """What is known of each plugin, by name."""
        return [self._known[name].info for name in sorted(self._known)]

    @property
    def loaded(self) -> list[Loaded]:
        """The plugins that are loaded, those that are required first."""
        return [known.loaded for known in self._known.values() if known.loaded is not None]

    def events(self) -> list[type[Event]]:
        """Return the events of all loaded plugins."""
        return [event for loaded in self.loaded for event in loaded.kind.events]

    def load_all(self) -> None:
        """Load what comes with the daemon, with other distributions, and from the user's folder."""
        found = [self._read(source, None) for source in _built_in() + _distributed()]
        found += [self._read(_from_file(path), path) for path in self._files()]
        for name in found:
            if name is not None:
                self.load(name)

    def load(self, name: str) -> PluginInfo:
        """Load a plugin, and before it those which it requires; harmless if it is loaded.

        What goes wrong is in the result: state ``failed`` and a sentence.

        :raises KeyError: if there is no such plugin
        """
        return self._load(name, ())

    def unload(self, name: str) -> PluginInfo:
        """Unload a plugin.

        :raises KeyError: if there is no such plugin
        :raises PluginFault: if a loaded plugin requires it
        """
        known = self._known[name]
        users = [one.kind.name for one in self.loaded if name in one.kind.requires]
        if users:
            raise PluginFault(f"{', '.join(users)} requires {name}: unload it first")
        self._take_back(known)
        self._note(known, "unloaded", "")
        return known.info

    def look(self) -> None:
        """Look at the user's folder, and follow what has changed there."""
        present = {path: _stamp(path) for path in self._files()}
        for name, known in list(self._known.items()):
            if known.path is not None and present.get(known.path) != known.stamp:
                self._forget(name)
        seen = {known.path for known in self._known.values()}
        found = [self._read(_from_file(path), path) for path in present if path not in seen]
        for new in found:
            if new is not None:
                self.load(new)
        if found:
            self._retry()

    def fault(self, name: str, what: str, error: BaseException) -> None:
        """Note that a plugin's handler raised: it stays loaded, and ``sat status`` tells."""
        known = self._known.get(name)
        if known is None:
            return
        # What a stranger sends may be in the error's own words: told once a kind, not each time.
        kind = f"its handler {what} raised {type(error).__name__}"
        sentence = f"its handler {what} raised {_short(error)}"
        if not known.info.sentence.startswith(kind):
            _log.error(
                "plugin {name}: {sentence}\n{trace}",
                name=name,
                sentence=sentence,
                trace=_where(error),
            )
            known.info = _replace(known.info, sentence=sentence)
            self._tell("failed", known.info)

    def _load(self, name: str, path: tuple[str, ...]) -> PluginInfo:
        known = self._known[name]
        if known.loaded is not None:
            return known.info
        if name in path:
            raise PluginFault(f"it requires itself: {' > '.join((*path, name))}")
        try:
            kind, known.fresh = known.fresh or known.source.load(), None
            loaded = examine(kind)
            for required in loaded.kind.requires:
                if required not in self._known:
                    raise PluginFault(f"it requires {required}, which is not there")
                if self._load(required, (*path, name)).state != "loaded":
                    raise PluginFault(f"it requires {required}, which could not be loaded")
            # In the order in which they are used: the required ones are in the table before it.
            self._known[name] = self._known.pop(name)
            known.loaded = loaded
            self._on_load(loaded)
        except (Exception, SystemExit) as error:
            if known.loaded is not None:
                self._take_back(known)
            trace = "" if isinstance(error, PluginFault) else _where(error)
            _log.error(
                "plugin {name}: {error}\n{trace}", name=name, error=_short(error), trace=trace
            )
            self._note(known, "failed", f"it could not be loaded: {_short(error)}")
            return known.info
        self._note(known, "loaded", "")
        return known.info

    def _retry(self) -> None:
        """Load what failed because it requires a plugin that is there by now."""
        for name, known in list(self._known.items()):
            required = [self._known.get(other) for other in known.info.requires]
            ready = all(other is not None and other.loaded is not None for other in required)
            if known.info.state == "failed" and required and ready:
                self.load(name)

    def _read(self, source: Source, path: Path | None) -> str | None:
        """Import a plugin to learn its name; one that can't be goes by its file's name."""
        stamp = _stamp(path) if path is not None else None
        try:
            kind = source.load()
        except (Exception, SystemExit) as error:
            known = self._nameless(source, stamp, path)
            _log.error("plugin {name}: {trace}", name=known.info.name, trace=_where(error))
            self._note(known, "failed", f"it could not be loaded: {_short(error)}")
            return None
        if kind.name in self._known and self._known[kind.name].path != path:
            other = self._known[kind.name].source.where
            known = self._nameless(source, stamp, path)
            self._note(known, "failed", f"its name {kind.name} is taken by {other}")
            return None
        info = PluginInfo(
            name=kind.name,
            version=kind.version,
            summary=(inspect.getdoc(kind) or "").partition("\n")[0],
            source=source.where,
            state="unloaded",
            requires=kind.requires,
            features=kind.features,
        )
        self._known[kind.name] = _Known(source, info, None, stamp, path, kind)
        return kind.name

    def _nameless(self, source: Source, stamp: tuple[int, int] | None, path: Path | None) -> _Known:
        """Take up what can't have the name that it says by that of its file, if that is free."""
        name = path.stem if path is not None else source.where
        if name in self._known:
            name = source.where
        info = PluginInfo(name=name, source=source.where)
        known = self._known[name] = _Known(source, info, None, stamp, path)
        return known

    def _forget(self, name: str) -> None:
        known = self._known[name]
        for user in [one.kind.name for one in self.loaded if name in one.kind.requires]:
            self._take_back(self._known[user])
            self._note(self._known[user], "failed", f"it requires {name}, which is gone")
        was_loaded = known.loaded is not None
        self._take_back(known)
        del self._known[name]
        if was_loaded:
            self._tell("unloaded", _replace(known.info, state="unloaded", sentence=""))

    def _take_back(self, known: _Known) -> None:
        loaded, known.loaded = known.loaded, None
        if loaded is not None:
            self._on_unload(loaded)

    def _note(self, known: _Known, state: str, sentence: str) -> None:
        known.info = _replace(known.info, state=state, sentence=sentence)
        self._tell(state, known.info)

    def _files(self) -> list[Path]:
        try:
            return sorted(
                path for path in self._folder.glob("*.py") if not path.name.startswith(("_", "."))
            )
        except OSError:
            return []


def examine(kind: type[Plugin]) -> Loaded:
    """Read a plugin's class: its handlers, commands and options.

    :raises PluginFault: if it breaks a rule that can be told
    :raises TypeError: if a type of a command can't cross the bridge
    """
    marks = [
        (attribute, mark)
        for attribute, function in inspect.getmembers(kind, inspect.isfunction)
        if isinstance(mark := getattr(function, MARK, None), Mark)
    ]
    options = {
        f"{kind.name}.{attribute}": value
        for attribute, value in vars(kind).items()
        if isinstance(value, Option)
    }
    return Loaded(kind, marks, commands_of(kind, kind.name), options)


def _built_in() -> list[Source]:
    package = importlib.util.find_spec(_BUILT_IN)
    folders = package.submodule_search_locations if package is not None else None
    names = sorted(module.name for module in pkgutil.iter_modules(folders or []))
    return [_from_module(f"{_BUILT_IN}.{name}") for name in names]


def _distributed() -> list[Source]:
    return [
        Source(f"{point.name} ({point.value})", partial(_from_point, point))
        for point in entry_points(group=_GROUP)
    ]


def _from_point(point: EntryPoint) -> type[Plugin]:
    return _plugin_in(point.load())


def _from_module(name: str) -> Source:
    def load() -> type[Plugin]:
        sys.modules.pop(name, None)
        return _plugin_in(importlib.import_module(name))

    return Source(name, load)


def _from_file(path: Path) -> Source:
    def load() -> type[Plugin]:
        name = f"{_USER_MODULE}.{path.stem}"
        # From the text itself: a cached bytecode of the same second would hide a change.
        spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        module.__file__ = str(path)
        sys.modules[name] = module
        try:
            code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
            exec(code, module.__dict__)  # noqa: S102 - the user's own file, as any import
        except BaseException:
            del sys.modules[name]
            raise
        return _plugin_in(module)

    return Source(str(path), load)


def _plugin_in(module: ModuleType | type[Plugin]) -> type[Plugin]:
    if isinstance(module, type):
        return _checked(module)
    found = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Plugin)
        and kind is not Plugin
        and kind.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise PluginFault(
            f"a plugin's file defines one class derived from Plugin, not {len(found)}"
        )
    return _checked(found[0])


def _checked(kind: type[Plugin]) -> type[Plugin]:
    if not isinstance(kind.name, str) or not kind.name.isidentifier():
        raise PluginFault(f"its name {kind.name!r} is no word of letters, digits and _")
    for attribute in ("requires", "features"):
        if isinstance(getattr(kind, attribute), str):
            text = getattr(kind, attribute)
            raise PluginFault(f"its {attribute} must be a tuple: write ({text!r},) with a comma")
    return kind


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _short(error: BaseException) -> str:
    return str(error) if isinstance(error, PluginFault) else f"{type(error).__name__}: {error}"


def _where(error: BaseException) -> str:
    """Return the end of a traceback: enough to find the line, not a page."""
    lines = traceback.format_exception(type(error), error, error.__traceback__, limit=-3)
    return "".join(lines).rstrip()


def _replace(info: PluginInfo, **fields: object) -> PluginInfo:
    return msgspec.structs.replace(info, **fields)
