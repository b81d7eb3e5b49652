"""The daemon from inside: its parts, and the whole between a scripted server and a frontend."""
