"""Progress bars of transfers, on a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from sat.frontends.core.clean import clean_line


class Bars:
    """A bar for each of some transfers; ``close`` leaves them as they are.

    :param transfers: ``Transfer`` objects of the bridge
    """

    def __init__(self, transfers: list[dict[str, object]]) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[object, TaskID] = {}
        for one in transfers:
            name = escape(clean_line(str(one.get("name"))))
            size = one.get("size")
            total = size if isinstance(size, int) else None
            self._tasks[one["id"]] = self._progress.add_task(name, total=total)
        self._progress.start()

    def update(self, data: dict[str, object]) -> None:
        """Move a bar to what a ``Transfer`` or a ``Progress`` object says."""
        done = data.get("done")
        if data.get("state") == "done":
            done = data.get("size")
        if isinstance(done, int) and data.get("id") in self._tasks:
            self._progress.update(self._tasks[data["id"]], completed=done)

    def close(self) -> None:
        """Draw the bars a last time, and give the terminal back."""
        self._progress.stop()
