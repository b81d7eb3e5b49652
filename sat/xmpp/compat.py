"""Lets wokkel 18 be imported with Twisted 24.7 and later: import this module before it.

wokkel wants names that Twisted has dropped since: ``_PY3``, ``unicode``, ``StringType``,
``iteritems`` and ``itervalues`` of ``twisted.python.compat``, and the module
``twisted.python.constants``, which is now the package ``constantly``. They are put back, and the
warnings about them are silenced for wokkel alone.
"""

from __future__ import annotations

import sys
import warnings

import constantly  # type: ignore[import-untyped, unused-ignore]
import twisted.python.compat as _compat

_NAMES: dict[str, object] = {
    "_PY3": True,
    "unicode": str,
    "StringType": str,
    "iteritems": lambda mapping: iter(mapping.items()),
    "itervalues": lambda mapping: iter(mapping.values()),
}


def _put_back() -> None:
    warnings.filterwarnings(
        "ignore",
        message=r"twisted\.python\.compat\.\w+ was deprecated",
        category=DeprecationWarning,
        module=r"wokkel\.",
    )
    known = vars(_compat)
    for name, value in _NAMES.items():
        if name not in known:
            setattr(_compat, name, value)
    sys.modules.setdefault("twisted.python.constants", constantly)


_put_back()
