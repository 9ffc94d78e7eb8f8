"""Progress of a task: bars on a terminal, plain lines elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class StageProgress:
    """One indeterminate bar per stage, since the provider reports no percentage."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=40),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._current: TaskID | None = None
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def enter_stage(self, name: str, *, last: bool = False) -> None:
        """Complete the previous stage and begin this one; the last stage is complete at once."""
        if self._current is not None:
            self._fill(self._current)
        self._current = self._bars.add_task(name, total=None)
        if last:
            self._fill(self._current)
        if not self._console.is_terminal:
            seconds = time.monotonic() - self._started
            self._console.print(f"{seconds:6.1f} s  {name}", highlight=False)

    def _fill(self, bar: TaskID) -> None:
        self._bars.update(bar, total=1, completed=1)
