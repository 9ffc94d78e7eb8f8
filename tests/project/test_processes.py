"""Processes end with the process that started them, also after SIGKILL."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from project import watchdog
from project.processes import ProcessEnded, Processes, free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
FAMILY = [
    sys.executable,
    "-c",
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])",
]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def test_all_have_ended_when_the_block_is_left(tmp_path, marked, running, wait_until):
    with Processes(tmp_path) as processes:
        processes.start("one", SLEEP, marked)
        processes.start("family", FAMILY, marked)
        assert wait_until(lambda: len(running()) == 3)

    assert wait_until(lambda: not running())


def test_all_have_ended_when_the_block_fails(tmp_path, marked, running, wait_until):
    with pytest.raises(RuntimeError), Processes(tmp_path) as processes:
        processes.start("one", SLEEP, marked)
        raise RuntimeError

    assert wait_until(lambda: not running())


def test_one_that_will_not_end_is_killed(tmp_path, marked, running, wait_until):
    with subprocess.Popen(STUBBORN, env=os.environ | marked, stdout=subprocess.PIPE, start_new_session=True) as process:
        process.stdout.readline()

        watchdog.end_group(process.pid, grace=0.2)

        assert wait_until(lambda: not running())


def test_all_end_when_their_starter_is_killed(tmp_path, marked, running, wait_until):
    code = (
        "import sys, time; from pathlib import Path; from project.processes import Processes\n"
        f"with Processes(Path({str(tmp_path)!r})) as processes:\n"
        f"    processes.start('one', {SLEEP!r}, {{}})\n"
        f"    processes.start('family', {FAMILY!r}, {{}})\n"
        "    time.sleep(600)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ | marked)
    assert wait_until(lambda: len(running()) == 5)  # starter, watchdog, one, and the family of two

    starter.kill()

    starter.wait()
    assert wait_until(lambda: not running())


def test_one_that_ended_by_itself_is_reported_with_its_last_words(tmp_path, wait_until):
    command = [sys.executable, "-c", "print('the last words'); raise SystemExit(3)"]

    with Processes(tmp_path) as processes, pytest.raises(ProcessEnded, match="exit status 3") as error:
        processes.start("short", command, {})
        wait_until(lambda: processes.check())

    assert "the last words" in str(error.value)


def test_one_that_was_killed_is_reported_with_the_signal(tmp_path, marked, running, wait_until):
    with Processes(tmp_path) as processes, pytest.raises(ProcessEnded, match="SIGKILL"):
        processes.start("one", SLEEP, marked)
        wait_until(lambda: running())
        os.kill(int(running()[0].name), signal.SIGKILL)
        wait_until(lambda: processes.check())


def test_free_port_is_the_wanted_one_when_it_is_free():
    wanted = free_port(0)

    assert free_port(wanted) == wanted


def test_free_port_is_another_one_when_the_wanted_one_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]

        assert free_port(taken) != taken
