"""Run the whole site on one machine, emulator, web server and cluster, and make a first video with it."""

import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

import requests
from django.conf import settings
from django.core.management import call_command
from rich.console import Console

from seedance.conf import provider
from seedance.models import GenerationTask

from .accounts import fresh_token, operator
from .processes import Processes, free_port
from .progress import StageProgress
from .sample import PROMPT, STORED, ApiClient, model_name, stages

OPERATOR = "operator"
#: Seconds until a server must have answered its first request.
START_SECONDS = 60.0
EMULATOR_PORT = 8765


class NotReady(Exception):
    """A server did not answer in time; the message names it."""


@dataclass(frozen=True)
class Access:
    """URL and credentials of the site."""

    url: str
    password: str
    token: str

    @property
    def api_url(self) -> str:
        """The base URL of the REST API."""
        return f"{self.url}seedance/api/v1/"


class Demonstration:
    """Starts the site, sends the sample request, reports to the console.

    Args:
        pause: waits for a number of seconds; raises to stop the demonstration.
    """

    def __init__(self, processes: Processes, console: Console, pause: Callable[[float], None]) -> None:
        self._processes = processes
        self._console = console
        self._pause = pause

    def start(self, port: int) -> Access:
        """Prepare the database, start everything, and wait until the site answers.

        Raises:
            NotReady: a server did not answer in time.
            ProcessEnded: one of the programs stopped.
        """
        self._say("Preparing the database …")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("seedance_schedule", stdout=StringIO())
        password = secrets.token_urlsafe(9)
        token = fresh_token(operator(OPERATOR, password))
        access = Access(f"http://127.0.0.1:{port}/", password, token)
        environment = self._start_emulator() | _served_locally()
        self._manage("web", ["runserver", f"127.0.0.1:{port}", "--noreload", "--nostatic"], environment)
        self._manage("cluster", ["qcluster"], environment)
        self._wait_for("web server", access.url)
        return access

    def introduce(self, access: Access) -> None:
        """Print URLs and credentials."""
        self._say(f"Site        {access.url}")
        self._say(f"Admin       {access.url}admin/   user {OPERATOR}, password {access.password}")
        self._say(f"API         {access.api_url}docs/")
        self._say(f"API token   {access.token}")

    def make_video(self, access: Access) -> None:
        """Send the sample request and wait until its video is stored.

        Raises:
            SampleFailed: there will be no video.
        """
        client = ApiClient(access.api_url, access.token)
        model = model_name()
        self._say(f"\nPOST {access.api_url}tasks/   {model}\n  {PROMPT}")
        task = client.create(model, PROMPT)
        with StageProgress(self._console) as progress:
            for stage, seen in stages(client, task["id"], lambda: self._pause(0.5)):
                progress.enter_stage(stage, last=stage == STORED)
                task = seen
        self._say(f"\nVideo       {_location(task)}")
        self._say(f"            {_size(task['video']['bytes'])}, {_length(task['result'])}")

    def serve(self) -> None:
        """Run until ``pause`` raises."""
        self._say("\nPress Ctrl-C to stop everything.")
        while True:
            self._pause(1.0)

    def _start_emulator(self) -> dict[str, str]:
        """Start the emulator unless another provider is configured. Returns variables for the other processes."""
        configured = settings.SEEDANCE["PROVIDERS"]["default"]
        if configured["PRESET"] != "emulator" or "BASE_URL" in configured:
            self._say(f"Provider    {configured['PRESET']}, {provider().BASE_URL}: videos are made and billed there")
            return {}
        port = free_port(EMULATOR_PORT)
        self._manage("emulator", ["seedance_emulator", "--port", str(port)], {})
        base_url = f"http://127.0.0.1:{port}/api/v3"
        self._wait_for("emulator", base_url)
        self._say(f"Provider    the emulator, {base_url}: nothing leaves this machine, nothing is billed")
        return {"SEEDANCE_BASE_URL": base_url}

    def _manage(self, name: str, arguments: list[str], environment: dict[str, str]) -> None:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
        self._processes.start(name, command, environment)

    def _wait_for(self, name: str, url: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        with requests.Session() as session:
            session.trust_env = False
            while not _answers(session, url):
                if time.monotonic() > deadline:
                    raise NotReady(f"The {name} did not answer at {url} within {START_SECONDS:.0f} seconds.")
                self._pause(0.2)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _served_locally() -> dict[str, str]:
    """Environment that lets the site answer plain HTTP on this machine, whatever its public URL is."""
    hosts = [*settings.ALLOWED_HOSTS, "127.0.0.1"]
    return {"HTTPS_ONLY": "0", "ALLOWED_HOSTS": ",".join(hosts), "PYTHONUNBUFFERED": "1"}


def _answers(session: requests.Session, url: str) -> bool:
    try:
        session.get(url, timeout=5)
    except requests.RequestException:
        return False
    return True


def _location(task: dict[str, Any]) -> str:
    """The path of the file; its URL if the storage is not a local one."""
    try:
        return os.path.realpath(GenerationTask.objects.get(pk=task["id"]).video.path)
    except NotImplementedError:
        return str(task["video"]["url"])


def _size(count: int) -> str:
    return f"{count / 1000:,.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"


def _length(result: dict[str, Any] | None) -> str:
    duration = (result or {}).get("duration")
    return "of unknown length" if duration is None else f"{duration} seconds"
