"""The promise of exactly once, in small: real clusters in processes of their own, a faulty provider, and kill -9.

The same at full size, with outages of the servers, is ``python -m benchmarks.chaos``; both share one judge.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.services import Unavailable, postgres_programs
from tests.conftest import require_service

ROOT = Path(__file__).resolve().parent.parent.parent
#: Three kills on the way, then everything dies at once while claims are held.
SMALL = (
    "--tasks 60 --clusters 2 --kill-every 2 --least-kills 3 --most-kills 3 --blackout --run-seconds 1 --faults 0.08 "
    "--aftermath 3"
)


def has_postgres_programs():
    try:
        return bool(postgres_programs())
    except Unavailable:
        return False


def chaos(*arguments):
    """Run it; the exit status tells the verdict, the text whatever was found."""
    command = [sys.executable, "-m", "benchmarks.chaos", *SMALL.split(), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_chaos_on_sqlite_loses_and_doubles_nothing():
    done = chaos("--database", "sqlite")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.postgres
@pytest.mark.redis
def test_chaos_on_postgres_and_redis_loses_and_doubles_nothing():
    require_service("PostgreSQL (initdb, pg_ctl)", has_postgres_programs())
    require_service("Redis (redis-server)", bool(shutil.which("redis-server")))

    done = chaos("--database", "postgres", "--redis", "redis")

    assert done.returncode == 0, done.stdout + done.stderr
