"""The lines of README's section on REST, as somebody copies them, bring an mp4."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from threading import Event, Thread

import pytest
from django.db import connection
from rest_framework.authtoken.models import Token

from seedance import tasks
from seedance.models import GenerationTask

from ..conftest import require_service

README = Path(__file__).parents[2] / "README.md"

pytestmark = pytest.mark.django_db(transaction=True)


def lines_of_readme(site):
    """The shell commands of the section, for a site at another address."""
    section = README.read_text().partition("### Over REST")[2]
    block = re.search(r"```console\n(.*?)```", section, re.DOTALL)[1]
    return re.sub(r"^\$ ", "", block, flags=re.MULTILINE).replace("http://127.0.0.1:8000", site)


@pytest.fixture
def slow_worker(provider, settings):
    """A worker that stores a video only a while after it has succeeded."""
    provider.configure(queue_seconds=0, run_seconds=0)
    entry = settings.SEEDANCE["PROVIDERS"]["default"]
    quick = {**entry, "FIRST_POLL_SECONDS": 0, "POLL_SECONDS": 0.1}
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": quick}}
    over = Event()

    def work():
        while not over.wait(0.1):
            tasks.send_pending()
            tasks.poll_due()
            if GenerationTask.objects.filter(status="succeeded").exists():
                time.sleep(1)
            tasks.archive_next()
        connection.close()

    thread = Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.slow
def test_lines_of_the_readme_bring_a_playable_file(live_server, user, slow_worker, tmp_path):
    require_service("a shell with curl", bool(shutil.which("curl") and shutil.which("bash")))
    environment = {**os.environ, "TOKEN": Token.objects.create(user=user).key}

    done = subprocess.run(
        ["bash", "-e", "-c", lines_of_readme(live_server.url)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    (file,) = tmp_path.iterdir()
    assert done.returncode == 0, done.stderr
    assert (file.suffix, file.read_bytes()[4:8]) == (".mp4", b"ftyp")
