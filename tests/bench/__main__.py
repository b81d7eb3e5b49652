"""Measure all, or what is named: ``python -m tests.bench [NAME]…``; ``bridge``: all of its own."""

import sys

from twisted.internet import asyncioreactor

asyncioreactor.install()

from tests.bench import bridge, console, history, startup, traffic, wire  # noqa: E402
from tests.bench.report import show  # noqa: E402

ALL = {
    "commands": startup.commands,
    "daemon": startup.daemon,
    "storm": history.storm,
    "million": history.million,
    "console": console.console,
}
XMPP = {
    "receive": traffic.receive,
    "send": traffic.send,
    "catch-up": wire.catch_up,
    "roster": wire.roster,
    "profiles": wire.profiles,
}
BRIDGE = {
    "echo": bridge.echo,
    "fan-out": bridge.fan_out,
    "attaching": bridge.attaching,
    "stuck": bridge.stuck,
}
GROUPS = {"xmpp": XMPP, "bridge": BRIDGE}


def main(names: list[str]) -> None:
    """Print the table."""
    figures = []
    known = ALL | XMPP | BRIDGE
    wanted = [one for name in names for one in GROUPS.get(name, (name,))]
    for name in wanted or known:
        print(f"— {name}", file=sys.stderr, flush=True)
        figures += known[name]()
    print(show(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
