"""Primitivus, the console: what the views of :mod:`sat.frontends.core` hold, drawn with urwid."""
