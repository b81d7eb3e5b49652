"""A conversation as a scripted daemon has it."""

from datetime import datetime

import msgspec

from tests.frontends.core.support import TS, message

PROFILE = {"name": "alice", "jid": "alice@x", "rev": 1}


class History:
    """A conversation as the daemon has it: answers ``message.list``."""

    def __init__(self, server, count, **state):
        self.server = server
        self.messages = [message(number) for number in range(1, count + 1)]
        self.seq = 1000 + count
        server.answers["message.list"] = self.page
        server.answers["state.attach"] = lambda session, params: {
            "mode": "snapshot", "epoch": "e1", "seq": self.seq,
            "state": {"profiles": [PROFILE], **msgspec.to_builtins(state)},
        }  # fmt: skip

    def page(self, session, params):
        found = self.messages
        if "before" in params:
            end = int(params["before"], 16)
            found = [one for one in found if int(one.id, 16) < end]
        limit = params["limit"]
        if "after" in params:
            start = int(params["after"], 16)
            found = [one for one in found if int(one.id, 16) > start][:limit]
        elif "since" in params:
            since = datetime.fromisoformat(params["since"])
            found = [one for one in found if one.ts >= since][:limit]
        return [msgspec.to_builtins(one) for one in found[-limit:]]

    def tell(self, found, type="message.added"):
        """Tell everybody of a message that is added or changed."""
        prev, self.seq = self.seq, self.seq + 1
        found = msgspec.structs.replace(found, rev=self.seq)
        self.messages = [one for one in self.messages if one.id != found.id] + [found]
        self.messages.sort(key=lambda one: int(one.id, 16))
        self.server.sessions[-1].event(
            prev=prev, seq=self.seq, profile="alice", type=type, ts=TS,
            data=msgspec.to_builtins(found),
        )  # fmt: skip


def keys(chat):
    return [int(row.key, 16) for row in chat.rows]
