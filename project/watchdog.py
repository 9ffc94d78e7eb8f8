"""Ends process groups once the process that started them has ended, also by SIGKILL.

Run as a script. It reads process group ids from standard input, one per line, until the end of the input, which the
kernel closes when the parent process ends. Then it ends all groups, the last one first.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

#: Seconds between SIGTERM and SIGKILL.
GRACE_SECONDS = 20.0


def end_group(group: int, grace: float = GRACE_SECONDS) -> None:
    """Send SIGTERM to the leader of a process group, wait, then send SIGKILL to the rest of the group.

    Only the leader gets SIGTERM, because it stops its own children in the right order.
    """
    _send(os.kill, group, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while _is_running(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    _send(os.killpg, group, signal.SIGKILL)


def _is_running(pid: int) -> bool:
    with suppress(ChildProcessError):  # only the parent process can wait for it
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    return _send(os.kill, pid, 0)


def _send(kill: Callable[[int, int], None], target: int, number: int) -> bool:
    """Whether the target exists. A group that has ended may raise either error."""
    with suppress(ProcessLookupError, PermissionError):
        kill(target, number)
        return True
    return False


if __name__ == "__main__":
    groups = [int(line) for line in sys.stdin]
    for group in reversed(groups):
        end_group(group)
