"""``make demo`` as a whole: three servers, one video, and no process left."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import av
import pytest

from project.processes import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PORTS_APART = 50


@pytest.fixture
def site(tmp_path, marked):
    """The environment of a site of its own, without anything that the developer's shell says."""
    dropped = ("COMETAPI_KEY", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "ALLOWED_HOSTS", "HTTPS_ONLY", "DEBUG")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith(("SEEDANCE_", "COV_", "COVERAGE_"))
    }
    return (
        inherited
        | marked
        | {
            "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
            "MEDIA_ROOT": str(tmp_path / "media"),
            "SECRET_KEY": "for-this-test-only-" + "x" * 50,
        }
    )


@pytest.fixture
def port(request):
    """Far from the ports of the tests that run at the same time."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return free_port(18000 + PORTS_APART * int(worker))


@pytest.fixture
def start_demo(site, port):
    """Start the demonstration; the test gets the process, and it is stopped afterwards whatever happened."""
    started = []

    def start(*arguments, **variables):
        command = [sys.executable, "manage.py", "demo", "--port", str(port), *arguments]
        process = subprocess.Popen(
            command, cwd=ROOT, env=site | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=90)


def read_until(process, words):
    """The output up to and with the first line that has these words in it; all of it when there is none."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            break
    return "".join(lines)


def test_once_makes_a_playable_video_and_leaves_nothing_running(start_demo, running, wait_until):
    demo = start_demo("--once")

    output, _ = demo.communicate(timeout=300)

    assert demo.returncode == 0, output
    path = Path(re.search(r"^Video\s+(\S.*\.mp4)$", output, re.MULTILINE)[1])
    with av.open(path) as film:
        assert next(film.decode(video=0)).width > 0
    assert re.search(r"queued|running", output)
    assert wait_until(lambda: not running())


def test_once_says_why_there_is_no_video(start_demo, running, wait_until):
    demo = start_demo("--once", SEEDANCE_PRESET="cometapi", SEEDANCE_BASE_URL="http://127.0.0.1:9")

    output, _ = demo.communicate(timeout=300)

    assert demo.returncode == 1, output
    assert "CommandError: There is no video; the task is pending." in output
    assert "API_KEY" in output
    assert "Traceback" not in output
    assert wait_until(lambda: not running())


def test_once_gives_up_when_it_takes_too_long(start_demo):
    demo = start_demo("--once", "--timeout", "10", SEEDANCE_BASE_URL="http://127.0.0.1:9/api/v3")

    output, _ = demo.communicate(timeout=300)

    assert demo.returncode == 1, output
    assert "No video was stored within 10 seconds" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo_that_is_asked_to_stop_leaves_nothing_running(start_demo, running, wait_until, number):
    demo = start_demo()
    read_until(demo, "API token")

    demo.send_signal(number)

    output, _ = demo.communicate(timeout=120)
    assert demo.returncode == 0, output
    assert wait_until(lambda: not running())


def test_demo_that_is_killed_leaves_nothing_running(start_demo, running, wait_until):
    demo = start_demo()
    read_until(demo, "API token")

    demo.kill()

    demo.wait()
    assert wait_until(lambda: not running(), seconds=90)


def test_demo_ends_when_one_of_its_programs_does(start_demo, running, wait_until):
    demo = start_demo()
    read_until(demo, "API token")
    web = next(process for process in running() if b"runserver" in (process / "cmdline").read_bytes())

    os.kill(int(web.name), signal.SIGKILL)

    output, _ = demo.communicate(timeout=120)
    assert demo.returncode == 1
    assert "web process was killed by SIGKILL" in output or "web server does not answer" in output
    assert wait_until(lambda: not running())


def test_demo_serves_on_another_port_when_the_wanted_one_is_taken(start_demo, port):
    with socket.create_server(("127.0.0.1", port)):
        demo = start_demo()

        output = read_until(demo, "Site ")

    assert f"127.0.0.1:{port}/" not in output
    assert re.search(r"Site\s+http://127\.0\.0\.1:\d+/", output)
