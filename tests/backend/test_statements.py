"""What SQLite makes of the statements that the daemon has prepared."""

import importlib
import pkgutil
import re
import sqlite3

import pytest
from sqlalchemy import create_engine

import sat.backend
from sat.backend import schema
from sat.backend.schema import Prepared

#: Full-text indexes, which are made with the store.
_VIRTUAL = re.compile("message_fts|new_messages")


def prepared() -> dict[str, Prepared]:
    """Return all prepared statements of the daemon, by module and name."""
    found = {}
    for module in pkgutil.walk_packages(sat.backend.__path__, "sat.backend."):
        if ".migrations" not in module.name:
            loaded = importlib.import_module(module.name)
            for name, value in vars(loaded).items():
                if isinstance(value, Prepared):
                    found[f"{module.name}.{name}"] = value
    return found


STATEMENTS = prepared()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("statements") / "sat.db"
    engine = create_engine(f"sqlite:///{path}")
    schema.metadata.create_all(engine)
    engine.dispose()
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def plan(connection: sqlite3.Connection, text: str) -> list[str]:
    values = dict.fromkeys(re.findall(r":(\w+)", text), 1)
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]


@pytest.mark.parametrize(
    "name", [name for name, one in STATEMENTS.items() if not _VIRTUAL.search(one.text)]
)
def test_none_reads_the_whole_history(database, name):
    steps = plan(database, STATEMENTS[name].text)
    assert not [step for step in steps if re.match(r"SCAN message\b", step)]


def test_a_whole_read_would_be_seen(database):
    assert plan(database, "SELECT body FROM message WHERE body = :body") == ["SCAN message"]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("sat.backend.adding.BY_ORIGIN_ID", "message_origin_id"),
        ("sat.backend.adding._BY_ARCHIVE_ID", "message_archive_id"),
        ("sat.backend.adding._ALIKE_NOT_ARCHIVED", "message_unnamed"),
        ("sat.backend.transaction._FIRST_UNNAMED", "message_unnamed"),
        ("sat.backend.delivery._IN_STATE", "message_unacknowledged"),
        ("sat.backend.delivery._SENT", "message_sent"),
        ("sat.backend.rooms.history._BY_ID", "message_of_room"),
    ],
)
def test_the_index_that_is_made_for_it_is_used(database, name, index):
    assert any(f"INDEX {index} " in step for step in plan(database, STATEMENTS[name].text))
