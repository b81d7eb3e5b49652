"""The commands about other people: who they are, what they show, and what they can do."""

from sat.frontends.core.commands.grammar import Argument, Command, Option

_JID = Argument("JID", "jid", "the contact's address")
_ENTITY = Argument("JID", "jid", "whom to ask: a device's full address, or any other")
_NODE = Option("--node", "node", "NODE", "a part of it")
_SHOWS = ("available", "away", "chat", "dnd", "xa", "unavailable")

PEOPLE = (
    Command("roster list", "List the contacts.", show="contacts"),
    Command(
        "roster add",
        "Add a contact, and ask to see its presence.",
        (_JID,),
        (
            Option("--name", "name", "NAME", "what you call it"),
            Option("--group", "groups", "GROUP", "put it there (repeatable)", many=True),
        ),
        acts=True,
    ),
    Command(
        "roster update",
        "Change a contact's name or groups.",
        (_JID,),
        (
            Option("--name", "name", "NAME", "what you call it"),
            Option("--group", "groups", "GROUP", "put it there alone (repeatable)", many=True),
        ),
        acts=True,
    ),
    Command("roster remove", "Remove a contact.", (_JID,), acts=True),
    Command(
        "presence set",
        "Show yourself as available, away, chat, dnd, xa or unavailable.",
        (
            Argument("STATE", "show", "one of these words", choices=_SHOWS),
            Argument("TEXT", "status", "a few words to go with it", required=False),
        ),
        (
            Option(
                "--priority",
                "priority",
                "N",
                "prefer this program, or not (-128 to 127)",
                kind="integer",
            ),
        ),
        acts=True,
    ),
    Command(
        "presence direct",
        "Show yourself to somebody who does not see you otherwise; unavailable ends it.",
        (
            _JID,
            Argument("STATE", "show", "one of the words of presence set", choices=_SHOWS),
            Argument("TEXT", "status", "a few words to go with it", required=False),
        ),
        acts=True,
    ),
    Command("presence directed", "List to whom you show yourself one by one."),
    Command(
        "presence allow",
        "Let somebody see when you are online, before they ask.",
        (_JID,),
        acts=True,
    ),
    Command(
        "presence deny", "Let somebody not see any more when you are online.", (_JID,), acts=True
    ),
    Command("presence unsubscribe", "See no more whether somebody is online.", (_JID,), acts=True),
    Command(
        "presence get",
        "Show what a contact's devices show.",
        (_JID,),
        show="presences",
        aliases=("presence show",),
    ),
    Command("avatar list", "List who has which picture, by its hash."),
    Command(
        "avatar get",
        "Keep a contact's picture, or your own, as a file; none is written over.",
        (_JID,),
        (Option("--to", "_path", "PATH", "where to keep it, or in which folder", kind="path"),),
        run="avatars.get",
    ),
    Command(
        "avatar set",
        "Have a picture, which those see who see your presence.",
        (Argument("FILE", "_file", "a PNG of at most 96 KiB", kind="path"),),
        run="avatars.change",
        acts=True,
    ),
    Command("avatar clear", "Have no picture any more.", acts=True),
    Command(
        "disco info",
        "Show what a server, an account or a contact's device is and can do.",
        (_ENTITY,),
        (_NODE,),
        show="entity",
    ),
    Command(
        "disco items",
        "List what a server or a service has.",
        (_ENTITY,),
        (_NODE,),
        show="items",
    ),
)
