"""What a plugin does in a running daemon, and what its faults do not do to anyone else."""

import pytest

from tests.backend.support import house, until

HEAD = '''
from sat.plugin import *
from sat.plugin import iq_get, message_stage, presence, outgoing_message, outgoing_presence

class One(Plugin):
    """A plugin for a test."""

    name = "one"
'''

RAISING = (
    HEAD
    + """
    features = ("urn:test:one",)

    @iq_get("urn:test:sync", "q")
    def sync(self, request):
        raise RuntimeError("sync iq")

    @iq_get("urn:test:async", "q")
    async def later(self, request):
        raise RuntimeError("async iq")

    @message_stage(Stage.VALIDATE)
    def validate(self, incoming):
        raise RuntimeError("validate")

    @message_stage(Stage.NOTIFY)
    async def notify(self, incoming):
        raise RuntimeError("notify")

    @presence()
    def seen(self, stanza):
        raise RuntimeError("presence")

    @outgoing_message()
    def add(self, message, stored):
        raise RuntimeError("outgoing message")

    @outgoing_presence()
    def add_presence(self, stanza):
        raise RuntimeError("outgoing presence")

    def connected(self):
        raise RuntimeError("connected")

    def unload(self):
        raise RuntimeError("unload")
"""
)


async def test_a_plugin_that_raises_everywhere_harms_nothing(reactor, tmp_path):
    async with house(reactor, tmp_path, {"one": RAISING}) as home:
        alice = await home.profile()
        peer = alice.peer
        peer.send("<presence from='bob@server.test/x'/>")
        peer.send("<message from='bob@server.test/x' type='chat'><body>hi</body></message>")
        await home.expect("message.added", body="hi")
        for name in ("sync", "async"):
            peer.send(
                f"<iq type='get' id='{name}' from='bob@server.test/x'>"
                f"<q xmlns='urn:test:{name}'/></iq>"
            )
            await peer.expect(f"<iq type='error' id='{name}' to='bob@server.test/x'/>")
            await home.expect(
                "plugin.failed", name="one", sentence=lambda text, name=name: f"{name} iq" in text
            )
        await home.call("message.send", to="bob@server.test", body="out", wait="acknowledged")
        [info] = [info for info in await home.call("plugin.list") if info["name"] == "one"]
        assert info["state"] == "loaded"
        assert "raised RuntimeError" in info["sentence"]
        status = await home.call("daemon.status")
        assert info in status["plugins"]
        assert (await home.call("plugin.unload", name="one"))["state"] == "unloaded"
        assert not any(event["type"] == "profile.removed" for event in home.frontend.events)


NAMED = (
    HEAD
    + """
    @message_stage(Stage.VALIDATE)
    def first(self, incoming):
        if incoming.stanza.body == "drop me not":
            incoming.stanza = Message(
                type="chat",
                from_=incoming.stanza.from_,
                body="another",
                extensions=[Element(("urn:test:named", "x"))],
            )

    @message_stage(Stage.CORRECT, "urn:test:named")
    def second(self, incoming):
        incoming.stanza.body += " seen"

    @message_stage(Stage.NOTIFY, "urn:test:named")
    def third(self, incoming):
        raise RuntimeError("told of " + incoming.stored.body)
"""
)


async def test_a_handler_that_names_a_namespace_gets_what_has_it(reactor, tmp_path):
    async with house(reactor, tmp_path, {"one": NAMED}) as home:
        alice = await home.profile()
        for number, (body, inside) in enumerate(
            (
                ("with", "<x xmlns='urn:test:named'/>"),
                ("without", "<x xmlns='urn:test:other'><x xmlns='urn:test:named'/></x>"),
                ("drop me not", ""),
            )
        ):
            alice.peer.send(
                f"<message from='bob@server.test/x' type='chat' id='m{number}'>"
                f"<body>{body}</body>{inside}</message>"
            )
        for body in ("with seen", "without", "another seen"):
            await home.expect("message.added", body=body)
        await home.expect("plugin.failed", sentence=lambda text: "told of" in text)


COMMAND = (
    HEAD
    + '''
    greeting = option("hello", choices=("hello", "hi"), help="how to greet")

    @command(level=Level.READ)
    async def greet(self, who: str) -> str:
        """Greet someone.

        :param who: whom
        """
        return f"{self.greeting} {who}"
'''
)


