"""Rules 1 to 3: nothing is lost and nothing doubled, whatever becomes of a stream or a process."""

from tests.hostile.guards import Guard

_SESSIONS = "tests/backend/test_sessions.py"
_RESUMPTION = "tests/xmpp/test_resumption.py"
_MANAGEMENT = "tests/xmpp/test_management.py"
_SENDING = "tests/backend/test_sending.py"
_ARCHIVE = "tests/backend/test_archive.py"

SESSIONS = (
    # ---- 1: a stream is resumed
    Guard(
        1,
        "what a cut stream took with it",
        "sat/xmpp/management.py",
        "        for stanza in self._kept:\n            self._write(stanza)\n",
        "        return\n",
        (f"{_RESUMPTION}::test_what_was_lost_on_the_way_is_written_again_and_nothing_else",),
    ),
    Guard(
        1,
        "what the server has, written again",
        "sat/xmpp/management.py",
        "        for _ in range(min(moved, len(self._kept))):\n            self._kept.popleft()\n",
        "",
        (f"{_RESUMPTION}::test_what_was_lost_on_the_way_is_written_again_and_nothing_else",),
    ),
    Guard(
        1,
        "stanzas that the server sends twice",
        "sat/xmpp/management.py",
        "        if self._last <= self.received:\n            return None\n",
        "",
        (f"{_RESUMPTION}::test_what_the_server_sends_again_comes_once_each",),
    ),
    # ---- 2: it isn't resumed
    Guard(
        2,
        "sending again what the archive has",
        "sat/backend/archive.py",
        "        caught_up = await self._try()\n",
        "        caught_up = True\n",
        (f"{_ARCHIVE}::test_a_message_found_there_has_arrived_and_another_is_sent_again",),
    ),
    Guard(
        2,
        "doubles that nobody was told of",
        "sat/backend/outbox.py",
        "                    if not known(stored.message.peer):\n",
        "                    if False:\n",
        (
            f"{_ARCHIVE}::test_an_archive_that_keeps_nothing_of_a_peer_tells_nothing",
            f"{_SESSIONS}::test_what_nobody_can_tell_is_sent_again_and_marked",
        ),
    ),
    Guard(
        2,
        "a count of more than was sent",
        "sat/xmpp/management.py",
        "        if moved > self.written - self.acknowledged:\n",
        "        if False:\n",
        (_MANAGEMENT, f"{_RESUMPTION}::test_impossible_count_ends_the_session"),
    ),
    Guard(
        2,
        "counts that begin anew at 2^32",
        "sat/xmpp/management.py",
        "        moved = (h - self.acknowledged) % WRAP\n",
        "        moved = h - self.acknowledged\n",
        (f"{_MANAGEMENT}::test_counts_wrap",),
    ),
    Guard(
        2,
        "a message at which the server hangs up each time",
        "sat/backend/delivery.py",
        "    if extra.attempts >= _MAX_ATTEMPTS:\n",
        "    if False:\n",
        (f"{_SENDING}::test_three_stream_errors_fail_a_message_and_the_queue_moves_on",),
    ),
    # ---- 3: killed
    Guard(
        3,
        "a message on the wire of which the disk knows nothing",
        "sat/backend/outbox.py",
        "            new.number, new.state = place.number, MessageState.SENT\n",
        "            new.number, new.state = None, MessageState.SENT\n",
        (f"{_SENDING}::test_a_message_is_numbered_on_disk_before_it_is_written",),
    ),
    Guard(
        3,
        "what had waited, on the wire, of which the disk knows nothing",
        "sat/backend/outbox.py",
        "        done = self._live.write(to_xml(self._live, message), number_it)\n",
        "        done = self._live.write(to_xml(self._live, message))\n"
        "        number_it(self._written + 1)\n",
        (f"{_SENDING}::test_what_waited_is_numbered_on_disk_before_it_is_written",),
    ),
    Guard(
        3,
        "a message that could not be stored, whose number no stanza has",
        "sat/backend/outbox.py",
        "                place.leave()\n            else:\n",
        "                pass\n            else:\n",
        (f"{_SENDING}::test_what_can_not_be_stored_holds_up_nothing",),
    ),
    Guard(
        3,
        "what comes after, written before what has waited",
        "sat/backend/outbox.py",
        "        if not self._open or self._held or new.peer in self._doubtful:\n",
        "        if not self._open or new.peer in self._doubtful:\n",
        (f"{_SESSIONS}::test_old_held_and_new_messages_keep_one_order_where_a_session_goes_on",),
    ),
    Guard(
        3,
        "what an earlier process wrote and the server never got",
        "sat/backend/outbox.py",
        "                if stored.number <= acknowledged:\n",
        "                if True:\n",
        (f"{_SESSIONS}::test_a_crash_loses_and_doubles_nothing",),
    ),
    Guard(
        3,
        "acknowledging what is not on disk",
        "sat/xmpp/session.py",
        "        if number <= self._durable:\n",
        "        if True:\n",
        (f"{_RESUMPTION}::test_server_is_never_told_of_more_than_is_stored",),
    ),
)
