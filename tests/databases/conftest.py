"""Sites with databases of their own, each walked through in a process of its own."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ..conftest import require_service

POSTGRES = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": "5432", "USER": "postgres"}
MARIADB = {"ENGINE": "django.db.backends.mysql", "HOST": "127.0.0.1", "PORT": "3306", "USER": "root"}

SQLITE_OPTIONS = {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;"}


@dataclass(frozen=True)
class Walked:
    """What a walk through a site found."""

    failures: dict[str, str]
    #: How many statements each database got, by alias and kind.
    statements: dict[str, dict[str, int]] = field(default_factory=dict)
    #: What was written to a replica.
    written: list[str] = field(default_factory=list)


try:
    import MySQLdb
except ImportError:  # extra "mariadb", which not every machine can build
    MySQLdb = None


def postgres(statement: str) -> None:
    """One statement on the server, outside of any transaction."""
    with psycopg.connect("postgres://postgres@127.0.0.1:5432/postgres", autocommit=True, connect_timeout=2) as there:
        there.execute(statement)


def mariadb(statement: str) -> None:
    """One statement on the server."""
    there = MySQLdb.connect(host="127.0.0.1", port=3306, user="root", connect_timeout=2)
    try:
        there.cursor().execute(statement)
    finally:
        there.close()


def _reachable(run: Callable[[str], None]) -> bool:
    try:
        run("SELECT 1")
    except psycopg.OperationalError:
        return False
    except Exception as exc:
        if MySQLdb is None or isinstance(exc, MySQLdb.OperationalError):
            return False
        raise
    return True


@pytest.fixture(scope="module")
def new_database() -> Iterator[Callable[[str], dict[str, Any]]]:
    """Returns a function that makes an empty database of a vendor and gives its settings; dropped afterwards."""
    made: list[tuple[Callable[[str], None], str]] = []

    def make(vendor: str) -> dict[str, Any]:
        name = f"seedance_walk_{uuid.uuid4().hex[:12]}"
        if vendor == "postgresql":
            require_service("PostgreSQL", _reachable(postgres))
            postgres(f"CREATE DATABASE {name}")
            made.append((postgres, f"DROP DATABASE {name} WITH (FORCE)"))
            return {**POSTGRES, "NAME": name}
        require_service("MariaDB", _reachable(mariadb))
        mariadb(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        made.append((mariadb, f"DROP DATABASE {name}"))
        return {**MARIADB, "NAME": name, "OPTIONS": {"charset": "utf8mb4"}}

    yield make
    for run, statement in made:
        run(statement)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Walked]:
    """Returns a function that walks through a site with these databases and this router."""

    def run(
        databases: dict[str, dict[str, Any]],
        router: str = "",
        *,
        migrate: tuple[str, ...] = ("default",),
        freeze: str = "",
    ) -> Walked:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.databases.site",
            "SITE_DATABASES": json.dumps(
                {name: {**values, "ATOMIC_REQUESTS": True} for name, values in databases.items()}
            ),
            "SITE_ROUTERS": json.dumps([f"tests.databases.routers.{router}"] if router else []),
            "SITE_MEDIA": str(tmp_path_factory.mktemp("media")),
        }
        script = "from tests.databases.walk import main; main()"
        command = [sys.executable, "-c", script, json.dumps(migrate), freeze]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return Walked(**json.loads(done.stdout.splitlines()[-1]))

    return run


def sqlite(path: Path, name: str) -> dict[str, Any]:
    """Settings of a SQLite database in a file."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path / f"{name}.sqlite3"), "OPTIONS": SQLITE_OPTIONS}
