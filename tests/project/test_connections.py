"""The demonstration's web server does not keep connections to PostgreSQL open."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from project.processes import free_port

from ..databases.conftest import new_database as new_database  # the fixture, used by its name

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

SERVER = "postgres://postgres@127.0.0.1:5432"


def open_connections(name):
    """How many connections the server has to a database."""
    with psycopg.connect(f"{SERVER}/postgres") as there:
        return there.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()[0]


@pytest.fixture
def served(new_database, tmp_path, wait_until):
    """A site under runserver as `make demo` starts it: its address and the name of its database."""
    name = new_database("postgresql")["NAME"]
    environment = {
        **os.environ,
        "DATABASE_URL": f"{SERVER}/{name}",
        "SECRET_KEY": "x" * 60,
        "MEDIA_ROOT": str(tmp_path),
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True, timeout=120)
    port = free_port(8900)
    command = [*manage, "runserver", f"127.0.0.1:{port}", "--noreload", "--nostatic"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/seedance/health/"
    try:
        assert wait_until(lambda: _answers(url))
        yield url, name
    finally:
        server.kill()
        server.wait()


def _answers(url):
    try:
        return requests.get(url, timeout=5) is not None
    except requests.RequestException:
        return False


def test_a_burst_of_requests_leaves_no_connections_behind(served, tmp_path, wait_until):
    url, name = served

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(lambda _number: requests.get(url, timeout=30).status_code, range(200)))

    assert statuses <= {200, 503}  # the work is not being done, which is said, and no error of ours
    assert wait_until(lambda: open_connections(name) <= 2, seconds=5)
    assert "seedance.W" not in (tmp_path / "log").read_text()  # nor does its own check ask for what leaves them
