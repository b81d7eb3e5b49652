"""Where everything of a home is, and whom a folder must belong to."""

import os

import platformdirs
import pytest

from sat.bridge.errors import CommandError
from sat.bridge.paths import MAX_SOCKET_PATH, Home, socket_path


@pytest.fixture
def xdg(monkeypatch, tmp_path):
    """An environment with XDG directories and without SAT_HOME."""
    for name in list(os.environ):
        if name.startswith("XDG_") or name == "SAT_HOME":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_sat_home_holds_everything(tmp_path):
    home = Home({"SAT_HOME": str(tmp_path / "h")})
    root = str(tmp_path / "h")
    assert home.root == root
    assert home.socket == f"{root}/bridge.sock"
    for path in (home.database, home.secrets, home.lock, home.log, home.plugins):
        assert path.startswith(f"{root}/")


def test_a_relative_sat_home_becomes_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Home({"SAT_HOME": "h"}).root == str(tmp_path / "h")


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_sat_home_counts_as_unset(value, xdg):
    assert Home({"SAT_HOME": value, "HOME": "/home/a"}).data == "/home/a/.local/share/sat"


@pytest.mark.parametrize(
    "set_",
    [
        {},
        {"XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"},
        {"XDG_CACHE_HOME": "/k"},
        {"XDG_RUNTIME_DIR": "/r"},
    ],
)
def test_the_xdg_directories_are_those_of_platformdirs(xdg, monkeypatch, set_):
    for name, value in set_.items():
        monkeypatch.setenv(name, value)
    home = Home(os.environ)
    assert home.data == platformdirs.user_data_dir("sat")
    assert home.config == platformdirs.user_config_dir("sat")
    assert home.state == platformdirs.user_state_dir("sat")
    assert home.cache == platformdirs.user_cache_dir("sat")
    assert os.path.dirname(home.log) == platformdirs.user_log_dir("sat")
    if "XDG_RUNTIME_DIR" in set_:
        assert home.socket == "/r/sat/bridge.sock"


def test_a_relative_xdg_directory_is_ignored(xdg):
    # XDG base directory specification: "All paths … must be absolute … should … ignore".
    assert Home({"HOME": "/h", "XDG_DATA_HOME": "relative"}).data == "/h/.local/share/sat"


def test_without_runtime_directory_the_socket_is_in_the_temporary_folder(xdg):
    home = Home(os.environ)
    assert home.socket == f"{xdg}/sat-{os.getuid()}/bridge.sock"
    home.prepare()
    assert os.stat(home.runtime).st_mode & 0o7777 == 0o700


@pytest.mark.parametrize("extra", [0, 1])
def test_a_socket_path_has_at_most_107_bytes(extra):
    root = "/" + "é" * ((MAX_SOCKET_PATH - len("/bridge.sock") - 1) // 2)
    root += "x" * (MAX_SOCKET_PATH - len(os.fsencode(root)) - len("/bridge.sock") + extra)
    home = Home({"SAT_HOME": root})
    if not extra:
        assert len(os.fsencode(home.socket)) == MAX_SOCKET_PATH
        return
    with pytest.raises(CommandError, match=r"has 108 bytes.*SAT_HOME") as caught:
        home.socket  # noqa: B018
    assert caught.value.exit_code == 2


def test_prepare_makes_folders_for_the_owner_alone(tmp_path):
    old = os.umask(0o002)
    try:
        (tmp_path / "h").mkdir()
        home = Home({"SAT_HOME": str(tmp_path / "h")})
        home.prepare()
    finally:
        os.umask(old)
    for folder in (home.root, home.plugins):
        assert os.stat(folder).st_mode & 0o7777 == 0o700


def test_prepare_tells_why_a_folder_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"file/h can't be used: not a directory") as caught:
        Home({"SAT_HOME": str(tmp_path / "file" / "h")}).prepare()
    assert caught.value.exit_code == 7


class TestForeignRuntimeFolder:
    """In a temporary folder that everybody may write to, somebody may be there first."""

    def test_others_may_not_enter(self, xdg):
        folder = xdg / f"sat-{os.getuid()}"
        folder.mkdir(mode=0o700)
        socket_path()
        folder.chmod(0o750)
        with pytest.raises(CommandError, match=r"others may enter it.*chmod 700"):
            socket_path()

    def test_a_link_is_refused(self, xdg):
        (xdg / "elsewhere").mkdir(mode=0o700)
        (xdg / f"sat-{os.getuid()}").symlink_to(xdg / "elsewhere")
        with pytest.raises(CommandError, match="not a folder"):
            socket_path()
        with pytest.raises(CommandError, match="not a folder"):
            Home(os.environ).prepare()

    def test_another_users_is_refused(self, xdg, monkeypatch):
        (xdg / f"sat-{os.getuid()}").mkdir(mode=0o700)
        mine = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
        with pytest.raises(CommandError, match="belongs to another user"):
            socket_path()