async def test_a_plugin_comes_and_goes_in_a_running_daemon(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        assert (await home.refused("one.greet", who="bob")).name == "unknown.method"
        path = home.plugin("one", COMMAND)
        await home.expect("plugin.loaded", name="one")
        await home.expect("api.changed")
        assert await home.call("one.greet", who="bob") == "hello bob"
        await home.call("option.set", name="one.greeting", value="hi")
        assert await home.call("one.greet", who="bob") == "hi bob"
        described = await home.call("api.describe")
        assert "one.greet" in str(described["methods"])
        path.unlink()
        await home.expect("plugin.unloaded", name="one")
        assert (await home.refused("one.greet", who="bob")).name == "unknown.method"
        assert "one.greet" not in str((await home.call("api.describe"))["methods"])
        assert (await home.refused("option.get", name="one.greeting")).name == "unknown.option"


async def test_a_setting_outlives_its_plugin(reactor, tmp_path):
    async with house(reactor, tmp_path, {"one": COMMAND}) as home:
        await home.profile(connect=False)
        await home.call("option.set", name="one.greeting", value="hi")
        await home.call("plugin.unload", name="one")
        await home.call("plugin.load", name="one")
        assert await home.call("one.greet", who="bob") == "hi bob"
        await home.restart()
        assert await home.call("one.greet", who="bob") == "hi bob"


async def test_a_plugin_cannot_take_a_command_of_the_core(reactor, tmp_path):
    async with house(reactor, tmp_path) as home:
        await home.profile(connect=False)
        home.plugin("one", COMMAND.replace("@command(", '@command("message.list", '))
        await home.expect("plugin.failed", name="one")
        assert await home.call("message.list", peer="bob@server.test") == []
        await home.call("option.list")
        assert (await home.refused("plugin.load", name="one")).name == "failed.plugin"
        assert await home.call("message.list", peer="bob@server.test") == []


UNLUCKY = (
    HEAD
    + """
    def load(self):
        if self.profile == "bob":
            raise RuntimeError("not with bob")
"""
)


async def test_a_plugin_that_one_profile_cannot_load_keeps_no_other_from_it(reactor, tmp_path):
    plugins = {"one": UNLUCKY, "two": COMMAND.replace('"one"', '"zwei"').replace("One", "Two")}
    async with house(reactor, tmp_path, plugins) as home:
        await home.profile("alice", connect=False)
        bob = await home.profile("bob")
        assert await home.call("zwei.greet", who="x", profile="bob") == "hello x"
        bob.peer.send("<iq type='get' id='1' from='server.test'><ping xmlns='urn:xmpp:ping'/></iq>")
        await bob.peer.expect("<iq type='result' id='1'/>")
        [info] = [info for info in await home.call("plugin.list") if info["name"] == "one"]
        assert "not with bob" in info["sentence"]


BUSY = (
    HEAD
    + """
    def load(self):
        from twisted.internet.defer import Deferred
        self.host.spawn(self.work(Deferred()), "waiting")
        self.host.later(3600, lambda: None)
        self.host.later(0.05, lambda: 1 / 0)

    async def work(self, never):
        await never
"""
)


async def test_what_a_plugin_has_begun_ends_with_it(reactor, tmp_path):
    def late() -> int:
        far = reactor.seconds() + 99
        return sum(timer.getTime() > far for timer in reactor.getDelayedCalls())

    async with house(reactor, tmp_path, {"one": BUSY}) as home:
        await home.profile(connect=False)
        await home.expect("plugin.failed", sentence=lambda text: "ZeroDivisionError" in text)
        before = late()
        await home.call("plugin.unload", name="one")
        await home.expect("plugin.unloaded", name="one")
        await home.forbid("plugin.failed", sentence=lambda text: "Cancelled" in text)
        assert late() == before - 1
        [info] = [info for info in await home.call("plugin.list") if info["name"] == "one"]
        assert (info["state"], info["sentence"]) == ("unloaded", "")


DROPPING = (
    HEAD
    + """
    @message_stage(Stage.VALIDATE)
    def refuse(self, incoming):
        if incoming.stanza.body == "spam":
            incoming.drop("spam")

    @message_stage(Stage.CORRECT)
    async def wait(self, incoming):
        from twisted.internet import task
        if incoming.stanza.body == "slow":
            await task.deferLater(self.host._live.core.reactor, 0.1, lambda: None)
"""
)


async def test_stages_drop_and_wait_in_order(reactor, tmp_path):
    async with house(reactor, tmp_path, {"one": DROPPING}) as home:
        alice = await home.profile()
        for body in ("slow", "spam", "fast"):
            alice.peer.send(
                f"<message from='bob@server.test/x' type='chat'><body>{body}</body></message>"
            )
        await home.expect("message.added", body="fast")
        bodies = [one["body"] for one in await home.call("message.list", peer="bob@server.test")]
        assert bodies == ["slow", "fast"]
        await home.forbid("message.added", 0, body="spam")

        def acknowledged() -> bool:
            alice.peer.send("<r xmlns='urn:xmpp:sm:3'/>")
            return bool(alice.peer.acks) and alice.peer.acks[-1] >= 4

        await until(reactor, acknowledged)


@pytest.mark.parametrize("way", ["required", "emit"])
async def test_what_is_not_declared_cannot_be_reached(reactor, tmp_path, way):
    body = {
        "required": 'self.host.required("ping")',
        "emit": "from sat.bridge.events import ApiChanged\n"
        "        from sat.bridge.model import Changed\n"
        '        await self.host.emit(ApiChanged(Changed(api="1")))',
    }[way]
    plugin = HEAD + (
        "\n    def load(self):\n        self.host.spawn(self.work(), 'work')\n"
        f"\n    async def work(self):\n        {body}\n"
    )
    async with house(reactor, tmp_path, {"one": plugin}) as home:
        await home.profile(connect=False)
        await home.expect("plugin.failed", sentence=lambda text: "does not declare" in text)


TALKATIVE = (
    HEAD
    + """
    @message_stage(Stage.VALIDATE)
    def look(self, incoming):
        raise ValueError(incoming.stanza.body)
"""
)


async def test_the_same_fault_is_told_once_whatever_strangers_send(reactor, tmp_path):
    async with house(reactor, tmp_path, {"one": TALKATIVE}) as home:
        alice = await home.profile()
        for number in range(20):
            alice.peer.send(
                f"<message from='eve@evil.test/x' type='chat'><body>{number}</body></message>"
            )
        await home.expect("message.added", body="19")
        await home.expect("plugin.failed", sentence="its handler look raised ValueError: 0")
        await home.forbid("plugin.failed", sentence=lambda text: not text.endswith(": 0"))
