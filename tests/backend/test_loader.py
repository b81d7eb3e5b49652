"""Finding and loading plugins: what requires what, what can't be loaded, what comes and goes."""

import sys

import pytest

from sat.backend.loader import Loader, PluginFault

PLUGIN = '''
from sat.plugin import Plugin

class One(Plugin):
    """A plugin for a test."""

    name = "{name}"
    requires = {requires!r}
    version = "{version}"
'''


def text(name: str, *requires: str, version: str = "1") -> str:
    """Return a plugin's file."""
    return PLUGIN.format(name=name, requires=requires, version=version)


class Folder:
    """A loader whose plugins are those of a folder alone, and what it tells."""

    def __init__(self, path) -> None:
        self.path = path
        self.told: list[tuple[str, str]] = []
        self.order: list[str] = []
        self.loader = Loader(path)
        self.loader.attach(
            lambda loaded: self.order.append(f"+{loaded.kind.name}"),
            lambda loaded: self.order.append(f"-{loaded.kind.name}"),
            lambda what, info: self.told.append((what, info.name)),
        )

    def write(self, name: str, content: str) -> None:
        """Write a plugin's file, as far as a loader can tell at another time."""
        (self.path / f"{name}.py").write_text(content)

    def state(self, name: str) -> tuple[str, str]:
        """Return the state of a plugin, and its sentence."""
        info = next(info for info in self.loader.infos if info.name == name)
        return info.state, info.sentence


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plugins").mkdir()
    return Folder(tmp_path / "plugins")


def test_what_is_required_is_loaded_before(folder):
    folder.write("a", text("a", "b", "c"))
    folder.write("b", text("b", "c"))
    folder.write("c", text("c"))
    folder.loader.load_all()
    own = [step for step in folder.order if step[1:] in "abc"]
    assert own == ["+c", "+b", "+a"]
    assert [one.kind.name for one in folder.loader.loaded if one.kind.name in "abc"] == [
        "c",
        "b",
        "a",
    ]


def test_what_is_missing_is_named(folder):
    folder.write("a", text("a", "nowhere"))
    folder.loader.look()
    state, sentence = folder.state("a")
    assert state == "failed"
    assert "nowhere" in sentence
    assert folder.order == []


def test_a_cycle_is_told(folder):
    folder.loader.look()
    folder.write("a", text("a", "b"))
    folder.write("b", text("b", "a"))
    folder.write("c", text("c", "c"))
    folder.loader.look()
    told = " ".join(folder.state(name)[1] for name in "abc")
    assert {folder.state(name)[0] for name in "abc"} == {"failed"}
    assert "it requires itself: a > b > a" in told or "it requires itself: b > a > b" in told
    assert "it requires itself: c > c" in told


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("this is no Python", "SyntaxError"),
        ("\0", "null bytes"),
        ("import nothing_of_that_name", "nothing_of_that_name"),
        ("x = 1", "one class derived from Plugin, not 0"),
        (text("a").replace('"a"', '"not a word"'), "no word of letters"),
        (text("a").replace('"a"', "['a']"), "its name"),
        (text("a").replace('"a"', "5"), "its name"),
        (text("a") + text("b").replace("One", "Two"), "not 2"),
        (
            text("a") + "    from sat.plugin import command\n    @command()\n"
            "    async def f(self, x: object()) -> None: pass\n",
            "could not be loaded",
        ),
        (
            text("a") + "    from sat.plugin import command\n    @command()\n"
            "    async def f(self, x): pass\n",
            "has no type",
        ),
    ],
)
def test_what_raises_on_load_harms_nothing(folder, content, reason):
    folder.write("bad", content)
    folder.write("good", text("good"))
    folder.loader.look()
    failed = [info for info in folder.loader.infos if info.state == "failed"]
    assert len(failed) == 1
    assert reason in failed[0].sentence
    assert folder.state("good") == ("loaded", "")
    folder.write("bad", text("mended"))
    folder.loader.look()
    assert folder.state("mended") == ("loaded", "")
    assert len(folder.loader.infos) == 2


def test_a_file_that_changes_is_loaded_anew(folder):
    folder.write("a", text("a"))
    folder.loader.look()
    folder.loader.look()
    assert folder.order == ["+a"]
    folder.write("a", text("a", version="2.0"))
    folder.loader.look()
    assert folder.order == ["+a", "-a", "+a"]
    assert folder.loader.infos[0].version == "2.0"
    (folder.path / "a.py").unlink()
    folder.loader.look()
    assert folder.loader.infos == []
    assert folder.order[-1] == "-a"
    assert folder.told[-1] == ("unloaded", "a")


