"""Primitivus: the console frontend, drawn with urwid."""
