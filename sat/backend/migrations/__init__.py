"""Bringing a database to the present schema, with Alembic, in a process of its own.

``python -m sat.backend.migrations DATABASE`` applies every migration that it lacks, each in a
transaction. A new migration is a file in ``versions``; :data:`sat.backend.schema.VERSION` names
the newest one.
"""
