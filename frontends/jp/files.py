"""``jp file``: files are opened here, and passed to the daemon, which opens no path of ours."""

import os
import sys

from sat.bridge.errors import CommandError
from sat.frontends.core.files import PIECE, open_file, own_name
from sat.frontends.jp.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sat.frontends.jp.progress import Bars

_ENDED = ("done", "failed", "cancelled")


def send(context: Context, params: dict[str, object]) -> int:
    """Send files to a contact; return 0 if all arrived.

    The descriptors are passed to the daemon, which never opens a path of ours. Interrupting this
    ends the waiting, not the transfers.
    """
    paths = params.pop("_files")
    assert isinstance(paths, list)
    if context.txn is not None and len(paths) > 1:
        raise CommandError("usage.txn", "--txn stands for one transfer: send one file at a time.")
    opened = []
    try:
        for path in paths:
            opened.append((path, open_file(path)))
        attach: dict[str, object] = {"types": ["transfer.changed", "transfer.progressed"]}
        if context.profile is not None:
            attach["profiles"] = [context.profile]
        context.client.call("state.attach", mode="events", **attach)
        transfers: dict[str, dict[str, object]] = {}
        for path, descriptor in opened:
            described = {
                **params,
                "name": own_name(path),
                "size": os.fstat(descriptor).st_size,
            }
            transfer = _hand_over(context, descriptor, context.complete(described))
            if isinstance(transfer, dict):
                transfers[str(transfer["id"])] = transfer
    finally:
        for _, descriptor in opened:
            os.close(descriptor)
    return _follow(context, transfers)


def fetch(context: Context, params: dict[str, object]) -> int:
    """Fetch a file of a message, and print where it is."""
    from sat.frontends.core.saving import NewFile

    path = _where(context, params)
    try:
        with NewFile(path) as new:
            found = _receive(context, new.descriptor, context.complete(params))
            new.keep()
    except OSError as error:
        exists = isinstance(error, FileExistsError)
        reason = "there is a file of that name already" if exists else error.strerror
        raise CommandError("failed.file", f"{path} can't be written: {reason}.") from error
    if context.json and isinstance(found, dict):
        context.record({**found, "path": path})
    elif not context.quiet:
        context.line(path)
    return 0


def _where(context: Context, params: dict[str, object]) -> str:
    """Return where a file is to be kept: under its own name, unless another is given."""
    from pathlib import Path

    from sat.bridge.model import Attachment
    from sat.frontends.core.saving import is_folder, safe_name
    from sat.frontends.core.views.names import file_name

    path = str(params.pop("_path", "."))
    if not is_folder(path):
        return path
    message = context.call("message.get", id=params["id"])
    files = message.get("attachments") if isinstance(message, dict) else None
    number = params.get("number", 0)
    assert isinstance(number, int)
    if not isinstance(files, list) or not 0 <= number < len(files):
        raise CommandError("unknown.file", f"The message {params['id']} has no file {number}.")
    file = files[number]
    return str(
        Path(path) / safe_name(file_name(Attachment(url=file["url"], name=file.get("name"))))
    )


def _receive(context: Context, descriptor: int, params: dict[str, object]) -> object:
    """Let the daemon fetch a file into an open one; in pieces, from another machine's daemon."""
    from sat.frontends.core.saving import MAX_SIZE

    client = context.client
    # A large file takes its time; what stands still the daemon gives up.
    client.timeout = context.timeout
    params["limit"] = MAX_SIZE
    if client.is_local:
        return client.call_with_files([descriptor], "file.fetch", **params)
    from binascii import a2b_base64

    blob = client.call("blob.open")
    found = client.call("file.fetch", blob=blob, **params)
    offset = 0
    while piece := a2b_base64(str(client.call("blob.read", id=blob, offset=offset, size=PIECE))):
        offset += os.pwrite(descriptor, piece, offset)
    return found


def _hand_over(context: Context, descriptor: int, params: dict[str, object]) -> object:
    """Give the daemon a file, and the order to send it.

    One on another machine gets it in pieces first: it can't be passed an open file.
    """
    client = context.client
    if client.is_local:
        return client.call_with_files([descriptor], "file.send", **params)
    from binascii import b2a_base64

    blob = client.call("blob.open", size=params["size"])
    offset = 0
    while piece := os.pread(descriptor, PIECE, offset):
        data = b2a_base64(piece, newline=False).decode()
        client.call("blob.write", id=blob, offset=offset, data=data)
        offset += len(piece)
    return client.call("file.send", blob=blob, **params)


def _follow(context: Context, transfers: dict[str, dict[str, object]]) -> int:
    bars = None
    # The bar is on standard error, as curl's is: what is printed is the address alone.
    if not context.json and not context.quiet and sys.stderr.isatty():
        from sat.frontends.jp.progress import Bars

        bars = Bars(list(transfers.values()))
    try:
        _wait(context, transfers, bars)
    except (KeyboardInterrupt, CommandError) as error:
        going_on = [id_ for id_, one in transfers.items() if one.get("state") not in _ENDED]
        if bars is not None:
            bars.close()
            bars = None
        if isinstance(error, CommandError) and error.name == "daemon.gone":
            raise
        for id_ in going_on:
            context.note(f"the transfer goes on; “jp transfer cancel {id_}” ends it")
        raise
    finally:
        if bars is not None:
            bars.close()
    return _report(context, transfers)


def _wait(context: Context, transfers: dict[str, dict[str, object]], bars: "Bars | None") -> None:
    """Take events until all transfers have ended."""
    left = {id_ for id_, one in transfers.items() if one.get("state") not in _ENDED}
    for one in transfers.values():
        _show(context, one, bars)
    if not left:
        return
    for event in context.client.events(context.timeout):
        data = event.get("data")
        if not isinstance(data, dict) or data.get("id") not in transfers:
            continue
        if event.get("type") == "transfer.changed":
            transfers[data["id"]] = data
        _show(context, data, bars)
        if data.get("state") in _ENDED:
            left.discard(data["id"])
            if not left:
                return


def _show(context: Context, data: dict[str, object], bars: "Bars | None") -> None:
    if context.json:
        context.record(data)
        sys.stdout.flush()
    elif bars is not None:
        bars.update(data)


def _report(context: Context, transfers: dict[str, dict[str, object]]) -> int:
    """Print where the files are, and what went wrong with the others."""
    failures = 0
    for id_, one in transfers.items():
        if one.get("state") == "done":
            if not context.json and not context.quiet:
                context.line(str(one.get("url") or id_))
            continue
        failures += 1
        reason = one.get("sentence") or "it was cancelled"
        # Failures are told to the quiet too.
        from sat.frontends.jp.context import complain

        complain(f"{one.get('name')} was not sent: {reason}")
    return 1 if failures else 0
