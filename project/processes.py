"""Programs that live exactly as long as the one that starts them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from . import watchdog

#: How many neighbours of the wanted port are tried before any free one is taken.
_NEIGHBOURS = 20


class ProcessEnded(Exception):
    """A program stopped although nobody asked it to; says which, how, and what it wrote last."""


def free_port(wanted: int) -> int:
    """A port of 127.0.0.1 that nobody listens on: the wanted one, or one near it, or any."""
    for port in (*range(wanted, min(wanted + _NEIGHBOURS, 65536)), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("No port is free on 127.0.0.1.")


class Processes:
    """Starts programs, each in a process group of its own, and ends them all when the block is left.

    Should this very process be killed, so that nothing here runs any more, a watchdog process ends them instead.
    """

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()  # inherited by nobody but the watchdog, so it closes when we are gone
        self._lifeline = os.fdopen(writing, "wb", buffering=0)
        self._watchdog = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, watchdog.__file__], stdin=reading, start_new_session=True
        )
        os.close(reading)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in reversed(self._running.values()):
            watchdog.end_group(process.pid)
            process.wait()
        self._lifeline.close()
        self._watchdog.wait()

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start a program; what it prints goes to ``<name>.log``.

        Args:
            environment: variables to change or add.
        """
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - the caller's own commands, never a visitor's words
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[name] = process
        self._lifeline.write(f"{process.pid}\n".encode())

    def log(self, name: str) -> Path:
        """Where a program's output goes."""
        return self._log_dir / f"{name}.log"

    def check(self) -> None:
        """Make sure that all of them still run.

        Raises:
            ProcessEnded: for the first that does not.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessEnded(self._obituary(name, process.returncode))

    def _obituary(self, name: str, status: int) -> str:
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
        last_words = self.log(name).read_text(errors="replace").splitlines()[-5:]
        return "\n  ".join([f"The {name} process {how}. The end of {self.log(name)}:", *last_words])
