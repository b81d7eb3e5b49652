import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["data_form", "disco", "muc", "pubsub"])
def test_wokkel_imports_without_a_warning(module):
    # A process of its own: what is put back stays for the whole interpreter.
    code = f"import sat.xmpp.compat, wokkel.{module}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_other_uses_of_the_old_names_still_warn():
    code = "import sat.xmpp.compat; from twisted.python.compat import unicode"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=30
    )
    assert "DeprecationWarning" in done.stderr
