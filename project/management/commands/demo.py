"""``manage.py demo``, which ``make demo`` runs."""

import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from project.demonstration import Demonstration, NotReady
from project.processes import ProcessEnded, Processes, free_port
from project.sample import SampleFailed

#: Exit status of a process that was ended by Ctrl-C.
INTERRUPTED = 130


class _Stopped(Exception):
    """A signal requested to stop."""


class _TooLate(Exception):
    """The first video exceeded the timeout."""


class Command(BaseCommand):
    """Start the site and send the sample request. Every process that it starts ends with it."""

    help = "Starts emulator, web server and cluster, makes a first video, and serves until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """All are optional."""
        parser.add_argument("--once", action="store_true", help="exit as soon as the first video is stored")
        parser.add_argument("--port", type=int, default=8000, help="port to serve on, or the first free one after it")
        parser.add_argument("--timeout", type=float, default=900, help="seconds the first video may take (900)")

    def handle(self, *args: Any, once: bool, port: int, timeout: float, **options: Any) -> None:
        """Run until stopped. Signals only set a flag, so that starting a process is never interrupted."""
        self._stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())
        self._deadline = time.monotonic() + timeout
        port = free_port(port)
        try:
            with Processes(settings.VAR_DIR / "log" / str(port)) as processes:
                self._run(processes, once, port)
        except _Stopped:
            if once:
                raise CommandError("Stopped before the video was stored.", returncode=INTERRUPTED) from None
            self.stdout.write("Stopped.")
        except _TooLate:
            raise CommandError(f"No video was stored within {timeout:.0f} seconds.") from None
        except (NotReady, ProcessEnded, SampleFailed) as error:
            raise CommandError(str(error)) from error

    def _run(self, processes: Processes, once: bool, port: int) -> None:
        def pause(seconds: float) -> None:
            if self._stop.wait(seconds):
                raise _Stopped
            processes.check()
            if time.monotonic() > self._deadline:
                raise _TooLate

        demonstration = Demonstration(processes, Console(), pause)
        access = demonstration.start(port)
        demonstration.introduce(access)
        demonstration.make_video(access)
        if not once:
            self._deadline = float("inf")
            demonstration.serve()
