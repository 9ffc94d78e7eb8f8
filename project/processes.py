"""Child processes that end with the process that starts them."""

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

#: Number of ports that are tried before any free one is taken.
_TRIED_PORTS = 20


class ProcessEnded(Exception):
    """A process ended by itself; the message has its name, exit status and last lines of output."""


def free_port(wanted: int) -> int:
    """A free port of 127.0.0.1: the wanted one, one of the next, or any."""
    for port in (*range(wanted, min(wanted + _TRIED_PORTS, 65536)), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("No port is free on 127.0.0.1.")


class Processes:
    """Context manager that starts processes, each in its own process group, and ends them all on exit.

    If this process is killed, a watchdog process ends them instead.
    """

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        reading, writing = (
            os.pipe()
        )  # only the watchdog inherits it, so it sees the end of the pipe when this process ends
        self._pipe = os.fdopen(writing, "wb", buffering=0)
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
        self._pipe.close()
        self._watchdog.wait()

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start a process; its output goes to ``<name>.log``.

        Args:
            environment: variables to add or change.
        """
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - the caller's own commands, no user input
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[name] = process
        self._pipe.write(f"{process.pid}\n".encode())

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self._log_dir / f"{name}.log"

    def check(self) -> None:
        """Check that all processes still run.

        Raises:
            ProcessEnded: for the first that has ended.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessEnded(self._describe_end(name, process.returncode))

    def _describe_end(self, name: str, status: int) -> str:
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
        last_lines = self.log(name).read_text(errors="replace").splitlines()[-5:]
        return "\n  ".join([f"The {name} process {how}. The end of {self.log(name)}:", *last_lines])
