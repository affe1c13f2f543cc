"""Progress and warnings on stderr: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
import typing as t

if t.TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LINE_SECONDS = 10.0


class Screen:
    """A context in which long work reports itself.

    Args:
        quiet: show neither progress nor warnings.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._started = time.monotonic()
        self._last_line = self._started

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def warn(self, message: str) -> None:
        """One line that the user should see."""
        if not self.quiet:
            self.note(f"warning: {' '.join(message.split())}")

    def note(self, message: str) -> None:
        """One line of information."""
        if self._bar is not None:
            self._bar.console.print(message, markup=False, highlight=False)
        else:
            print(message, file=sys.stderr)

    def progress(self, done: int, total: int) -> None:
        """`done` of `total` cases are finished."""
        if self.quiet:
            return
        if sys.stderr.isatty() and not os.environ.get("CI"):
            self._draw(done, total)
        elif done and (done == total or time.monotonic() - self._last_line > _LINE_SECONDS):
            self._last_line = time.monotonic()
            left = (self._last_line - self._started) * (total - done) / done
            self.note(f"{done} of {total} cases" + (f", about {left:.0f} s left" if done < total else ""))

    def _draw(self, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._bar is None:
            columns = (TextColumn("cases"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("cases", total=total)
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=total)
