"""Ends process groups once the program that started them is gone, however it went.

Run as a script. It reads one process group id a line from its standard input; the end of the input, which also comes
when the starter is killed, is the sign to end them all, last one first.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

#: How long a program may take to end by itself once it was asked to, in seconds.
GRACE_SECONDS = 20.0


def end_group(group: int, grace: float = GRACE_SECONDS) -> None:
    """Ask the leader of a process group to end, and kill whatever of the group is left after that.

    The leader alone is asked: it knows in which order its own children are to stop.
    """
    _send(os.kill, group, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while _is_running(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    _send(os.killpg, group, signal.SIGKILL)


def _is_running(pid: int) -> bool:
    with suppress(ChildProcessError):  # only its parent can see the end of it there
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    return _send(os.kill, pid, 0)


def _send(kill: Callable[[int, int], None], target: int, number: int) -> bool:
    """Whether there was anybody to receive the signal. A dead group may answer with either error."""
    with suppress(ProcessLookupError, PermissionError):
        kill(target, number)
        return True
    return False


if __name__ == "__main__":
    groups = [int(line) for line in sys.stdin]
    for group in reversed(groups):
        end_group(group)
