"""The bridge's own words, as a person says them who speaks another language than it."""

from sat.frontends.core.texts import mark

#: What stands for a word, to be translated; in English a word stands for itself.
TERMS = {
    # of a connection
    "offline": mark("offline"),
    "connecting": mark("connecting…"),
    "online": mark("connected"),
    "waiting": mark("waits"),
    "failed": mark("failed"),
    # of a message, and of a file
    "pending": mark("waits to be sent"),
    "in": mark("incoming"),
    "out": mark("outgoing"),
    "running": mark("under way"),
    "done": mark("done"),
    "cancelled": mark("cancelled"),
    # of what a contact shows
    "available": mark("available"),
    "away": mark("away"),
    "chat": mark("wants to talk"),
    "dnd": mark("busy"),
    "xa": mark("away for long"),
    "unavailable": mark("offline"),
    # of a room, and who is in it
    "left": mark("you have left it; /join goes in again"),
    "joining": mark("asking to be let in…"),
    "joined": mark("you are in it"),
    "refused": mark("you were not let in"),
    "removed": mark("you were put out; /join goes in again"),
    "moderator": mark("moderator"),
    "participant": mark("participant"),
    "visitor": mark("visitor"),
    "outcast": mark("banned"),
    "member": mark("member"),
    "admin": mark("administrator"),
    "owner": mark("owner"),
    "none": mark("none"),
    # of a contact
    "to": mark("you see them"),
    "from": mark("they see you"),
    "both": mark("you see each other"),
    # of a plugin
    "loaded": mark("loaded"),
    "unloaded": mark("not loaded"),
}
