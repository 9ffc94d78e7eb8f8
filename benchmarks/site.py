"""Everything that a benchmark runs on: folders, database, broker, and the site's own processes."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import django
from django.core.management import call_command

from .provider import ProviderProcess
from .services import OwnPostgres, OwnRedis, SharedPostgres, SharedRedis, free_port, wait_for_port

ROOT = Path(__file__).resolve().parent.parent


class Site:
    """A throw-away site. Leaving the ``with`` block ends every process and removes every file.

    Args:
        database: ``sqlite``, ``postgres`` for a server of our own, or the address of a PostgreSQL server on which a
            database of our own is made.
        redis: empty for the ORM broker, ``redis`` for a server of our own, or an address.
        keep_log: where the log of the site's processes is kept.
    """

    def __init__(self, database: str = "sqlite", redis: str = "", keep_log: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="seedance-benchmark-"))
        self._keep_log = keep_log
        self._processes: list[subprocess.Popen[bytes]] = []
        self._provider: ProviderProcess | None = None
        self.postgres: OwnPostgres | SharedPostgres | None = None
        self.redis: OwnRedis | SharedRedis | None = None
        try:
            self._start_services(database, redis)
        except BaseException:
            self.close()
            raise
        self._log = (self.folder / "site.log").open("ab")
        self.web_port = free_port()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def web_url(self) -> str:
        """Where the web server listens once it is started."""
        return f"http://127.0.0.1:{self.web_port}"

    def start_provider(self, **options: Any) -> ProviderProcess:
        """The emulator, in a process of its own."""
        self._provider = ProviderProcess(**options)
        return self._provider

    def prepare(self, seedance: dict[str, Any], **q_cluster: Any) -> None:
        """Choose the settings, for this process as for all that follow, and make the tables and schedules."""
        self._environment["BENCHMARK_SEEDANCE"] = json.dumps(seedance)
        self._environment["BENCHMARK_Q_CLUSTER"] = json.dumps({"name": self.folder.name, **q_cluster})
        os.environ.update(self._environment)
        django.setup()
        call_command("migrate", verbosity=0)
        call_command("seedance_schedule", verbosity=0)

    def start_cluster(self) -> subprocess.Popen[bytes]:
        """A ``manage.py qcluster`` that is the leader of its own process group."""
        return self._start("qcluster")

    def start_web(self) -> None:
        """A web server, for callbacks."""
        self._start("runserver", f"127.0.0.1:{self.web_port}", "--noreload", "--nostatic")
        wait_for_port(self.web_port)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """``kill -9`` to a whole process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._processes.remove(process)

    def close(self) -> None:
        """End and remove everything."""
        for process in list(self._processes):
            self.kill(process)
        if self._provider:
            self._provider.stop()
        if django.apps.apps.ready:
            from django.db import connections

            connections.close_all()
        for service in (self.postgres, self.redis):
            if service:
                service.stop()
        if self._keep_log and (self.folder / "site.log").exists():
            shutil.copy(self.folder / "site.log", self._keep_log)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_services(self, database: str, redis: str) -> None:
        self._environment = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "MEDIA_ROOT": str(self.folder / "media"),
            "SECRET_KEY": "for-benchmarks-only-" + "x" * 50,
            "REDIS_URL": "",
        }
        if redis:
            self.redis = OwnRedis(self.folder) if redis == "redis" else SharedRedis(redis, self.folder.name)
            self._environment["REDIS_URL"] = self.redis.url
        if database == "sqlite":
            self._environment["DATABASE_URL"] = f"sqlite:///{self.folder / 'site.sqlite3'}"
            return
        self.postgres = OwnPostgres(self.folder) if database == "postgres" else SharedPostgres(database)
        self._environment["DATABASE_URL"] = self.postgres.url

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env={**os.environ, **self._environment},
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._processes.append(process)
        return process


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table with aligned columns."""
    lines = [list(headings), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    rule = ["-" * width for width in widths]
    for line in (lines[0], rule, *lines[1:]):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |", flush=True)
