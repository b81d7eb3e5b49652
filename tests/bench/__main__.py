"""Measure all, or what is named: ``python -m tests.bench [commands|daemon|storm|million]…``."""

import sys

from twisted.internet import asyncioreactor

asyncioreactor.install()

from tests.bench import history, startup  # noqa: E402
from tests.bench.report import show  # noqa: E402

ALL = {
    "commands": startup.commands,
    "daemon": startup.daemon,
    "storm": history.storm,
    "million": history.million,
}


def main(names: list[str]) -> int:
    """Print the table; 0 if every aim is met."""
    figures = []
    for name in names or ALL:
        print(f"— {name}", file=sys.stderr, flush=True)
        figures += ALL[name]()
    print(show(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
