"""What a plugin asks: shown to every frontend, answered once, and gone with the plugin."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests.backend.support import house, until

PAGE = Path(__file__).resolve().parents[2] / "doc" / "plugins" / "index.rst"


def example(name: str) -> str:
    """Return the plugin of the documentation that has a name."""
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", PAGE.read_text("utf-8"))
    (found,) = [one for one in blocks if f'name = "{name}"' in one]
    return dedent(found)


FAULTY = """
from sat.plugin import JID, Form, Level, NotConnected, Plugin, command, parse_jid, question


class Faulty(Plugin):
    \"\"\"Ask, and fail.\"\"\"

    name = "faulty"

    @command(level=Level.SEND)
    async def ask(self, kind: str, peer: str | None = None) -> None:
        \"\"\"Ask.\"\"\"
        jid = parse_jid(peer) if peer else None
        await self.host.ask(kind, f"about {peer}", Form(title="F"), peer=jid)

    @command(level=Level.SEND)
    async def withdraw(self, peer: str | None = None) -> bool:
        \"\"\"Ask no more.\"\"\"
        return await self.host.withdraw("bug", peer=parse_jid(peer) if peer else None)

    @question("bug")
    async def bug(self, peer: JID | None, values: dict[str, list[str]]) -> None:
        \"\"\"Fail.\"\"\"
        raise KeyError("oops")

    @question("cut")
    async def cut(self, peer: JID | None, values: dict[str, list[str]]) -> None:
        \"\"\"Find no stream.\"\"\"
        raise NotConnected("gone")
"""


async def test_the_example_of_the_documentation(reactor, tmp_path):
    async with house(reactor, tmp_path, {"lunch": example("lunch")}) as home:
        await home.profile(connect=False)
        dishes = ["Pizza", "Sushi", "Fugu"]
        await home.call("lunch.plan", dishes=dishes)
        await home.call("lunch.plan", dishes=dishes)
        [asked] = await home.call("question.list")
        assert (asked["kind"], asked["sentence"]) == ("lunch.dish", "What will it be?")
        wrong = await home.refused("question.answer", id=asked["id"], values={"dish": ["Soup"]})
        assert wrong.name == "usage.answer"
        await home.call("question.answer", id=asked["id"], values={"dish": ["Sushi"]})
        assert await home.call("lunch.today") == "Sushi"
        await home.expect("question.closed", name=asked["id"])
        # What the plugin itself refuses is told to the one who answered.
        await home.call("lunch.plan", dishes=dishes)
        [asked] = await home.call("question.list")
        refused = await home.refused("question.answer", id=asked["id"], values={"dish": ["Fugu"]})
        assert refused.name == "failed.lunch"
        assert await home.call("question.list") == []


FULL = """
from sat.plugin import JID, Field, Form, Level, Plugin, command, question


class Full(Plugin):
    \"\"\"Ask for everything.\"\"\"

    name = "full"

    @command(level=Level.SEND)
    async def ask(self) -> None:
        \"\"\"Ask.\"\"\"
        fields = (
            Field(name="note", kind="fixed", value=("read",)),
            Field(name="key", kind="hidden", value=("k",)),
            Field(name="nick", value=("al",), required=True),
            Field(name="about", kind="text-multi"),
            Field(name="pin", kind="text-private"),
            Field(name="late", kind="boolean", value=("true",)),
            Field(name="dish", kind="list-single", options=("a", "b")),
            Field(name="sides", kind="list-multi", options=("c", "d")),
            Field(name="host", kind="jid-single"),
            Field(name="guests", kind="jid-multi"),
        )
        await self.host.ask("all", "What?", Form(fields=fields))

    @command(level=Level.READ)
    async def answered(self) -> dict[str, list[str]]:
        \"\"\"Return what was answered.\"\"\"
        return self.values

    @question("all")
    async def all(self, peer: JID | None, values: dict[str, list[str]]) -> None:
        \"\"\"Keep it.\"\"\"
        self.values = values
