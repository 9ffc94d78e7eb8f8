"""Sites in processes of their own: without a queue, with one in sync mode, on a PostgreSQL that goes away."""

import json
import os
import subprocess
import sys
import textwrap
import uuid

import psycopg
import pytest

from ..conftest import require_service

POSTGRES = "postgres://postgres@127.0.0.1:5432"
PLAIN = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "seedance"]

#: What every script begins with.
PREAMBLE = """
import io, json, os, subprocess, sys, threading, time
import django
django.setup()
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from seedance import queue, tasks
from seedance.models import GenerationTask, Lease

call_command("migrate", verbosity=0)

def create():
    return GenerationTask.objects.create_task(
        prompt="A paper boat.", model_name="doubao-seedance-1-5-pro-251215", duration=4, resolution="480p", submit=True
    )

def doctor():
    with io.StringIO() as out:
        try:
            call_command("seedance_doctor", stdout=out, no_color=True)
        except CommandError as exc:
            return [exc.returncode, out.getvalue()]
        return [0, out.getvalue()]

def health():
    answer = Client().get("/seedance/health/")
    return [answer.status_code, answer.json()["findings"]]
"""


class Site:
    """A site on a database of its own, used by scripts and commands."""

    def __init__(self, folder, provider, *, database="", settings=None, **django):
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST"))},
            "DJANGO_SETTINGS_MODULE": "tests.background.site",
            "PYTHONWARNINGS": "error",
            "SITE_DATABASE": database or f"sqlite:///{folder / 'site.sqlite3'}",
            "SITE_MEDIA": str(folder / "media"),
            "SITE_PROVIDER": provider.ark_url,
            "SITE_SETTINGS": json.dumps(settings or {}),
            "SITE_DJANGO": json.dumps(django),
        }
        self._running = []

    def run(self, script):
        """What a script says, as JSON in its last line."""
        command = [sys.executable, "-c", PREAMBLE + textwrap.dedent(script)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def manage(self, *arguments):
        """The exit status and the words of a command that ends."""
        command = [sys.executable, "-m", "django", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def start(self, *arguments):
        """A command that goes on until the test is over."""
        self._running.append(subprocess.Popen([sys.executable, "-m", "django", *arguments], env=self.environment))

    def stop(self):
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(30)
        self._running = []


@pytest.fixture
def site(tmp_path, provider):
    """Returns a function that makes a site; ``database`` is an URL, ``settings`` of ours, the rest of Django's."""
    made = []

    def make(**options):
        made.append(Site(tmp_path, provider, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def postgres_url():
    """An empty PostgreSQL database, dropped afterwards."""
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        server = None
    require_service("PostgreSQL", server is not None)
    name = f"seedance_i_{uuid.uuid4().hex[:12]}"
    with server:
        server.execute(f"CREATE DATABASE {name}")
        yield f"{POSTGRES}/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
