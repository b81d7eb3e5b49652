"""Where passwords are kept: a keyring that works, else a file for its owner alone."""

import json
import stat

import pytest
from twisted.internet.defer import Deferred

from sat.backend import passwords
from sat.backend.passwords import Passwords
from sat.bridge.secret import SecretText

BACKEND = """
import json, os, time
from keyring.backend import KeyringBackend

PATH = os.environ["TEST_KEYRING"]

class Keyring(KeyringBackend):
    priority = 1

    def _load(self):
        time.sleep(float(os.environ["TEST_KEYRING_DELAY"]))
        return json.load(open(PATH)) if os.path.exists(PATH) else {}

    def _store(self, kept):
        with open(PATH, "w") as file:
            json.dump(kept, file)

    def get_password(self, service, username):
        return self._load().get(f"{service} {username}")

    def set_password(self, service, username, password):
        self._store({**self._load(), f"{service} {username}": password})

    def delete_password(self, service, username):
        kept = self._load()
        del kept[f"{service} {username}"]
        self._store(kept)
"""


class Desk:
    """The places of passwords, and the file of the keyring."""

    def __init__(self, reactor, folder, monkeypatch, delay: float = 0, works: bool = True) -> None:
        self.path = folder / "secrets.json"
        self.ring = folder / "ring.json"
        (folder / "ring_of_a_test.py").write_text(BACKEND)
        name = "ring_of_a_test.Keyring" if works else "keyring.backends.fail.Keyring"
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
        monkeypatch.setenv("TEST_KEYRING", str(self.ring))
        monkeypatch.setenv("TEST_KEYRING_DELAY", str(delay))
        self.reactor = reactor

    def open(self, use_keyring: bool = True) -> Passwords:
        """Return them as a daemon that just started has them."""
        return Passwords(self.reactor, self.path, use_keyring)

    def kept(self) -> dict[str, str]:
        """Return what the file holds."""
        return json.loads(self.path.read_text()) if self.path.exists() else {}


async def get(kept: Passwords, name: str) -> str | None:
    """Return a password in clear."""
    found = await kept.get(name)
    return found.reveal() if found is not None else None


async def test_a_keyring_that_works_has_them(reactor, tmp_path, monkeypatch):
    desk = Desk(reactor, tmp_path, monkeypatch)
    await desk.open(use_keyring=False).set("alice", SecretText("old"))
    await desk.open().set("alice", SecretText("pâss wörd"))
    assert "alice" not in desk.kept()
    assert json.loads(desk.ring.read_text()) == {"salut-a-toi alice": "pâss wörd"}
    assert await get(desk.open(), "alice") == "pâss wörd"
    assert await get(desk.open(), "bob") is None
    await desk.open().delete("alice")
    assert json.loads(desk.ring.read_text()) == {}


async def test_without_one_a_file_has_them(reactor, tmp_path, monkeypatch):
    desk = Desk(reactor, tmp_path, monkeypatch, works=False)
    await desk.open().set("alice", SecretText("secret"))
    assert desk.kept() == {"alice": "secret"}
    assert stat.S_IMODE(desk.path.stat().st_mode) == 0o600
    assert await get(desk.open(), "alice") == "secret"
    await desk.open().delete("alice")
    assert desk.kept() == {}


async def test_a_keyring_that_hangs_costs_its_limit_and_no_more(reactor, tmp_path, monkeypatch):
    desk = Desk(reactor, tmp_path, monkeypatch, delay=60)
    monkeypatch.setattr(passwords, "_LIMIT", 1.0)
    turns = []
    begun = reactor.seconds()
    setting = Deferred.fromCoroutine(desk.open().set("alice", SecretText("secret")))
    reactor.callLater(0.2, turns.append, None)
    await setting
    assert reactor.seconds() - begun < 3
    assert turns, "the reactor stood still meanwhile"
    assert desk.kept() == {"alice": "secret"}
    # What the file has needs no keyring.
    begun = reactor.seconds()
    assert await get(desk.open(), "alice") == "secret"
    assert reactor.seconds() - begun < 0.5


async def test_a_home_of_its_own_leaves_the_keyring_alone(reactor, tmp_path, monkeypatch):
    desk = Desk(reactor, tmp_path, monkeypatch)
    kept = desk.open(use_keyring=False)
    await kept.set("alice", SecretText("secret"))
    assert await get(kept, "alice") == "secret"
    await kept.delete("alice")
    assert not desk.ring.exists()


@pytest.mark.parametrize("content", ["", "no JSON", "[1, 2]", "null"])
async def test_a_file_that_cannot_be_read_holds_nothing(reactor, tmp_path, monkeypatch, content):
    desk = Desk(reactor, tmp_path, monkeypatch, works=False)
    desk.path.write_text(content)
    desk.path.chmod(0o644)
    kept = desk.open(use_keyring=False)
    assert await get(kept, "alice") is None
    await kept.set("alice", SecretText("secret"))
    assert desk.kept() == {"alice": "secret"}
    assert stat.S_IMODE(desk.path.stat().st_mode) == 0o600


def test_a_secret_shows_nothing():
    secret = SecretText("hidden")
    assert "hidden" not in f"{secret} {secret!r} {[secret]}"
