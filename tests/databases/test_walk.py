"""The whole app on every kind of site: a lagging or read-only replica, a database of its own, every vendor."""

import pytest

from .conftest import sqlite

pytestmark = pytest.mark.slow

READ_ONLY = {"options": "-c default_transaction_read_only=on"}


def lagging_replica(walk, new_database, path):
    """Documented router; the replica on SQLite knows nothing that happened since the site began."""
    databases = {"default": sqlite(path, "primary"), "replica": sqlite(path, "replica")}
    return walk(databases, "PrimaryReplicaRouter", freeze="replica")


def read_only_replica(walk, new_database, path):
    """Documented router; the replica on PostgreSQL refuses every write."""
    primary = new_database("postgresql")
    return walk({"default": primary, "replica": {**primary, "OPTIONS": READ_ONLY}}, "PrimaryReplicaRouter")


def own_sqlite(walk, new_database, path):
    """Our tables in a second SQLite file."""
    databases = {"default": sqlite(path, "default"), "videos": sqlite(path, "videos")}
    return walk(databases, "VideosRouter", migrate=("default", "videos"))


def own_postgresql(walk, new_database, path):
    """Our tables in a second PostgreSQL database."""
    databases = {"default": new_database("postgresql"), "videos": new_database("postgresql")}
    return walk(databases, "VideosRouter", migrate=("default", "videos"))


def own_mariadb(walk, new_database, path):
    """Our tables in MariaDB, the site's in PostgreSQL."""
    databases = {"default": new_database("postgresql"), "videos": new_database("mysql")}
    return walk(databases, "VideosRouter", migrate=("default", "videos"))


def mariadb_alone(walk, new_database, path):
    """Everything in MariaDB."""
    return walk({"default": new_database("mysql")})


SITES = (lagging_replica, read_only_replica, own_sqlite, own_postgresql, own_mariadb, mariadb_alone)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.__name__)
def test_nothing_is_lost_on_a_site_with_databases_of_its_own(site, walk, new_database, tmp_path):
    found = site(walk, new_database, tmp_path)

    assert {step: trace for step, trace in found.failures.items() if trace} == {}
    assert found.written == []  # to a replica
