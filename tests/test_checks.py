"""Every system check: what triggers it, when it passes, and that it has a hint but never the key."""

import re
from pathlib import Path

import pytest
from django.core import checks as django_checks

from seedance import checks, queue

KEY = "sk-not-for-any-log"
GOOD = {"PROVIDERS": {"default": {"PRESET": "cometapi", "API_KEY": KEY}}}
GOOD_DATABASE = {
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;"},
}
GOOD_QUEUE = {"name": "studio", "timeout": 120, "retry": 420, "ack_failures": True, "orm": "default"}


def found_in(settings, written):
    """What is said of a SEEDANCE dict."""
    settings.SEEDANCE = written
    return checks.check_settings(None)


def said_of_provider(settings, **values):
    return found_in(settings, {"PROVIDERS": {"default": {"PRESET": "cometapi", "API_KEY": KEY, **values}}})


def said_of_database(vendor="sqlite", **values):
    return list(checks._database("default", vendor, {**GOOD_DATABASE, **values}))


def ids(messages):
    return [message.id for message in messages]


# -- the SEEDANCE dict -------------------------------------------------------------------------------------------------

GOOD_SETTINGS = [
    pytest.param(GOOD, id="least"),
    pytest.param({**GOOD, "PUBLIC_URL": "https://studio.example.com", "THREADS": 2, "TICK_SECONDS": 1}, id="more"),
    pytest.param({"PROVIDERS": {"default": {"PRESET": "emulator"}}}, id="emulator without key"),
    pytest.param({"PROVIDERS": {"default": {"BASE_URL": "https://h/v3", "API_KEY": "k"}}}, id="no preset"),
    pytest.param(
        {"PROVIDERS": {"default": {"PRESET": "ark", "API_KEY": lambda: 1 / 0}}}, id="callable key, not called"
    ),
    pytest.param({"PROVIDERS": {"default": {"PRESET": "ark", "API_KEY": "k", "MAX_ACTIVE": 0}}}, id="no limit"),
    pytest.param({"PROVIDERS": {**GOOD["PROVIDERS"], "b": {"PRESET": "byteplus", "API_KEY": "k"}}}, id="two"),
]


@pytest.mark.parametrize("written", GOOD_SETTINGS)
def test_good_settings_raise_nothing(settings, written):
    assert found_in(settings, written) == []


BAD_SETTINGS = [
    pytest.param(None, "E001", "SEEDANCE", id="none"),
    pytest.param({}, "E001", "SEEDANCE", id="empty"),
    pytest.param({"PROVIDERS": {}}, "E001", "SEEDANCE", id="no providers"),
    pytest.param({"PROVIDERS": ["cometapi"]}, "E001", "SEEDANCE", id="providers as list"),
    pytest.param({**GOOD, "TRHEADS": 3}, "E002", 'SEEDANCE["TRHEADS"]', id="mistyped name"),
    pytest.param({**GOOD, 5: 3}, "E002", 'SEEDANCE["5"]', id="name that is no text"),
    pytest.param({**GOOD, "THREADS": 0}, "E003", 'SEEDANCE["THREADS"]', id="zero"),
    pytest.param({**GOOD, "THREADS": 2.5}, "E003", 'SEEDANCE["THREADS"]', id="half a thread"),
    pytest.param({**GOOD, "TICK_SECONDS": "2"}, "E003", 'SEEDANCE["TICK_SECONDS"]', id="number as text"),
    pytest.param({**GOOD, "TICK_SECONDS": True}, "E003", 'SEEDANCE["TICK_SECONDS"]', id="boolean for number"),
    pytest.param({**GOOD, "TICK_SECONDS": float("nan")}, "E003", 'SEEDANCE["TICK_SECONDS"]', id="not a number"),
    pytest.param({**GOOD, "STORAGE": None}, "E003", 'SEEDANCE["STORAGE"]', id="none for text"),
    pytest.param({**GOOD, "PUBLIC_URL": 5}, "E003", 'SEEDANCE["PUBLIC_URL"]', id="public address as number"),
    pytest.param({**GOOD, "PUBLIC_URL": "studio.example.com"}, "E003", 'SEEDANCE["PUBLIC_URL"]', id="no scheme"),
    pytest.param({**GOOD, "PUBLIC_URL": "https://"}, "E003", 'SEEDANCE["PUBLIC_URL"]', id="no host"),
    pytest.param({**GOOD, "PUBLIC_URL": "https://[::1"}, "E003", 'SEEDANCE["PUBLIC_URL"]', id="half a bracket"),
    pytest.param({"PROVIDERS": {"b": GOOD["PROVIDERS"]["default"]}}, "E004", '"default"', id="no default"),
    pytest.param({"PROVIDERS": {**GOOD["PROVIDERS"], "b": "ark"}}, "E005", '["b"]', id="provider as text"),
    pytest.param({**GOOD, "STORAGE": "s3"}, "E008", 'SEEDANCE["STORAGE"]', id="unknown storage"),
    pytest.param({**GOOD, "MODELS": {"2.6": {"like": "2.9"}}}, "E009", 'SEEDANCE["MODELS"]', id="model like none"),
    pytest.param({**GOOD, "MODELS": []}, "E009", 'SEEDANCE["MODELS"]', id="models as list"),
]