def test_who_requires_it_goes_and_comes_with_it(folder):
    folder.write("a", text("a"))
    folder.write("b", text("b", "a"))
    folder.loader.look()
    folder.write("a", text("a", version="2.0"))
    folder.loader.look()
    assert folder.order == ["+a", "+b", "-b", "-a", "+a", "+b"]
    (folder.path / "a.py").unlink()
    folder.loader.look()
    assert folder.state("b")[0] == "failed"
    assert "a" in folder.state("b")[1]
    folder.write("a", text("a"))
    folder.loader.look()
    assert folder.state("b") == ("loaded", "")


def test_a_plugin_in_use_stays(folder):
    folder.write("a", text("a"))
    folder.write("b", text("b", "a"))
    folder.loader.look()
    with pytest.raises(PluginFault, match="b requires a: unload it first"):
        folder.loader.unload("a")
    folder.loader.unload("b")
    assert folder.loader.unload("a").state == "unloaded"
    assert folder.order == ["+a", "+b", "-b", "-a"]
    folder.loader.look()
    assert folder.state("a") == ("unloaded", "")
    assert folder.loader.load("b").state == "loaded"
    assert folder.state("a") == ("loaded", "")
    with pytest.raises(KeyError):
        folder.loader.load("nowhere")


def test_a_name_can_be_taken_once(folder):
    folder.write("first", text("same"))
    folder.write("second", text("same"))
    folder.loader.look()
    assert folder.state("same") == ("loaded", "")
    failed = [info for info in folder.loader.infos if info.state == "failed"]
    assert len(failed) == 1
    assert "is taken by" in failed[0].sentence
    assert "first.py" in failed[0].sentence


@pytest.mark.parametrize("content", [text("ping"), "raise RuntimeError"])
def test_a_file_named_like_a_built_in_plugin_leaves_that_alone(folder, content):
    folder.write("ping", content)
    folder.loader.load_all()
    assert folder.state("ping") == ("loaded", "")
    failed = [info for info in folder.loader.infos if info.state == "failed"]
    assert [info.source.rpartition("/")[2] for info in failed] == ["ping.py"]
    (folder.path / "ping.py").unlink()
    folder.loader.look()
    assert folder.state("ping") == ("loaded", "")
    assert "-ping" not in folder.order


def test_what_fails_while_it_is_taken_into_use_is_taken_back(folder):
    def refuse(loaded) -> None:
        raise RuntimeError("not here")

    folder.loader.attach(
        refuse,
        lambda loaded: folder.order.append(f"-{loaded.kind.name}"),
        lambda what, info: folder.told.append((what, info.name)),
    )
    folder.write("a", text("a"))
    folder.loader.look()
    assert folder.order == ["-a"]
    assert folder.told == [("failed", "a")]
    assert "not here" in folder.state("a")[1]


def test_hidden_files_are_left_alone(folder):
    for name in ("_private", ".swap"):
        folder.write(name, "raise RuntimeError")
    (folder.path / "notes.txt").write_text("no plugin")
    folder.loader.look()
    assert folder.loader.infos == []


def test_a_folder_that_is_not_there(tmp_path):
    folder = Folder(tmp_path / "nowhere")
    folder.loader.look()
    assert folder.loader.infos == []


def test_another_distribution_brings_one(folder, tmp_path, monkeypatch):
    site = tmp_path / "site"
    info = site / "thirdparty-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[sat.plugins]\nthird = sat_thirdparty_test:One\nbroken = sat_thirdparty_missing:One\n"
    )
    (site / "sat_thirdparty_test.py").write_text(text("third"))
    monkeypatch.syspath_prepend(str(site))
    try:
        folder.loader.load_all()
    finally:
        sys.modules.pop("sat_thirdparty_test", None)
    assert folder.state("third") == ("loaded", "")
    broken = [info for info in folder.loader.infos if "sat_thirdparty_missing" in info.source]
    assert [info.state for info in broken] == ["failed"]


def test_every_plugin_of_the_house_can_be_loaded(folder):
    folder.loader.load_all()
    assert {info.name for info in folder.loader.infos} >= {
        "caps",
        "ping",
        "receipts",
        "upload",
        "version",
    }
    assert {info.state for info in folder.loader.infos} == {"loaded"}
    assert all(info.summary for info in folder.loader.infos)
