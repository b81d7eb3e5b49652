"""What a person means: each becomes a call, and is shown once the daemon has told of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from binascii import b2a_base64
from collections.abc import Coroutine, Iterable, Mapping, Sequence

from sat.bridge.errors import CommandError
from sat.bridge.model import (
    Attachment as File,
)
from sat.bridge.model import (
    Contact,
    Conversation,
    Message,
    Option,
    Profile,
    Question,
    Room,
    Show,
    Transfer,
)
from sat.frontends.core.attachment import Attachment
from sat.frontends.core.files import PIECE, open_file, own_name
from sat.frontends.core.saving import MAX_SIZE, NewFile
from sat.frontends.core.state import Key
from sat.frontends.core.texts import _

#: Seconds after the last key until a draft is kept.
_PAUSE = 1.0
#: Seconds that a daemon has to take what is left, when a frontend ends.
_LEAVE = 5.0
#: Seconds that connecting, or joining a room, may take.
_LONG = 120.0
#: Seconds that fetching a file may take.
_FETCH = 1800.0


class Actions:
    """What can be done with an attached daemon; each refusal is a CommandError with a sentence.

    What changes something is done once, though the session is lost over it: it is asked for again
    when the daemon is back, for a while.
    """

    def __init__(self, attachment: Attachment, *, pause: float = _PAUSE) -> None:
        self._attachment = attachment
        self._pause = pause
        self._change = attachment.change
        self._drafts: dict[Key, str] = {}
        self._saving: dict[Key, asyncio.Task[None]] = {}
        self._reading: dict[Key, int] = {}
        self._marking: dict[Key, asyncio.Task[None]] = {}

    # ---- messages

    async def send(self, profile: str, peer: str, text: str) -> Message:
        """Send a message; one that can't be sent yet is kept, and sent once.

        :raises CommandError: ``usage.body`` if it is empty; what the daemon refuses
        """
        if not text.strip():
            raise CommandError("usage.body", _("The message is empty, and nothing was sent."))
        self.drop_draft(profile, peer)
        return await self._change("message.send", Message, profile=profile, to=peer, body=text)

    async def retry(self, message: Message) -> Message:
        """Send the text of a message that failed once more, as a new one."""
        return await self.send(message.profile, message.peer, message.body)

    def read_to(self, profile: str, peer: str, id: str) -> None:
        """Mark a conversation as read up to a message that was looked at.

        While one call is under way those that follow become one; what is read already makes none.
        """
        key, place = (profile, peer), int(id, 16)
        conversation = self._attachment.state.conversations.get(key)
        read = conversation.read if conversation is not None else None
        if place <= max(int(read, 16) if read is not None else 0, self._reading.get(key, 0)):
            return
        self._reading[key] = place
        if key not in self._marking:
            self._marking[key] = self._task(self._mark(key))

    async def read_all(self, profile: str, peer: str) -> None:
        """Mark all of a conversation as read."""
        await self._change("conversation.read", Conversation, profile=profile, peer=peer)

    def draft(self, profile: str, peer: str, text: str) -> None:
        """Keep what stands in the input line, a moment after the last change."""
        key = (profile, peer)
        conversation = self._attachment.state.conversations.get(key)
        known = conversation.draft if conversation is not None else ""
        if text == self._drafts.get(key, known):
            return
        self._drafts[key] = text
        saving = self._saving.pop(key, None)
        if saving is not None:
            saving.cancel()
        self._saving[key] = self._task(self._save_later(key))

    def drop_draft(self, profile: str, peer: str) -> None:
        """Forget what was begun: it is sent."""
        self.draft(profile, peer, "")

    async def flush(self) -> None:
        """Keep the drafts that wait, now: the frontend is about to end."""
        for task in self._saving.values():
            task.cancel()
        self._saving.clear()
        saving = [self._task(self._save(key)) for key in list(self._drafts)]
        left = [*saving, *self._marking.values()]
        if left and self._attachment.is_attached:
            await asyncio.wait(left, timeout=_LEAVE)
        for task in left:
            task.cancel()

    # ---- rooms and contacts

    async def join(
        self, profile: str, room: str, nick: str | None = None, password: str | None = None
    ) -> Room:
        """Join a room, and stay in it."""
        return await self._change(
            *("room.join", Room), within=_LONG, profile=profile, room=room, nick=nick,
            password=password,
        )  # fmt: skip

    async def leave(self, profile: str, room: str) -> Room:
        """Leave a room; its bookmark stays."""
        return await self._change("room.leave", Room, profile=profile, room=room)

    async def change_nick(self, profile: str, room: str, nick: str) -> Room:
        """Change what we are called in a room."""
        return await self._change("room.nick", Room, profile=profile, room=room, nick=nick)

    async def change_subject(self, profile: str, room: str, subject: str) -> Room:
        """Change a room's subject."""
        return await self._change("room.subject", Room, profile=profile, room=room, subject=subject)

    async def invite(self, profile: str, room: str, jid: str, reason: str = "") -> None:
        """Invite somebody to a room."""
        await self._change(
            "room.invite", type(None), profile=profile, room=room, jid=jid, reason=reason
        )

    async def add_contact(
        self, profile: str, jid: str, name: str = "", groups: Iterable[str] = ()
    ) -> Contact:
        """Add a contact, and ask to see whether they are there."""
        return await self._change(
            "roster.add", Contact, profile=profile, jid=jid, name=name, groups=[*groups] or None
        )

    async def change_contact(
        self,
        profile: str,
        jid: str,
        name: str | None = None,
        groups: Iterable[str] | None = None,
    ) -> Contact:
        """Change what a contact is called, or the groups they are in; None leaves it."""
        listed = None if groups is None else [*groups]
        return await self._change(
            "roster.update", Contact, profile=profile, jid=jid, name=name, groups=listed
        )

    async def remove_contact(self, profile: str, jid: str) -> None:
        """Remove a contact: neither sees any more whether the other is there."""
        await self._change("roster.remove", type(None), profile=profile, jid=jid)

    async def allow(self, profile: str, jid: str) -> None:
        """Let somebody see whether we are there."""
        await self._change("presence.allow", type(None), profile=profile, jid=jid)

    async def deny(self, profile: str, jid: str) -> None:
        """Let somebody see no more, or not at all, whether we are there."""
        await self._change("presence.deny", type(None), profile=profile, jid=jid)

    async def unsubscribe(self, profile: str, jid: str) -> None:
        """Look no more whether somebody is there; they stay a contact."""
        await self._change("presence.unsubscribe", type(None), profile=profile, jid=jid)

    # ---- ourselves

    async def show(self, profile: str, show: Show, status: str = "") -> None:
        """Show others whether we are there, with a few words."""
        await self._change("presence.set", type(None), profile=profile, show=show, status=status)

    async def connect(self, name: str) -> Profile:
        """Connect a profile; returns once it is online."""
        return await self._change("profile.connect", Profile, within=_LONG, name=name)

    async def disconnect(self, name: str) -> Profile:
        """Disconnect a profile."""
        return await self._change("profile.disconnect", Profile, name=name)

    async def set_active(self, active: bool) -> None:
        """Say whether the person is in front of this frontend, where that has changed."""
        await self._attachment.set_active(active)

    # ---- the rest

    async def answer(self, question: Question, values: Mapping[str, Sequence[str]]) -> None:
        """Answer a question; what isn't given is as its form has it."""
        await self._change(
            "question.answer",
            object,
            profile=question.profile,
            id=question.id,
            values={name: [*found] for name, found in values.items()},
        )

    async def set_option(self, name: str, value: bool | float | str) -> Option:
        """Change a setting; a text is read as the setting's kind where it can be."""
        return await self._change("option.set", Option, name=name, value=value)

    async def cancel(self, transfer: Transfer) -> None:
        """End a transfer."""
        await self._change("transfer.cancel", type(None), profile=transfer.profile, id=transfer.id)

    async def send_file(
        self, profile: str, peer: str, path: str, media_type: str | None = None
    ) -> Transfer:
        """Send a file; returns once the daemon has taken it over.

        :raises CommandError: ``unknown.file``, ``denied.file``, ``usage.file``; what the daemon
            refuses
        """
        descriptor = open_file(path)
        try:
            size, name = os.fstat(descriptor).st_size, own_name(path)
            call = self._attachment.call
            blob = None
            if not self._attachment.passes_files:
                blob = await call("blob.open", str, size=size)
                offset = 0
                while piece := os.pread(descriptor, PIECE, offset):
                    data = b2a_base64(piece, newline=False).decode()
                    await call("blob.write", object, id=blob, offset=offset, data=data)
                    offset += len(piece)
            return await call(
                *("file.send", Transfer),
                descriptors=[] if blob is not None else [descriptor],
                profile=profile, to=peer, name=name, size=size, media_type=media_type, blob=blob,
            )  # fmt: skip
        except OSError as error:
            raise CommandError("failed.file", f"{path}: {error.strerror}.") from error
        finally:
            os.close(descriptor)

    async def fetch_file(self, message: Message, number: int, descriptor: int, limit: int) -> File:
        """Let the daemon fetch a file that a message points to, into an open and empty one.

        :param number: which of the message's attachments
        :param descriptor: of a regular file
        :param limit: how many bytes are taken at most
        :raises CommandError: what the daemon refuses, or can't get
        """
        call = self._attachment.call
        passes = self._attachment.passes_files
        blob = None if passes else await call("blob.open", str)
        try:
            found = await call(
                *("file.fetch", File), descriptors=[descriptor] if passes else [], within=_FETCH,
                profile=message.profile, id=message.id, number=number, limit=limit, blob=blob,
            )  # fmt: skip
            if blob is None:
                return found
            offset = 0
            while piece := await call("blob.read", bytes, id=blob, offset=offset, size=PIECE):
                offset += os.pwrite(descriptor, piece, offset)
            return found
        except OSError as error:
            told = _("The file can't be kept here: {reason}.").format(reason=error.strerror)
            raise CommandError("failed.file", told) from error
        finally:
            if blob is not None:
                with contextlib.suppress(CommandError):
                    await call("blob.close", type(None), id=blob)

    async def save_file(self, message: Message, number: int, path: str) -> File:
        """Fetch a file that a message points to, to a path where there is none yet.

        :param number: which of the message's attachments
        :raises CommandError: what the daemon refuses, or can't get
        :raises OSError: if it can't be kept at the path; nothing is left of it then
        """
        with NewFile(path) as new:
            found = await self.fetch_file(message, number, new.descriptor, MAX_SIZE)
            new.keep()
        return found

    # ---- what goes on beside

    def _task(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work)

    async def _mark(self, key: Key) -> None:
        done = -1
        try:
            while (place := self._reading.get(key, -1)) > done:
                await self._change(
                    *("conversation.read", Conversation),
                    profile=key[0], peer=key[1], up_to=f"{place:x}",
                )  # fmt: skip
                done = place
        except CommandError:
            # It is looked at again, or read elsewhere: nobody has to be told.
            return
        finally:
            self._reading.pop(key, None)
            self._marking.pop(key, None)

    async def _save_later(self, key: Key) -> None:
        await asyncio.sleep(self._pause)
        self._saving.pop(key, None)
        await self._save(key)

    async def _save(self, key: Key) -> None:
        text = self._drafts.get(key)
        if text is None:
            return
        try:
            await self._change(
                "conversation.draft", Conversation, profile=key[0], peer=key[1], text=text
            )
        except CommandError:
            # The input line still has it, and its next change tries again.
            return
        finally:
            if self._drafts.get(key) == text:
                del self._drafts[key]
