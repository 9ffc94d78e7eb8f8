"""Run the emulator from a shell until interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from .emulator import Emulator
from .options import Options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that `python -m seedance.emulator` and the management command share."""
    defaults = Options()
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on; 0 picks a free one")
    parser.add_argument(
        "--queue-seconds", type=float, default=defaults.queue_seconds, help="how long a task waits before it runs"
    )
    parser.add_argument("--run-seconds", type=float, default=defaults.run_seconds, help="how long a task runs")
    parser.add_argument("--no-render", action="store_true", help="serve the bundled clip instead of drawing videos")


def serve(options: dict[str, Any], write: Callable[[str], object]) -> None:
    """Serve until SIGINT or SIGTERM; `write` takes lines for the person at the terminal.

    Raises:
        ValueError: when the host is not loopback.
        OSError: when the port is taken.
    """
    emulator = Emulator(
        options["host"],
        options["port"],
        queue_seconds=options["queue_seconds"],
        run_seconds=options["run_seconds"],
        render=not options["no_render"],
    )
    asked_to_stop = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        asked_to_stop.set()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with emulator:
            write(
                f"Seedance emulator: {emulator.ark_url} (Ark), {emulator.volc_url} and {emulator.videos_url} (CometAPI)"
            )
            asked_to_stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m seedance.emulator", description="A local Seedance provider.")
    add_arguments(parser)
    options = vars(parser.parse_args(arguments))
    try:
        serve(options, lambda line: print(line, flush=True))
    except (OSError, ValueError) as exc:
        print(f"seedance.emulator: {exc}", file=sys.stderr)
        return 1
    return 0
