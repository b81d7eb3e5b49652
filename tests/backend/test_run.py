"""The daemon's process."""

import subprocess
import sys

import pytest

# The wall clock is set while timers wait; asyncio's own clock does the setting.
SCRIPT = """
import time
from twisted.python import runtime

offset = 0.0
runtime.seconds = lambda: time.time() + offset  # before the reactor binds it

from sat.backend.run import install_reactor

reactor = install_reactor()
began = time.monotonic()

def jump():
    global offset
    offset = {jump}
    reactor.callLater(0, int)  # something else happens meanwhile

def begin():
    reactor.callLater(0.6, lambda: print(round(time.monotonic() - began, 1)))
    loop = reactor._asyncioEventloop
    loop.call_later(0.2, jump)
    loop.call_later(1.2, reactor.stop)

reactor.callWhenRunning(begin)
reactor.run()
"""


@pytest.mark.parametrize("jump", [0, 3600, -3600])
def test_timers_do_not_follow_the_wall_clock(jump):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(jump=jump)], capture_output=True, text=True, timeout=20
    )
    assert (done.stdout, done.stderr) == ("0.6\n", "")
