"""Run the daemon's programs from a frontend: the same Python, the same code, another process."""

import os
import subprocess
import sys

from sat.bridge.paths import home


def sat_command(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the command line of ``sat ARGUMENTS``, and the environment that it needs."""
    environment = dict(os.environ)
    root_of_home = home().root
    if root_of_home is not None:
        # A relative one means another folder to a program that runs in another folder.
        environment["SAT_HOME"] = root_of_home
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    root = here.removesuffix("/sat/bridge")
    # ``-P``: not from whatever folder a person happens to be in. A tree that is run without being
    # installed is on the path for the same reason that this option takes away.
    if root in {os.path.abspath(one) for one in sys.path[:1]}:  # noqa: PTH100
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{root}{os.pathsep}{known}" if known else root
    return [sys.executable, "-P", "-m", "sat", *arguments], environment


def run_sat(arguments: list[str]) -> tuple[int, str]:
    """Run ``sat ARGUMENTS`` to its end; return its exit code and the last line it complained."""
    command, environment = sat_command(arguments)
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return done.returncode, lines[-1] if lines else ""
