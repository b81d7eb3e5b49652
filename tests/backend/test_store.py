"""The database file: made, brought up to date, refused, copied and put back."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from sat.backend import schema
from sat.backend.backup import restore
from sat.backend.store import migrate, prepare
from sat.bridge.errors import CommandError
from sat.bridge.lock import HomeLock
from tests.backend.support import House, house


def tables(path: Path) -> dict[tuple[str, str], str]:
    """Return what the database is made of, by kind and name, without differences of layout."""
    connection = sqlite3.connect(path)
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_master"
        " WHERE sql IS NOT NULL AND name != 'alembic_version'"
    ).fetchall()
    connection.close()
    return {
        (kind, name): " ".join(
            sql.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
        )
        for kind, name, sql in found
    }


def execute(path: Path, *statements: str) -> None:
    """Change a database from outside."""
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_migrations_make_what_the_tables_say(tmp_path):
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    prepare(made)
    migrate(migrated)
    found = tables(migrated)
    assert found == tables(made)
    assert ("table", "message") in found


def test_a_new_database_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "sat.db"
    path.touch(mode=0o644)
    prepare(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["sat.db"]
    prepare(path)


def test_a_database_half_made_is_made_anew(tmp_path, monkeypatch):
    path = tmp_path / "sat.db"
    with monkeypatch.context() as broken:
        broken.setattr(schema, "CREATE_INDEX", "CREATE NONSENSE")
        with pytest.raises(Exception, match="NONSENSE"):
            prepare(path)
    assert not path.exists()
    prepare(path)
    assert ("table", "message") in tables(path)


@pytest.mark.parametrize(
    ("damage", "name", "sentence"),
    [
        (lambda path: path.write_bytes(b"no database" * 1000), "failed.database", "restore"),
        (lambda path: path.write_bytes(path.read_bytes()[:50]), "failed.database", "restore"),
        (
            lambda path: execute(path, "DROP TABLE alembic_version"),
            "failed.database",
            "restore",
        ),
        (
            lambda path: execute(path, "UPDATE alembic_version SET version_num = '9999'"),
            "failed.newer-database",
            "upgrade",
        ),
        (
            lambda path: execute(path, "UPDATE alembic_version SET version_num = '0000'"),
            "failed.migration",
            "could not be brought to schema",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(tmp_path, damage, name, sentence):
    path = tmp_path / "sat.db"
    prepare(path)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(CommandError, match=sentence) as told:
        prepare(path)
    assert told.value.name == name
    assert str(path) in told.value.sentence
    assert path.read_bytes() == before


# ---- backups


async def backup(home: House, path: Path) -> None:
    """Let the daemon write a backup."""
    with path.open("wb") as file:
        size = await home.call("daemon.backup", file.fileno())
        assert os.fstat(file.fileno()).st_size == size


def database(home: House) -> bytes:
    """Return what the file holds."""
    return Path(home.paths.database).read_bytes()


def names(home: House) -> set[str]:
    """Return what is in the home."""
    return set(os.listdir(home.root))


async def test_a_backup_put_back_has_another_epoch(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        await home.call("message.send", to="bob@server.test", body="before", txn="t1")
        copy = tmp_path / "copy.db"
        await backup(home, copy)
        epoch = home.frontend.hello["epoch"]
        await home.call("message.send", to="bob@server.test", body="after")
        with pytest.raises(CommandError, match="stop it"):
            lock = HomeLock(home.paths.lock)
            assert lock.acquire()
            try:
                restore(str(copy), home.paths)
            finally:
                lock.release()
        await home.stop()
        restore(str(copy), home.paths)
        assert "sat.db.before" in names(home)
        assert "sat.restored" not in names(home)
        assert stat.S_IMODE(os.stat(home.paths.database).st_mode) == 0o600
        await home.start()
        assert home.frontend.hello["epoch"] != epoch
        listed = await home.call("message.list", peer="bob@server.test")
        assert [one["body"] for one in listed] == ["before"]
        # A transaction of the other history is none of this one.
        sent = await home.call("message.send", to="bob@server.test", body="else", txn="t1")
        assert sent["body"] == "else"
        other = await home.attach(resume={"epoch": epoch, "seq": 1})
        assert other.attached["mode"] == "snapshot"
        await other.close()


async def test_a_backup_holds_no_password(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        copy = tmp_path / "copy.db"
        await backup(home, copy)
        assert b"correct horse" not in copy.read_bytes()
        assert (await home.refused("daemon.backup")).name == "usage.descriptor"
        with copy.open("rb") as file:
            error = await home.refused("daemon.backup", file.fileno())
        assert error.name == "failed.backup"
        assert not [name for name in names(home) if name.startswith("backup-")]


@pytest.mark.parametrize("content", [b"", b"no database" * 1000, None])
async def test_what_is_no_backup_changes_nothing(reactor, tmp_path, content):
    async with house(reactor, tmp_path) as home:
        copy = tmp_path / "copy.db"
        await backup(home, copy)
        if content is None:
            execute(copy, "UPDATE alembic_version SET version_num = '9999'")
        else:
            copy.write_bytes(content)
        await home.stop()
        before = database(home)
        with pytest.raises(CommandError) as told:
            restore(str(copy), home.paths)
        assert told.value.name == "failed.backup"
        assert database(home) == before
        await home.start()
