"""The demonstration site's settings for different environments; each case is a new interpreter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
READ_BY_SETTINGS = {
    *("DATABASE_URL", "REDIS_URL", "COMETAPI_KEY", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "MEDIA_ROOT", "HTTPS_ONLY"),
    *("SEEDANCE_PRESET", "SEEDANCE_BASE_URL", "SEEDANCE_API_KEY", "SEEDANCE_PUBLIC_URL", "DJANGO_SETTINGS_MODULE"),
}
PRODUCTION = {
    "SECRET_KEY": "a-long-and-random-secret-for-this-test-" + "0123456789abcdef" * 2,
    "ALLOWED_HOSTS": "studio.example.com",
    "SEEDANCE_PUBLIC_URL": "https://studio.example.com",
}


def run(*arguments, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in READ_BY_SETTINGS}
    environment |= {"SECRET_KEY": "x" * 60, **variables}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )


def read(expression, **variables):
    code = f"import json; from project import settings; print(json.dumps({expression}, default=str))"
    result = run("-c", code, **variables)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_debug_is_off_unless_asked_for():
    assert read("settings.DEBUG") is False


def test_debug_can_be_asked_for():
    assert read("settings.DEBUG", DEBUG="1") is True


def test_only_this_machine_is_served_by_default():
    assert read("settings.ALLOWED_HOSTS") == ["localhost", "127.0.0.1", "[::1]"]


def test_public_url_is_served_too():
    hosts = read("settings.ALLOWED_HOSTS", SEEDANCE_PUBLIC_URL="https://studio.example.com")

    assert "studio.example.com" in hosts


def test_emulator_is_the_default_provider():
    assert read("settings.SEEDANCE['PROVIDERS']['default']") == {"PRESET": "emulator"}


def test_cometapi_key_switches_to_the_real_provider():
    default = read("settings.SEEDANCE['PROVIDERS']['default']", COMETAPI_KEY="sk-test")

    assert default == {"PRESET": "cometapi", "API_KEY": "sk-test"}


def test_named_preset_wins_over_the_cometapi_key_and_does_not_get_it():
    default = read("settings.SEEDANCE['PROVIDERS']['default']", COMETAPI_KEY="sk-test", SEEDANCE_PRESET="emulator")

    assert default == {"PRESET": "emulator"}


def test_preset_values_can_be_overridden():
    default = read(
        "settings.SEEDANCE['PROVIDERS']['default']",
        SEEDANCE_PRESET="ark",
        SEEDANCE_BASE_URL="http://127.0.0.1:9/api/v3",
        SEEDANCE_API_KEY="key",
    )

    assert default == {"PRESET": "ark", "BASE_URL": "http://127.0.0.1:9/api/v3", "API_KEY": "key"}


def test_without_redis_the_database_is_the_broker():
    cluster = read("settings.Q_CLUSTER")

    assert cluster["orm"] == "default"
    assert "redis" not in cluster


def test_redis_becomes_broker_and_cache():
    cluster, cache = read("[settings.Q_CLUSTER, settings.CACHES['default']]", REDIS_URL="redis://127.0.0.1:6379/5")

    assert cluster["redis"] == "redis://127.0.0.1:6379/5"
    assert "orm" not in cluster
    assert cache["LOCATION"] == "redis://127.0.0.1:6379/5"


def test_queue_never_hands_out_a_job_that_still_waits_in_the_cluster():
    cluster = read("settings.Q_CLUSTER")

    waits = (cluster["queue_limit"] + cluster["bulk"]) / cluster["workers"]
    assert cluster["retry"] > cluster["timeout"] * (1 + waits)


def test_sqlite_is_set_up_for_several_writers():
    options = read("settings.DATABASES['default']['OPTIONS']")

    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]


def test_postgresql_keeps_its_connections_and_checks_them():
    database = read("settings.DATABASES['default']", DATABASE_URL="postgres://user:pw@127.0.0.1/somewhere")

    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert database["CONN_MAX_AGE"] == 60
    assert database["CONN_HEALTH_CHECKS"] is True
    assert "pool" not in database.get("OPTIONS", {})


@pytest.mark.parametrize(
    ("variables", "secure"),
    [
        pytest.param({}, False, id="this machine only"),
        pytest.param({"ALLOWED_HOSTS": "studio.example.com"}, True, id="public host"),
        pytest.param({"ALLOWED_HOSTS": "studio.example.com", "HTTPS_ONLY": "0"}, False, id="public host, switched off"),
        pytest.param({"HTTPS_ONLY": "1"}, True, id="switched on"),
    ],
)
def test_cookies_and_redirects_are_secure_where_others_can_reach_us(variables, secure):
    values = read(
        "[settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_SSL_REDIRECT]", **variables
    )

    assert values == [secure] * 3


def test_check_is_clean_with_nothing_set():
    result = run("manage.py", "check", "--fail-level", "WARNING")

    assert result.returncode == 0, result.stderr


def test_deployment_check_is_clean_with_production_variables():
    result = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert result.returncode == 0, result.stderr
