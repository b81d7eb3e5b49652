"""The calls ``plugin.*``."""

from __future__ import annotations

from sat.backend.loader import Loader, PluginFault
from sat.bridge.command import command
from sat.bridge.errors import CommandError
from sat.bridge.model import Level, PluginInfo


class PluginCalls:
    """Looking at plugins, and loading and unloading them while the daemon runs."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    @command("plugin.list", level=Level.READ, per_profile=False)
    async def all(self) -> list[PluginInfo]:
        """Return all plugins that were found, loaded or not."""
        return self._loader.infos

    @command("plugin.load", level=Level.ADMIN, per_profile=False)
    async def load(self, name: str) -> PluginInfo:
        """Load a plugin, and those which it requires.

        :param name: its name
        :raises unknown.plugin: if there is none
        :raises failed.plugin: if it can't be loaded
        """
        self._loader.look()
        try:
            info = self._loader.load(name)
        except KeyError:
            raise _unknown(name) from None
        if info.state == "failed":
            raise CommandError("failed.plugin", f"the plugin {name}: {info.sentence}")
        return info

    @command("plugin.unload", level=Level.ADMIN, per_profile=False)
    async def unload(self, name: str) -> PluginInfo:
        """Unload a plugin, until it is loaded again or the daemon starts anew.

        :param name: its name
        :raises unknown.plugin: if there is none
        :raises failed.plugin: if another one requires it
        """
        try:
            return self._loader.unload(name)
        except KeyError:
            raise _unknown(name) from None
        except PluginFault as error:
            raise CommandError("failed.plugin", str(error)) from None


def _unknown(name: str) -> CommandError:
    return CommandError("unknown.plugin", f"there is no plugin {name}; see: jp plugin list")
