"""Rules 12, 22, 25 and 28: what others may set, learn and reach."""

from tests.hostile.guards import Guard

_FORGED = "tests/hostile/test_forged.py"
_BLOCKING = "tests/plugins/test_xep_0191_blocking.py"
_RECEIPTS = "tests/plugins/test_xep_0184_receipts.py"
_VERSION = "tests/plugins/test_xep_0092_version.py"
_UPLOAD = "tests/plugins/test_xep_0363_upload.py"
_VISIBILITY = "tests/backend/test_visibility.py"
_CONTACTS = "tests/backend/test_contacts.py"
_UNIX = "tests/bridge/test_unix.py"
_SESSION = "tests/bridge/test_session.py"
_CLEAN = "tests/frontends/core/test_clean.py"

OTHERS = (
    # ---- 12: what only a server may set
    Guard(
        12,
        "others who block for us",
        "plugins/xep_0191_blocking.py",
        "        if request.from_ is not None and request.from_ != self.jid:\n",
        "        if False:\n",
        (_FORGED, f"{_BLOCKING}::test_a_notice_from_anyone_else_changes_nothing"),
        "blocked or anyone_else",
    ),
    Guard(
        12,
        "a subscription without a question",
        "sat/backend/presence.py",
        "            if not we_asked and not self._live.roster.may_see(tx, bare):\n",
        "            if False:\n",
        (_FORGED, _CONTACTS),
        "subscription",
    ),
    Guard(
        12,
        "a subscription of whom nobody asked",
        "sat/backend/presence.py",
        "        we_asked = self._live.roster.we_asked(bare)\n",
        "        we_asked = True\n",
        (_FORGED, _CONTACTS),
        "subscription",
    ),
    # ---- 22: nothing for strangers
    Guard(
        22,
        "receipts for strangers",
        "plugins/xep_0184_receipts.py",
        "            or not self.host.in_roster(stanza.from_)\n",
        "",
        (_FORGED, f"{_RECEIPTS}::test_nobody_else_gets_one"),
        "receipt or nobody_else",
    ),
    Guard(
        22,
        "a version for strangers",
        "plugins/xep_0092_version.py",
        "        if not known and not self.answer_strangers:\n",
        "        if False:\n",
        (_FORGED, _VERSION),
        "version",
    ),
    Guard(
        22,
        "features for strangers",
        "sat/backend/disco.py",
        "        return visibility.may_see(asking) or self._live.roster.we_asked(asking)\n",
        "        return True\n",
        (_FORGED, "tests/plugins/test_xep_0115_caps.py"),
        "features or told_nothing",
    ),
    Guard(
        22,
        "answers while we are invisible",
        "sat/backend/responder.py",
        "        if live.presences.visibility.may_ask(iq.from_):\n",
        "        if True:\n",
        (_VISIBILITY, _BLOCKING),
    ),
    Guard(
        22,
        "receipts while we are invisible",
        "sat/backend/visibility.py",
        "        return not self.invisible and self._live.roster.sees_us(jid)\n",
        "        return self._live.roster.sees_us(jid)\n",
        (_VISIBILITY, "tests/plugins/test_xep_0333_markers.py"),
    ),
    Guard(
        22,
        "answers for who is blocked",
        "sat/backend/visibility.py",
        "        return not self.blocks(jid) and (not self.invisible or self._is_directed(jid))\n",
        "        return not self.invisible or self._is_directed(jid)\n",
        (_BLOCKING,),
    ),
    Guard(
        22,
        "messages of who is blocked",
        "plugins/xep_0191_blocking.py",
        "        if received and sender is not None and self.host.blocks(sender):\n",
        "        if False:\n",
        (_BLOCKING,),
    ),
    Guard(
        22,
        "a word in private that all in a room read",
        "sat/backend/rooms/talk.py",
        "        if to.resource:\n            return to, MessageType.CHAT, live.bound_jid\n",
        "",
        ("tests/backend/rooms/test_talking.py::test_words_in_private",),
    ),
    # ---- 25: upload
    Guard(
        25,
        "headers that a service may not set",
        "plugins/xep_0363_upload.py",
        "            if name.lower() in _HEADERS:\n",
        "            if name:\n",
        (f"{_UPLOAD}::test_headers_are_only_those_that_may_be",),
    ),
    Guard(
        25,
        "a slot that is not https",
        "plugins/xep_0363_upload.py",
        'if not url.startswith(schemes) or not url.isascii() or set(url) & set(" \\r\\n"):',
        'if not url.isascii() or set(url) & set(" \\r\\n"):',
        (f"{_UPLOAD}::test_a_slot_elsewhere_is_refused",),
    ),
    Guard(
        25,
        "a slot of two lines",
        "plugins/xep_0363_upload.py",
        'or not url.isascii() or set(url) & set(" \\r\\n"):',
        "or not url.isascii():",
        (f"{_UPLOAD}::test_a_slot_elsewhere_is_refused",),
    ),
    Guard(
        25,
        "a file that is too large for the service",
        "plugins/xep_0363_upload.py",
        "        if limit is not None and source.size > limit:\n",
        "        if False:\n",
        (f"{_UPLOAD}::test_too_large_is_told_before_anything_is_asked",),
    ),
    # ---- 28: the bridge
    Guard(
        28,
        "a socket that all may open",
        "bridge/unix.py",
        "mode=0o600, reactor=reactor)\n    before = os.umask(0o177)\n",
        "mode=0o666, reactor=reactor)\n    before = os.umask(0)\n",
        (f"{_UNIX}::test_the_socket_is_its_owners_alone",),
    ),
    Guard(
        28,
        "another user",
        "bridge/unix.py",
        "        if peer_uid(self._socket) != os.getuid():\n",
        "        if False:\n",
        (f"{_UNIX}::test_nobody_else_is_let_in",),
    ),
    Guard(
        28,
        "a frontend that is somebody else's daemon",
        "bridge/blocking.py",
        "    if uid != os.geteuid():\n",
        "    if False:\n",
        ("tests/bridge/test_blocking.py::test_another_users_daemon_is_not_asked",),
    ),
    Guard(
        28,
        "a line without end",
        "bridge/lines.py",
        "            if self._size > self.max_line:\n",
        "            if False:\n",
        (f"{_UNIX}::test_a_line_over_the_limit_ends_the_session_with_a_sentence",),
    ),
    Guard(
        28,
        "calls without end",
        "bridge/session.py",
        "        if self._running >= _MAX_RUNNING:\n",
        "        if False:\n",
        (f"{_SESSION}::test_of_many_calls_at_once_no_more_are_read",),
    ),
    Guard(
        28,
        "a frontend that reads nothing",
        "bridge/subscription.py",
        "        if len(self._behind) >= _MAX_BEHIND:\n",
        "        if False:\n",
        ("tests/bridge/test_subscription.py::test_of_too_many_values_the_latest_are_told",),
    ),
    Guard(
        28,
        "control characters in a terminal",
        "frontends/core/clean.py",
        "_DROPPED: dict[int, str | None] = dict.fromkeys((*_CONTROLS, *_BIDI, 0xFEFF))",
        "_DROPPED: dict[int, str | None] = dict.fromkeys((*_BIDI, 0xFEFF))",
        (_CLEAN,),
    ),
    Guard(
        28,
        "words in another order than they are read",
        "frontends/core/clean.py",
        "_DROPPED: dict[int, str | None] = dict.fromkeys((*_CONTROLS, *_BIDI, 0xFEFF))",
        "_DROPPED: dict[int, str | None] = dict.fromkeys((*_CONTROLS, 0xFEFF))",
        (_CLEAN,),
    ),
)
