"""The promise of exactly once, in small: real clusters in processes of their own, a faulty provider, and kill -9.

The same at full size, with outages of the servers, is ``python -m benchmarks.chaos``; both use one check.
"""

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.services import Unavailable, postgres_programs
from tests.conftest import require_service

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
#: Three kills on the way, then everything dies at once while claims are held.
SMALL = (
    "--tasks 60 --clusters 2 --kill-every 2 --min-kills 3 --max-kills 3 --blackout --run-seconds 1 --faults 0.08 "
    "--flagged-patience 3"
)


#: The servers that a developer's machine and CI have anyway, for where no programs are to start own ones with.
POSTGRES, REDIS = "postgres://postgres@127.0.0.1:5432/postgres", "redis://127.0.0.1:6379/9"


def servers():
    """Own ones where their programs are installed; else those that listen here; empty where there are none."""
    try:
        own_postgres = bool(postgres_programs())
    except Unavailable:
        own_postgres = False
    postgres = "postgres" if own_postgres else POSTGRES if listens(POSTGRES) else ""
    redis = "redis" if shutil.which("redis-server") else REDIS if listens(REDIS) else ""
    return postgres, redis


def listens(address):
    parts = urlsplit(address)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


def chaos(*arguments):
    """Run it; the exit status is the result, the text what was found."""
    command = [sys.executable, "-m", "benchmarks.chaos", *SMALL.split(), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_chaos_on_sqlite_loses_and_doubles_nothing():
    done = chaos("--database", "sqlite")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.postgres
@pytest.mark.redis
def test_chaos_on_postgres_and_redis_loses_and_doubles_nothing():
    postgres, redis = servers()
    require_service("PostgreSQL", bool(postgres))
    require_service("Redis", bool(redis))

    done = chaos("--database", postgres, "--redis", redis)

    assert done.returncode == 0, done.stdout + done.stderr
