"""A real cluster in processes of its own: news is noticed, kill -9 loses and doubles nothing, a stop is prompt."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import SAMPLE_MODEL, SAMPLE_PROMPT

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60


class Site:
    """The demonstration site on a database of its own, with a cluster that can be started and killed."""

    def __init__(self, folder, provider):
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST"))},
            "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
            "MEDIA_ROOT": str(folder / "media"),
            "SEEDANCE_PRESET": "emulator",
            "SEEDANCE_BASE_URL": provider.ark_url,
            "SECRET_KEY": "for-tests-only-" + "x" * 50,
            "DJANGO_SETTINGS_MODULE": "project.settings",
        }
        self._environment.pop("REDIS_URL", None)
        self._clusters = []
        self._log = (folder / "cluster.log").open("w")

    def manage(self, *arguments):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start_cluster(self):
        cluster = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            cwd=ROOT,
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._clusters.append(cluster)
        return cluster

    def create_task(self):
        return self.manage(
            "shell",
            "--verbosity",
            "0",
            "-c",
            "from seedance.models import GenerationTask as T; "
            f"print(T.objects.create_task(prompt={SAMPLE_PROMPT!r}, model_name={SAMPLE_MODEL!r}, duration=4, "
            "resolution='480p', submit=True).pk)",
        )

    def status(self, pk):
        return self.manage(
            "shell",
            "--verbosity",
            "0",
            "-c",
            f"from seedance.models import GenerationTask as T; t = T.objects.get(pk={pk!r}); "
            "print('stored' if t.video else t.status)",
        )

    def wait_for(self, pk, status):
        until = time.monotonic() + PATIENCE
        while (now := self.status(pk)) != status:
            assert time.monotonic() < until, f"still {now}, not {status}"
            time.sleep(0.2)

    def close(self):
        for cluster in self._clusters:
            kill(cluster)
        self._log.close()


def kill(cluster):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(cluster.pid, signal.SIGKILL)
    cluster.wait()


@pytest.fixture
def site(tmp_path, provider):
    provider.configure(queue_seconds=3600)
    running = Site(tmp_path, provider)
    running.manage("migrate", "--verbosity", "0")
    running.manage("seedance_schedule")
    yield running
    running.close()


def test_cluster_killed_while_a_task_is_queued_finishes_the_same_task(site, provider):
    first = site.start_cluster()
    pk = site.create_task()
    site.wait_for(pk, "queued")

    kill(first)
    site.start_cluster()
    provider.finish()
    site.wait_for(pk, "stored")

    assert len(provider.creates) == 1


def test_cluster_with_an_awake_round_stops_when_told(site, provider):
    cluster = site.start_cluster()
    pk = site.create_task()
    site.wait_for(pk, "queued")

    cluster.send_signal(signal.SIGTERM)
    cluster.wait(timeout=20)

    assert cluster.returncode == 0
