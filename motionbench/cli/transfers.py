"""Progress of downloads on stderr: bars with speed and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
import typing as t

if t.TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LINE_SECONDS = 10.0


class Transfers:
    """A context in which downloads report themselves.

    Args:
        quiet: show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._first: tuple[str, float, int] = ("", 0.0, 0)  # name, when it began, bytes that were there already
        self._last = 0.0

    def __enter__(self) -> Transfers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def show(self, name: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of `name` are there."""
        if self.quiet:
            return
        if sys.stderr.isatty() and not os.environ.get("CI"):
            self._draw(name, done, total)
            return
        now = time.monotonic()
        if self._first[0] != name:
            self._first, self._last = (name, now, done), now
        whole = f" of {total / 1e6:.1f}" if total else ""
        if done == total:
            print(f"{name}: {done / 1e6:.1f}{whole} MB", file=sys.stderr)
        elif now - self._last > _LINE_SECONDS:
            self._last = now
            _, began, before = self._first
            speed = (done - before) / (now - began)
            left = f", about {(total - done) / speed:.0f} s left" if total and speed else ""
            print(f"{name}: {done / 1e6:.1f}{whole} MB{left}", file=sys.stderr)

    def _draw(self, name: str, done: int, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        if self._bars is None:
            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
            self._bars = Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=Console(stderr=True))
            self._bars.start()
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)
