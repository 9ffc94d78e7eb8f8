"""The id that was paid for, and a PostgreSQL connection that dies while the provider is being asked for it."""

import os
import threading
import time
from contextlib import contextmanager

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connections

from seedance import lifecycle
from seedance.lifecycle import submitting
from seedance.models import Account, GenerationTask, RateLimit

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT, require_service
from .conftest import claim_next

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

ALIAS = "postgres"
DATABASE = f"seedance_d_{os.getpid()}"
SERVER = {"host": os.environ.get("PGHOST", "127.0.0.1"), "port": 5432, "user": "postgres"}


class EverythingOnPostgres:
    """Sends every row of these tests to the real server, whatever database the other tests use."""

    def db_for_read(self, model, **hints):
        return ALIAS

    db_for_write = db_for_read


def administrator():
    """A connection of its own, past Django, to the server's own database."""
    return psycopg.connect(**SERVER, dbname="postgres", autocommit=True, connect_timeout=3)


def execute(statement, *values):
    with administrator() as connection:
        return connection.execute(statement, values or None)


def is_reachable():
    try:
        administrator().close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker):
    """A migrated database of our own on a real PostgreSQL, dropped afterwards."""
    require_service("PostgreSQL", is_reachable())
    execute(f"CREATE DATABASE {DATABASE}")
    connections.databases[ALIAS] = connections.configure_settings(
        {
            ALIAS: {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": DATABASE,
                "HOST": SERVER["host"],
                "PORT": str(SERVER["port"]),
                "USER": SERVER["user"],
                "OPTIONS": {"connect_timeout": 3},
            },
            "default": {},
        }
    )[ALIAS]
    with django_db_blocker.unblock():
        call_command("migrate", database=ALIAS, verbosity=0)
        yield
        connections[ALIAS].close()
    del connections.databases[ALIAS], connections[ALIAS]
    execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture
def claimed(server, django_db_blocker, provider, settings):
    """A task that is about to be sent, in that database; the provider takes its time to answer."""
    settings.DATABASE_ROUTERS = [EverythingOnPostgres()]
    provider.fault("slow_headers", on="create", seconds=0.5)
    with django_db_blocker.unblock():
        task = GenerationTask.objects.create_task(prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL)
        task.advance("pending", cause="test")
        yield claim_next()
        connections[ALIAS].close()
        for model in (GenerationTask, Account, RateLimit):
            model.objects.all().delete()


def backend():
    """Number of the server process behind our connection."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@contextmanager
def meanwhile(action):
    """Do something in a thread beside the block; its failure is the block's."""
    failures = []

    def act():
        try:
            action()
        except BaseException as exc:
            failures.append(exc)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert not failures, failures


def kill(pid):
    execute("SELECT pg_terminate_backend(%s)", pid)


def assert_paid_once_and_kept(provider):
    task = GenerationTask.objects.get()
    assert [create.id for create in provider.creates] == [task.provider_task_id]
    assert task.status == "queued"


def test_paid_id_is_kept_when_the_connection_is_killed_during_the_create_call(provider, claimed):
    pid = backend()

    def kill_while_the_provider_is_asked():
        until(lambda: provider.creates)
        kill(pid)

    with meanwhile(kill_while_the_provider_is_asked):
        lifecycle.submit(claimed)

    assert_paid_once_and_kept(provider)


def test_paid_id_is_kept_when_the_connection_is_killed_in_the_statement_that_saves_it(provider, claimed):
    pid = backend()

    def kill_in_the_update():
        with psycopg.connect(**SERVER, dbname=DATABASE) as other:
            other.execute("SELECT 1 FROM seedance_generationtask FOR UPDATE")
            waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
            until(lambda: execute(waits, pid).fetchone()[0])
            kill(pid)

    with meanwhile(kill_in_the_update):
        lifecycle.submit(claimed)

    assert_paid_once_and_kept(provider)


def test_paid_id_is_kept_when_the_database_is_away_for_a_while(provider, claimed):
    pid = backend()

    def close_the_database_for_a_while():
        until(lambda: provider.creates)
        execute(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false")
        kill(pid)
        time.sleep(1.2)
        execute(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true")

    with meanwhile(close_the_database_for_a_while):
        lifecycle.submit(claimed)

    assert_paid_once_and_kept(provider)


def test_refusal_is_not_mistaken_for_a_paid_task_when_the_connection_is_killed(provider, claimed):
    provider.reset()
    provider.fault("slow_headers", on="create", seconds=0.5)
    provider.configure(api_keys=["another"])
    pid = backend()

    def kill_while_the_provider_is_asked():
        until(lambda: provider.requests)
        kill(pid)

    with meanwhile(kill_while_the_provider_is_asked):
        lifecycle.submit(claimed)

    task = GenerationTask.objects.get()
    assert (task.status, task.error_charged) == ("failed", "no")


def test_paid_id_is_logged_when_the_database_stays_unavailable(provider, claimed, monkeypatch, caplog):
    monkeypatch.setattr(submitting, "COMMIT_PATIENCE", 0.6)
    pid = backend()

    def close_the_database():
        until(lambda: provider.creates)
        execute(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false")
        kill(pid)

    try:
        with meanwhile(close_the_database), pytest.raises(OperationalError):
            lifecycle.submit(claimed)
    finally:
        execute(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true")

    found_by_id = {
        record.levelname: record.getMessage() for record in caplog.records if record.name == submitting.__name__
    }
    assert provider.creates[0].id in found_by_id["WARNING"]
    assert provider.creates[0].id in found_by_id["CRITICAL"]
