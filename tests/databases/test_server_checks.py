"""What only a real database server can tell, and what is hard to mend once there are rows."""

import pytest
from django.db.utils import ConnectionHandler

from seedance import checks

from .conftest import MARIADB, mariadb

pytestmark = pytest.mark.mariadb


class Videos:
    """A router that sends our tables to a database of their own."""

    def db_for_write(self, model, **hints):
        return "videos" if model._meta.app_label == "seedance" else None


@pytest.fixture
def said_of(settings, monkeypatch, new_database, django_db_blocker):
    """Returns a function that says which checks a MariaDB database fails that was set up this way."""

    def said(alter="", skip_locked=True, **options):
        found = new_database("mysql")
        if alter:
            mariadb(f"ALTER DATABASE {found['NAME']} {alter}")
        options = {**found["OPTIONS"], **options}
        handler = ConnectionHandler({"default": {**MARIADB, "NAME": "x"}, "videos": {**found, "OPTIONS": options}})
        monkeypatch.setattr(checks, "connections", handler)
        settings.DATABASE_ROUTERS = [Videos()]
        connection = handler["videos"]
        with django_db_blocker.unblock():  # a connection of its own
            try:
                if not skip_locked:
                    connection.features.has_select_for_update_skip_locked = False
                return [message.id for message in checks.check_database_server(None, databases=["videos"])]
            finally:
                connection.close()

    return said


def test_mariadb_as_it_should_be_raises_nothing(said_of):
    assert said_of() == []


def test_tables_without_transactions_are_refused(said_of):
    assert said_of(init_command="SET default_storage_engine=MyISAM") == ["seedance.E014"]


def test_text_that_cannot_hold_an_emoji_is_refused(said_of):
    assert said_of("CHARACTER SET latin1") == ["seedance.E015"]


def test_server_that_sorts_our_ids_wrongly_is_refused(said_of, monkeypatch):
    # Version 1 ids, which every MariaDB sorts by node first, as old ones do with version 7.
    monkeypatch.setattr(checks, "_IN_ORDER", [text.replace("-7", "-1", 1) for text in checks._IN_ORDER])

    assert said_of() == ["seedance.E016"]


def test_server_on_which_workers_wait_for_each_other_is_told(said_of):
    assert said_of(skip_locked=False) == ["seedance.W014"]


def test_other_databases_are_not_asked(settings):
    settings.DATABASE_ROUTERS = [Videos()]

    assert checks.check_database_server(None, databases=["default"]) == []
