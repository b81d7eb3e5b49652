"""What the bridge promises, as a program sees it that knows nothing of the daemon: one suite.

``test_calls.py`` and ``test_events.py`` know a :class:`~tests.e2e.conformance.sessions.Session`
alone: they are for every transport. ``test_lines.py`` is for those that carry lines, which it
breaks. A transport is added to ``SESSIONS`` in ``sessions.py``: all of the suite is then run over
it as well.
"""
