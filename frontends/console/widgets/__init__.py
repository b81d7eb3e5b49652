"""Widgets for urwid that know nothing of XMPP, nor of this program."""
