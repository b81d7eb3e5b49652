"""What to call a person, a room, or somebody in a room."""

from __future__ import annotations

from sat.bridge.model import Attachment
from sat.frontends.core.clean import clean_line
from sat.frontends.core.state import Key, State


def bare(jid: str) -> str:
    """Return a JID without its resource."""
    return jid.partition("/")[0]


def file_name(file: Attachment) -> str:
    """Return what a file is called: its own name, or the last part of its address."""
    if file.name:
        return file.name
    path = file.url.partition("#")[0].partition("?")[0]
    last = path.rstrip("/").rpartition("/")[2]
    if "%" in last:
        from urllib.parse import unquote

        last = unquote(last)
    return last or file.url


def kind_of(state: State, profile: str, peer: str) -> str:
    """Tell what a peer is: ``room``, ``private`` (somebody in a room) or ``contact``."""
    if (profile, bare(peer)) in state.rooms:
        return "private" if "/" in peer else "room"
    return "contact"


def name_of(state: State, profile: str, peer: str) -> str:
    """Return what a person calls a contact or a room, on one line and harmless."""
    key: Key = (profile, peer)
    contact = state.roster.get(key)
    if contact is not None and contact.name:
        return clean_line(contact.name) or peer
    room = state.rooms.get(key)
    if room is not None and room.name:
        return clean_line(room.name) or peer
    address, _, resource = peer.partition("/")
    if resource:
        return clean_line(f"{resource} ({name_of(state, profile, address)})")
    return clean_line(peer.partition("@")[0] or peer)


def author_of(state: State, profile: str, peer: str, sender: str) -> str:
    """Return the name that stands before a message of a conversation.

    :param sender: the ``from`` of the message
    """
    if (profile, bare(sender)) in state.rooms:
        return clean_line(sender.partition("/")[2] or sender)
    return name_of(state, profile, bare(sender))
