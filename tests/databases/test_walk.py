"""The whole app on every kind of site: a lagging or read-only replica, a database of its own, every vendor."""

import pytest

from .conftest import sqlite
from .steps import Steps

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


@pytest.fixture(scope="module", params=SITES, ids=lambda site: site.__name__)
def walked(request, walk, new_database, tmp_path_factory):
    return request.param, request.param(walk, new_database, tmp_path_factory.mktemp("databases"))


@pytest.mark.parametrize("step", Steps.NAMES)
def test_nothing_is_lost_on_a_site_with_databases_of_its_own(walked, step):
    _site, found = walked

    assert found.failures[step] == ""


def test_nothing_is_written_to_a_replica(walked):
    site, found = walked
    if "replica" not in site.__name__:
        assert "replica" not in found.statements
        return

    assert found.statements["replica"]["reads"]
    assert found.written == []