@pytest.mark.parametrize(("written", "number", "place"), BAD_SETTINGS)
def test_bad_setting_has_a_number_and_a_place(settings, written, number, place):
    messages = found_in(settings, written)

    assert set(ids(messages)) == {f"seedance.{number}"}
    assert place in messages[0].msg


@pytest.mark.parametrize("name", ["CREATE_PER_MINUTE", "GET_PER_SECOND", "LIST_PER_SECOND", "MAX_ACTIVE"])
def test_limit_of_zero_is_no_limit(settings, name):
    entry = {**GOOD["PROVIDERS"]["default"], name: 0}

    assert found_in(settings, {**GOOD, "PROVIDERS": {"default": entry}}) == []


BAD_PROVIDERS = [
    pytest.param({"API_KYE": "x"}, "E005", '["API_KYE"]', id="mistyped name"),
    pytest.param({"TIMEOUT": "60"}, "E003", '["TIMEOUT"]', id="number as text"),
    pytest.param({"TIMEOUT": 0}, "E003", '["TIMEOUT"]', id="no patience"),
    pytest.param({"MAX_ACTIVE": -1}, "E003", "0 for no limit", id="negative limit"),
    pytest.param({"MAX_ACTIVE": 1.5}, "E003", '["MAX_ACTIVE"]', id="half a task"),
    pytest.param({"LISTS": "no"}, "E003", '["LISTS"]', id="text for boolean"),
    pytest.param({"LIST_IDS": 501}, "E003", '["LIST_IDS"]', id="list too long"),
    pytest.param({"PRESET": ["ark"]}, "E003", '["PRESET"]', id="preset as list"),
    pytest.param({"PRESET": "commetapi"}, "E006", '["PRESET"]', id="mistyped preset"),
    pytest.param({"DIALECT": "grpc"}, "E006", '["DIALECT"]', id="unknown dialect"),
    pytest.param({"DIALECT": "openai_video", "LISTS": True}, "E006", "lists", id="dialect without lists"),
    pytest.param({"BASE_URL": "api.cometapi.com"}, "E007", "BASE_URL", id="address without scheme"),
    pytest.param({"BASE_URL": "https://h/v3?key=1"}, "E007", "BASE_URL", id="address with query"),
    pytest.param({"API_KEY": f"{KEY} {KEY}"}, "E007", "API_KEY", id="key with blank"),
    pytest.param({"API_KEY": ""}, "W001", "API_KEY", id="empty key"),
    pytest.param({"API_KEY": None}, "W001", "API_KEY", id="no key"),
    pytest.param({"API_KEY": "  "}, "W001", "API_KEY", id="blank key"),
]


@pytest.mark.parametrize(("values", "number", "place"), BAD_PROVIDERS)
def test_bad_provider_setting_has_a_number_and_a_place(settings, values, number, place):
    messages = said_of_provider(settings, **values)

    assert set(ids(messages)) == {f"seedance.{number}"}
    assert place in messages[0].msg


@pytest.mark.parametrize(("values", "number", "place"), BAD_PROVIDERS)
def test_messages_never_hold_the_key(settings, values, number, place):
    messages = said_of_provider(settings, **values)

    assert KEY not in "".join(f"{message.msg}{message.hint}" for message in messages)


def test_missing_key_names_the_variable_to_set(settings):
    messages = said_of_provider(settings, API_KEY="")

    assert 'os.environ["COMETAPI_KEY"]' in messages[0].hint


def test_all_mistakes_are_reported_at_once(settings):
    messages = found_in(settings, {"PROVIDERS": {"b": {"PRESET": "x"}}, "NONSENSE": 1, "THREADS": 0, "STORAGE": "s3"})

    assert ids(messages) == [f"seedance.{number}" for number in ("E002", "E003", "E004", "E006", "E008")]


# -- the database ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql", "mysql"])
def test_good_database_raises_nothing(vendor):
    assert said_of_database(vendor) == []


@pytest.mark.parametrize(
    ("vendor", "values", "number", "hint"),
    [
        pytest.param("postgresql", {"CONN_MAX_AGE": 0}, "W010", "CONN_MAX_AGE", id="connection per job"),
        pytest.param("sqlite", {"OPTIONS": {}}, "W011", "transaction_mode", id="SQLite as it comes"),
        pytest.param(
            "sqlite",
            {"OPTIONS": {**GOOD_DATABASE["OPTIONS"], "timeout": 5}},
            "W011",
            '"timeout": 20',
            id="SQLite in a hurry",
        ),
        pytest.param(
            "sqlite",
            {"OPTIONS": {**GOOD_DATABASE["OPTIONS"], "init_command": ""}},
            "W011",
            "journal_mode=WAL",
            id="SQLite without WAL",
        ),
        pytest.param("postgresql", {"CONN_HEALTH_CHECKS": False}, "W012", "CONN_HEALTH_CHECKS", id="dead connections"),
        pytest.param("oracle", {}, "W013", "PostgreSQL", id="never tested on"),
    ],
)
def test_stumbling_database_has_a_number_and_a_cure(vendor, values, number, hint):
    messages = said_of_database(vendor, **values)

    assert ids(messages) == [f"seedance.{number}"]
    assert hint in messages[0].hint