"""
HAD = {"key": ["k"], "nick": ["al"], "late": ["true"]}


async def test_what_is_left_out_is_as_the_form_has_it(reactor, tmp_path):
    async with house(reactor, tmp_path, {"full": FULL}) as home:
        await home.profile(connect=False)
        answers = (
            {},
            {"late": ["0"], "about": ["x", "y"], "pin": ["1"], "dish": ["b"]},
            {"sides": ["c", "d"], "host": ["a@x.test"], "guests": ["b@x.test", "c@x.test/d"]},
            {"note": ["read"], "key": ["k"], "late": []},
        )
        for given in answers:
            await home.call("full.ask")
            [asked] = await home.call("question.list")
            await home.call("question.answer", id=asked["id"], values=given)
            assert await home.call("full.answered") == HAD | given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"other": ["x"]}, "has no field other"),
        ({"note": ["x"]}, "note can't be changed"),
        ({"key": ["x"]}, "key can't be changed"),
        ({"nick": ["a", "b"]}, "nick takes one value, not 2"),
        ({"nick": []}, "needs an answer for: nick"),
        ({"nick": [""]}, "needs an answer for: nick"),
        ({"pin": ["a", "b"]}, "pin takes one value"),
        ({"late": ["perhaps"]}, "late must be true or false"),
        ({"dish": ["c"]}, "dish must be one of: a, b"),
        ({"dish": ["a", "b"]}, "dish takes one value"),
        ({"sides": ["c", "a"]}, "sides must be one of: c, d"),
        ({"host": ["@"]}, "host must be an address"),
        ({"guests": ["a@x.test", ""]}, "guests must be an address"),
    ],
)
async def test_a_value_that_can_not_be_is_named(reactor, tmp_path, given, said):
    async with house(reactor, tmp_path, {"full": FULL}) as home:
        await home.profile(connect=False)
        await home.call("full.ask")
        [asked] = await home.call("question.list")
        refused = await home.refused("question.answer", id=asked["id"], values=given)
        assert refused.name == "usage.answer" and said in refused.sentence
        # It still waits for an answer.
        assert await home.call("question.list") == [asked]


async def test_it_is_answered_after_a_restart(reactor, tmp_path):
    async with house(reactor, tmp_path, {"lunch": example("lunch")}) as home:
        await home.profile(connect=False)
        await home.call("lunch.plan", dishes=["Pizza"])
        for again in (home.restart, home.crash):
            await again()
            [asked] = await home.call("question.list")
        await home.call("question.answer", id=asked["id"], values={"dish": ["Pizza"]})
        assert await home.call("lunch.today") == "Pizza"


async def test_it_is_taken_back_with_its_plugin(reactor, tmp_path):
    async with house(reactor, tmp_path, {"lunch": example("lunch"), "faulty": FAULTY}) as home:
        await home.profile(connect=False)
        await home.call("lunch.plan", dishes=["Pizza"])
        await home.call("faulty.ask", kind="bug", peer="bob@server.test")
        await home.call("plugin.unload", name="lunch")
        await home.expect("question.closed")
        [left] = await home.call("question.list")
        assert left["kind"] == "faulty.bug"
        await home.call("plugin.load", name="lunch")
        await home.call("lunch.plan", dishes=["Sushi"])
        assert len(await home.call("question.list")) == 2
        # So it is when the file is deleted.
        (Path(home.paths.plugins) / "faulty.py").unlink()
        await home.expect("question.closed", name=left["id"])


async def test_an_answer_that_is_not_taken_in_is_asked_again(reactor, tmp_path):
    async with house(reactor, tmp_path, {"faulty": FAULTY}) as home:
        await home.profile(connect=False)
        for kind, name in (("bug", "failed.plugin"), ("cut", "offline.profile")):
            await home.call("faulty.ask", kind=kind)
            [asked] = await home.call("question.list")
            error = await home.refused("question.answer", id=asked["id"], values={})
            assert error.name == name
            await home.expect("question.closed", name=asked["id"])
            [again] = await home.call("question.list")
            assert (again["kind"], again["id"] != asked["id"]) == (f"faulty.{kind}", True)
            await home.call("plugin.unload", name="faulty")
            await home.call("plugin.load", name="faulty")
            await home.expect("question.closed", name=again["id"])


@pytest.mark.parametrize("peer", [None, "bob@server.test"])
async def test_the_same_is_asked_once_and_withdrawn(reactor, tmp_path, peer):
    async with house(reactor, tmp_path, {"faulty": FAULTY}) as home:
        await home.profile(connect=False)
        for _ in range(2):
            await home.call("faulty.ask", kind="bug", peer=peer)
        await home.call("faulty.ask", kind="bug", peer="other@server.test")
        assert len(await home.call("question.list")) == 2
        assert await home.call("faulty.withdraw", peer=peer) is True
        assert await home.call("faulty.withdraw", peer=peer) is False
        [left] = await home.call("question.list")
        assert left["peer"] == "other@server.test"


async def test_a_plugin_asks_neither_without_end_nor_what_it_does_not_handle(reactor, tmp_path):
    async with house(reactor, tmp_path, {"faulty": FAULTY}) as home:
        await home.profile(connect=False)
        for n in range(100):
            await home.call("faulty.ask", kind="bug", peer=f"n{n}@server.test")
        error = await home.refused("faulty.ask", kind="bug", peer="more@server.test")
        assert error.name == "failed.limit"
        assert len(await home.call("question.list")) == 100
        assert (await home.refused("faulty.ask", kind="other")).name == "failed.plugin"
        await home.call("plugin.unload", name="faulty")
        await until(reactor, lambda: home.rows("SELECT count(*) FROM question") == [(0,)])


async def test_what_a_plugin_asked_that_was_deleted_meanwhile_waits_for_it(reactor, tmp_path):
    async with house(reactor, tmp_path, {"lunch": example("lunch")}) as home:
        await home.profile(connect=False)
        await home.call("lunch.plan", dishes=["Pizza"])
        file = Path(home.paths.plugins) / "lunch.py"
        text = file.read_text()
        file.unlink()
        await home.crash()
        [asked] = await home.call("question.list")
        error = await home.refused("question.answer", id=asked["id"], values={"dish": ["Pizza"]})
        assert (error.name, "is not loaded" in error.sentence) == ("unknown.question", True)
        file.write_text(text)
        await home.crash()
        await home.call("question.answer", id=asked["id"], values={"dish": ["Pizza"]})
        assert await home.call("lunch.today") == "Pizza"
