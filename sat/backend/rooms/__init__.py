"""Rooms (XEP-0045): being in them, talking in them, finding them again."""
