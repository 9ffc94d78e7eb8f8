"""Servers that live as long as one benchmark: PostgreSQL and Redis, in a folder and on a port of their own."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

#: How long a server may take to answer. Seconds.
PATIENCE = 30.0
#: PostgreSQL refuses to run as root; then it runs as the user that its packages create.
SERVER_USER = "postgres"


class Unavailable(Exception):
    """A server's programs are not installed on this machine."""


def free_port() -> int:
    """A port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class OwnPostgres:
    """A PostgreSQL cluster of our own, which may be stopped in the middle of things."""

    def __init__(self, folder: Path) -> None:
        self._programs = postgres_programs()
        self._folder = folder / "postgres"
        self._folder.mkdir()
        self._port = free_port()
        self._as_user = {}
        if os.geteuid() == 0:
            folder.chmod(0o711)
            shutil.chown(self._folder, SERVER_USER)
            self._as_user = {"user": SERVER_USER, "group": SERVER_USER, "extra_groups": []}
        self._run("initdb", "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        self._run("pg_ctl", "start", "--wait", "--log", str(self._folder / "log"), "--options", options)

    def stop(self) -> None:
        """Immediately: connections break, what was not committed is gone."""
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "--pgdata", str(self._folder / "data"), *arguments]
        with (self._folder.parent / "postgres.log").open("ab") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd=self._folder, **self._as_user)


def postgres_programs() -> Path:
    """The folder of PostgreSQL's server programs; raises ``Unavailable`` when they are not installed."""
    asked = shutil.which("pg_config")
    answers = [subprocess.run([asked, "--bindir"], capture_output=True, text=True).stdout.strip()] if asked else []
    on_path = shutil.which("pg_ctl")
    folders = [Path(answer) for answer in answers if answer] + ([Path(on_path).parent] if on_path else [])
    for folder in folders:
        if (folder / "pg_ctl").exists() and (folder / "initdb").exists():
            return folder
    raise Unavailable("PostgreSQL's server programs (initdb, pg_ctl) are not installed")


class OwnRedis:
    """A Redis of our own that keeps nothing: when it dies, the queue is gone, as after a crash."""

    def __init__(self, folder: Path) -> None:
        self._program = shutil.which("redis-server")
        if not self._program:
            raise Unavailable("redis-server is not installed")
        self._folder = folder
        self._port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        with (self._folder / "redis.log").open("ab") as log:
            command = [self._program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        wait_for_port(self._port)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class SharedPostgres:
    """A database of our own on a shared PostgreSQL server, which is never stopped."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._name = f"seedance_benchmark_{secrets.token_hex(4)}"
        self._execute(f"CREATE DATABASE {self._name}")

    @property
    def url(self) -> str:
        return urlsplit(self._server_url)._replace(path=f"/{self._name}").geturl()

    def stop(self) -> None:
        """Drop the database."""
        self._execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        import psycopg  # only where it is used: SQLite needs no driver

        server = urlsplit(self._server_url)
        url = server._replace(scheme="postgresql", path=server.path if server.path.strip("/") else "/postgres")
        with psycopg.connect(url.geturl(), autocommit=True) as connection:
            connection.execute(statement)


class SharedRedis:
    """A shared Redis server: only our own queue is deleted."""

    def __init__(self, url: str, cluster: str) -> None:
        self.url, self._queue = url, f"django_q:{cluster}:q"

    def stop(self) -> None:
        """Delete our queue."""
        import redis  # only where it is used: the ORM broker needs no client

        with redis.Redis.from_url(self.url) as client:
            client.delete(self._queue)


def wait_for_port(port: int) -> None:
    """Wait until a server listens there."""
    until = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > until:
            raise TimeoutError(f"no server listens on port {port}")
        time.sleep(0.05)
