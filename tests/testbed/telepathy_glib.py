"""A client of Telepathy as desktops have them, with TelepathyGLib: ``ACCOUNT PASSWORD CONTACT``.

It lists the connection managers, makes an account, goes online, and writes to the contact. It is
run by the system's own Python, which has the bindings.
"""

import sys
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("TelepathyGLib", "0.12")
from gi.repository import GLib, TelepathyGLib  # noqa: E402

_LIMIT = 60


def wait(begin: Callable[..., object], finish: Callable[..., Any]) -> Any:
    """Run an asynchronous function to its end; return what it gives."""
    loop = GLib.MainLoop()
    answers: list[object] = []

    def done(_: object, result: object, *__: object) -> None:
        answers.append(result)
        loop.quit()

    begin(done)
    timer = GLib.timeout_add_seconds(_LIMIT, loop.quit)
    loop.run()
    if not answers:
        sys.exit(f"no answer of {finish} within {_LIMIT} s")
    GLib.source_remove(timer)
    return finish(answers[0])


def main() -> None:
    """Do it."""
    account_id, password, contact = sys.argv[1:]
    bus = TelepathyGLib.DBusDaemon.dup()
    managers = wait(
        lambda done: TelepathyGLib.list_connection_managers_async(bus, done, None),
        TelepathyGLib.list_connection_managers_finish,
    )
    for manager in managers:
        for protocol in manager.dup_protocols():
            names = [
                one for one in protocol.dup_param_names() if protocol.get_param(one).is_required()
            ]
            print("manager", manager.get_name(), protocol.get_name(), *names)
    accounts = TelepathyGLib.AccountManager.dup()
    wait(lambda done: accounts.prepare_async(None, done, None), accounts.prepare_finish)
    request = TelepathyGLib.AccountRequest.new(accounts, "sat", "jabber", "Mine")
    request.set_parameter("account", GLib.Variant("s", account_id))
    request.set_parameter("password", GLib.Variant("s", password))
    request.set_enabled(True)
    account = wait(
        lambda done: request.create_account_async(done, None), request.create_account_finish
    )
    available = TelepathyGLib.ConnectionPresenceType.AVAILABLE
    wait(
        lambda done: account.request_presence_async(available, "available", "", done, None),
        account.request_presence_finish,
    )
    wanted = TelepathyGLib.AccountChannelRequest.new_text(account, 0)
    wanted.set_target_id(TelepathyGLib.HandleType.CONTACT, contact)
    channel, _ = wait(
        lambda done: wanted.ensure_and_handle_channel_async(None, done, None),
        wanted.ensure_and_handle_channel_finish,
    )
    normal = TelepathyGLib.ChannelTextMessageType.NORMAL
    message = TelepathyGLib.ClientMessage.new_text(normal, "by TelepathyGLib")
    flags = TelepathyGLib.MessageSendingFlags(0)
    token = wait(
        lambda done: channel.send_message_async(message, flags, done, None),
        channel.send_message_finish,
    )
    print("sent", token)


if __name__ == "__main__":
    main()
