"""Sphinx: build with `make doc`, read in build/doc/index.html."""

import re
import sys
from pathlib import Path

_here = Path(__file__).resolve().parent
sys.path.insert(0, str(_here / "api"))
_source = _here.parent / "sat" / "__init__.py"
_version = re.search(r'__version__ = "(.+)"', _source.read_text())
assert _version

project = "Salut à Toi"
author = "the Salut à Toi project"
copyright = "the Salut à Toi project, AGPL-3.0-or-later"
version = release = _version[1]

extensions = ["reference"]
# What has changed is shown where the news of a release are put together, not fragment by fragment.
exclude_patterns = ["news/*.feature.rst", "news/*.fix.rst"]
default_role = "code"
nitpicky = True
html_theme = "alabaster"
html_theme_options = {"description": "One account, every program in step", "fixed_sidebar": True}
html_show_sphinx = False
man_pages = [
    ("man/sat", "sat", "the daemon that holds a person's XMPP accounts", [], 1),
    ("man/jp", "jp", "what Salut à Toi does, from the command line", [], 1),
    ("man/primitivus", "primitivus", "the console of Salut à Toi", [], 1),
    ("man/sat-dbus", "sat-dbus", "what Salut à Toi does, on D-Bus", [], 1),
    ("man/sat-telepathy", "sat-telepathy", "Salut à Toi as a connection manager", [], 1),
]
