import pkgutil
import subprocess
import sys

import pytest

import sat.xmpp

MODULES = sorted(f"sat.xmpp.{module.name}" for module in pkgutil.iter_modules(sat.xmpp.__path__))


def loaded(module):
    """Return what a fresh interpreter has loaded after importing a module."""
    code = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", MODULES)
def test_no_module_of_the_wire_installs_a_reactor(module):
    assert "twisted.internet.reactor" not in loaded(module)


@pytest.mark.parametrize("module", ["sat.xmpp.stanza", "sat.xmpp.disco", "sat.xmpp.roster"])
def test_what_plugins_see_knows_no_stream(module):
    found = loaded(module)
    assert not found & {"sat.xmpp.stream", "sat.xmpp.connection", "OpenSSL", "wokkel"}
