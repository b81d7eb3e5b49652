"""The table of jp's commands: parser, help and completion are all made from it.

A command that isn't here but which the daemon knows is put together from ``api.describe``
(``generic.py``): this table holds what deserves better words, shorter lines, or work on this side.
"""

from sat.frontends.core.commands.grammar import Argument, Command, Option
from sat.frontends.core.commands.people import PEOPLE

_PASSWORDS = (
    Option(
        "--password-file",
        "_password_file",
        "FILE",
        "the password is the first line of FILE",
        kind="path",
    ),
    Option("--password-stdin", "_password_stdin", help="the password comes by standard input"),
)
_SERVER = (
    Option("--server", "server", "HOST:PORT", "connect there rather than where DNS says"),
    Option("--direct-tls", "direct_tls", help="speak TLS from the first byte"),
    Option("--ca", "_ca", "FILE", "trust this certificate authority instead (PEM)", kind="path"),
    Option("--pin", "pin", "sha256:DIGITS", "trust this one certificate of the server"),
    Option("--proxy", "_proxy", "socks5://HOST:PORT", "connect through this proxy"),
    Option(
        "--proxy-file",
        "_proxy_file",
        "FILE",
        "the proxy, with USER:PASSWORD@, is the first line of FILE",
        kind="path",
    ),
)
_ACCOUNT = (
    *_SERVER,
    Option(
        "--certificate", "_certificate", "FILE", "log in with this certificate and key", kind="path"
    ),
    Option("--allow-plain", "allow_plain", help="let the server ask for the password itself"),
    Option("--resource", "resource", "NAME", "ask the server for this resource"),
)
_PEER = Argument("JID", "peer", "the other side of the conversation")
_NAME = Argument("NAME", "name", "the profile's name")
_ROOM = Argument("ROOM", "room", "the room's address")
_PLUGIN = Argument("NAME", "name", "the plugin's name")