def test_pool_is_refused_in_a_cluster(monkeypatch):
    monkeypatch.setattr("sys.argv", ["manage.py", "qcluster"])

    messages = said_of_database("postgresql", OPTIONS={"pool": True})

    assert ids(messages) == ["seedance.E010"]


def test_pool_is_fine_in_a_web_server(monkeypatch):
    monkeypatch.setattr("sys.argv", ["manage.py", "runserver"])

    assert said_of_database("postgresql", OPTIONS={"pool": True}) == []


def test_database_check_examines_the_database_of_the_tasks():
    assert checks.check_databases(None) == []


# -- the queue ---------------------------------------------------------------------------------------------------------


def test_good_queue_raises_nothing(settings):
    settings.Q_CLUSTER = GOOD_QUEUE

    assert checks.check_queue(None) == []


@pytest.mark.parametrize(
    ("values", "number", "hint"),
    [
        pytest.param({"retry": 120}, "W020", "retry", id="repeated while it runs"),
        pytest.param({"timeout": 90}, "W021", '"timeout": 120', id="rounds cut off"),
        pytest.param({"ack_failures": False}, "W022", '"ack_failures": True', id="failures for ever"),
    ],
)
def test_stumbling_queue_has_a_number_and_a_cure(settings, values, number, hint):
    settings.Q_CLUSTER = {**GOOD_QUEUE, **values}

    messages = checks.check_queue(None)

    assert ids(messages) == [f"seedance.{number}"]
    assert hint in messages[0].hint


def test_queue_without_timeout_cuts_nothing_off(settings):
    settings.Q_CLUSTER = {**GOOD_QUEUE, "timeout": None}

    assert checks.check_queue(None) == []


def test_queue_check_survives_a_mistyped_setting(settings):
    settings.SEEDANCE = {**GOOD, "ROUND_SECONDS": "80"}
    settings.Q_CLUSTER = GOOD_QUEUE

    assert checks.check_queue(None) == []


@pytest.mark.parametrize("setting", ["CLUSTER", "ARCHIVE_CLUSTER"])
def test_cluster_that_does_not_exist_has_a_number(settings, setting):
    settings.SEEDANCE = {**GOOD, setting: "vidoes"}
    settings.Q_CLUSTER = {**GOOD_QUEUE, "ALT_CLUSTERS": {"videos": {}}}

    messages = checks.check_queue(None)

    assert ids(messages) == ["seedance.W023"]
    assert "studio, videos" in messages[0].hint


def test_sync_mode_is_said_to_run_jobs_inside_the_request(settings):
    settings.SEEDANCE = GOOD
    settings.Q_CLUSTER = {**GOOD_QUEUE, "sync": True}

    messages = checks.check_queue(None)

    assert ids(messages) == ["seedance.W024"]
    assert "inside the request" in messages[0].msg


def test_settings_of_our_own_cluster_count(settings):
    settings.SEEDANCE = {**GOOD, "CLUSTER": "videos"}
    settings.Q_CLUSTER = {**GOOD_QUEUE, "ALT_CLUSTERS": {"videos": {"timeout": 30, "retry": 60}}}

    assert ids(checks.check_queue(None)) == ["seedance.W021"]


def test_queue_is_not_checked_where_it_is_not_installed(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django_q"]
    settings.Q_CLUSTER = {}

    assert not queue.is_installed()
    assert checks.check_queue(None) == []


# -- as a whole --------------------------------------------------------------------------------------------------------


def test_checks_run_under_their_own_tag(settings):
    settings.SEEDANCE = {}

    assert "seedance.E001" in ids(django_checks.run_checks(tags=["seedance"]))


@pytest.mark.parametrize(
    "path", ["nowhere.Policy", "seedance.policy.Nobody", "seedance.policy", "tests.test_policy.Half"]
)
def test_policy_that_cannot_be_used_is_e012(settings, path):
    settings.SEEDANCE = {**settings.SEEDANCE, "POLICY": path}

    assert [message.id for message in checks.check_settings(None)] == ["seedance.E012"]


def test_every_number_is_used_for_one_kind_and_tested_here():
    numbers = set(re.findall(r"seedance\.([EW]\d{3})", Path(checks.__file__).read_text()))

    tests = [Path(__file__), Path(__file__).parent / "databases" / "test_server_checks.py"]

    assert numbers == set(re.findall(r"\b([EW]\d{3})\b", "".join(path.read_text() for path in tests)))


def test_site_without_time_zones_is_refused(settings):  # E011
    settings.USE_TZ = False

    found = checks.check_time_zones(None)

    assert [(each.id, each.hint) for each in found] == [("seedance.E011", "Set USE_TZ = True.")]


def test_site_with_time_zones_is_fine(settings):
    settings.USE_TZ = True

    assert checks.check_time_zones(None) == []