COMMANDS = (
    Command(
        "profile create",
        "Add an XMPP account, whose password the daemon keeps.",
        (_NAME,),
        (
            Option("--jid", "jid", "JID", "the account's address", required=True),
            *_PASSWORDS,
            *_ACCOUNT,
            Option("--no-autoconnect", "_manual", help="connect only when asked to"),
        ),
        run="account.create",
        per_profile=False,
    ),
    Command(
        "profile register",
        "Make a new account on a server that lets programs do so, and add it.",
        (_NAME,),
        (
            Option("--jid", "jid", "JID", "the address that it is to have", required=True),
            *_PASSWORDS,
            Option(
                "--field",
                "_fields",
                "NAME=VALUE",
                "what else the server wants to know (repeatable)",
                many=True,
            ),
            *_SERVER,
        ),
        run="account.register",
        per_profile=False,
    ),
    Command(
        "profile password",
        "Change the password of an account, on its server and here.",
        (_NAME,),
        _PASSWORDS,
        run="account.password",
        per_profile=False,
    ),
    Command(
        "profile check",
        "Compare a password with the one that is kept for a profile.",
        (_NAME,),
        _PASSWORDS,
        run="account.check",
        per_profile=False,
    ),
    Command("profile list", "List the profiles.", show="profiles", per_profile=False),
    Command(
        "profile get",
        "Show a profile and its connection.",
        (_NAME,),
        show="record",
        per_profile=False,
        aliases=("profile show",),
    ),
    Command(
        "profile set",
        "Change settings of a profile; an empty value takes one away.",
        (
            _NAME,
            Argument(
                "KEY=VALUE",
                "_pairs",
                "a setting; ca, certificate and proxy_file take a file's name",
                many=True,
            ),
        ),
        _PASSWORDS,
        run="account.change",
        per_profile=False,
    ),
    Command(
        "profile connect",
        "Connect a profile, and return once it is online.",
        (_NAME,),
        acts=True,
        waits=True,
        per_profile=False,
    ),
    Command("profile disconnect", "Disconnect a profile.", (_NAME,), acts=True, per_profile=False),
    Command(
        "profile default",
        "Make a profile the one that commands without -p are for.",
        (_NAME,),
        acts=True,
        per_profile=False,
    ),
    Command(
        "profile delete",
        "Delete a profile with its history; the account on the server stays.",
        (_NAME,),
        acts=True,
        per_profile=False,
    ),
    Command(
        "message send",
        "Send a message, and print its id; without BODY, standard input is the text.",
        (
            Argument("JID", "to", "whom to write to, or the room"),
            Argument("BODY", "body", "the text, as one word: quote it", required=False),
        ),
        (
            Option("--now", "now", help="refuse when not connected, instead of keeping it"),
            Option(
                "--wait",
                "wait",
                "STATE",
                "return once it has come so far",
                choices=("stored", "sent", "acknowledged", "received"),
            ),
            Option("--subject", "subject", "TEXT", "a subject"),
            Option("--thread", "thread", "ID", "the thread that it belongs to"),
            Option(
                "--type",
                "type",
                "TYPE",
                "the type of the stanza",
                choices=("chat", "normal", "headline"),
            ),
        ),
        run="send.message",
        waits=True,
    ),
    Command(
        "message list",
        "Show the last messages of a conversation, oldest first.",
        (_PEER,),
        (
            Option("--limit", "limit", "N", "how many (50)", kind="integer"),
            Option("--before", "before", "ID", "those before this message"),
            Option("--after", "after", "ID", "the first ones after this message"),
            Option("--since", "since", "TIME", "the first ones from then on (2026-11-21T07:00Z)"),
        ),
        show="messages",
    ),
    Command(
        "message search",
        "Find messages by their words.",
        (Argument("TEXT", "text", "words that the message has"),),
        (
            Option("--with", "peer", "JID", "in this conversation alone"),
            Option("--limit", "limit", "N", "how many (20)", kind="integer"),
        ),
        show="found",
    ),
    Command("message get", "Show one message.", (Argument("ID", "id"),), show="record"),
    Command("conversation list", "List conversations with what is unread.", show="conversations"),
    Command("conversation get", "Show one conversation.", (_PEER,), show="record"),
    Command(
        "conversation read",
        "Mark a conversation as read, in all frontends.",
        (_PEER,),
        (Option("--up-to", "up_to", "ID", "up to this message only"),),
        acts=True,
    ),
    Command(
        "conversation draft",
        "Keep a message begun, for whichever frontend ends it; without TEXT, drop it.",
        (_PEER, Argument("TEXT", "text", required=False, default="")),
        acts=True,
    ),
    *PEOPLE,
    Command(
        "room join",
        "Join a room, and stay in it; a room that does not exist is made.",
        (_ROOM,),
        (Option("--nick", "nick", "NICK", "what to be called there"), *_PASSWORDS),
        run="account.join_room",
        waits=True,
    ),
    Command("room leave", "Leave a room; its bookmark stays.", (_ROOM,), acts=True),
    Command("room list", "List the rooms that you are in or have bookmarked.", show="rooms"),
    Command("room occupants", "Show who is in a room.", (_ROOM,), show="occupants"),
    Command(
        "room nick",
        "Change what you are called in a room.",
        (_ROOM, Argument("NICK", "nick", "the new name")),
        acts=True,
    ),
    Command(
        "room subject",
        "Change a room's subject.",
        (_ROOM, Argument("TEXT", "subject", "the new one; '' for none")),
        acts=True,
    ),
    Command(
        "room invite",
        "Invite somebody to a room.",
        (_ROOM, Argument("JID", "jid", "whom")),
        (Option("--reason", "reason", "TEXT", "a few words for them"),),
        acts=True,
    ),
    Command(
        "file send",
        "Send files to a contact, and follow them to the end.",
        (
            Argument("FILE", "_files", "a file", many=True, kind="path"),
            Argument("JID", "to", "whom to send to"),
        ),
        (Option("--type", "media_type", "TYPE", "the media type (image/png)"),),
        run="files.send",
    ),
    Command(
        "file fetch",
        "Fetch a file that a message points to; one that is there is never written over.",
        (Argument("MESSAGE", "id", "the message's id"),),
        (
            Option("--number", "number", "N", "which of its files, from 0 on", kind="integer"),
            Option("--to", "_path", "PATH", "where to keep it, or in which folder", kind="path"),
        ),
        run="files.fetch",
    ),
    Command("transfer list", "List files on their way.", show="transfers"),
    Command("transfer cancel", "End a transfer.", (Argument("ID", "id"),), acts=True),
    Command(
        "event follow",
        "Print events as they happen, a JSON object a line.",
        (),
        (
            Option("--type", "types", "TYPE", "this type only (repeatable)", many=True),
            Option("--cursor", "cursor", "NAME", "go on after the last one seen under this name"),
            Option("--resume", "_resume", "EPOCH:SEQ", "go on after this event"),
            Option("--limit", "_limit", "N", "end after so many", kind="integer"),
        ),
        run="follow.events",
    ),
    Command(
        "bridge trace",
        "Print the calls of all programs and the events, an object a line, secrets left out.",
        (),
        (Option("--limit", "_limit", "N", "end after so many", kind="integer"),),
        run="follow.trace",
        per_profile=False,
    ),
    Command("question list", "List what waits for your decision.", show="questions"),
    Command(
        "question answer",
        "Answer a question; a terminal asks for its fields, else it is taken as it is.",
        (
            Argument("ID", "id"),
            Argument("FIELD=VALUE", "_pairs", "a field's value", required=False, many=True),
        ),
        (
            *_PASSWORDS,
            Option(
                "--secret",
                "_secrets",
                "FIELD=FILE",
                "a secret field is the first line of FILE (repeatable)",
                many=True,
            ),
        ),
        run="asking.answer",
    ),
    Command("option list", "List the settings.", show="options", per_profile=False),
    Command(
        "option get",
        "Show a setting.",
        (Argument("NAME", "name"),),
        show="record",
        per_profile=False,
    ),
    Command(
        "option set",
        "Change a setting.",
        (Argument("NAME", "name"), Argument("VALUE", "value")),
        acts=True,
        per_profile=False,
    ),
    Command("plugin list", "List the plugins.", show="plugins", per_profile=False),
    Command("plugin load", "Load a plugin.", (_PLUGIN,), acts=True, per_profile=False),
    Command("plugin unload", "Unload a plugin.", (_PLUGIN,), acts=True, per_profile=False),
    Command(
        "remote add",
        "Make the daemon of another machine known, for --remote.",
        (
            Argument("NAME", "_name", "what to call it here"),
            Argument("URL", "_url", "ssh://HOST, or what “sat pair” shows there; - to read it"),
        ),
        run="remote.add",
        per_profile=False,
    ),
    Command(
        "remote list",
        "List the daemons of other machines that are known.",
        run="remote.show",
        per_profile=False,
    ),
    Command(
        "remote remove",
        "Forget one.",
        (Argument("NAME", "_name"),),
        run="remote.remove",
        per_profile=False,
    ),
    Command(
        "api describe",
        "Show all that the daemon can be asked, the events it sends, and their types.",
        (),
        (Option("--openrpc", "_openrpc", help="print an OpenRPC document, as JSON"),),
        run="describing.describe",
        per_profile=False,
    ),
    Command(
        "api call",
        "Call a method, with parameters as a JSON object (- for standard input).",
        (
            Argument("METHOD", "_method", "its dotted name"),
            Argument("JSON", "_json", "its parameters", required=False),
        ),
        run="asking.call",
    ),
    Command(
        "completion show",
        "Print what a shell needs to complete these command lines.",
        (Argument("SHELL", "_shell", "which one", choices=("bash", "zsh", "tcsh")),),
        run="completion.show",
        per_profile=False,
    ),
)

#: Every command by its words, aliases included.
BY_WORDS = {words: one for one in COMMANDS for words in (one.words, *one.aliases)}

#: The first words, in the order of the table.
GROUPS = tuple(dict.fromkeys(one.words.partition(" ")[0] for one in COMMANDS))
