"""System checks of settings, databases and queue; each message has a number and a hint."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from . import conf, queue
from .catalogue import check_overrides
from .exceptions import ConfigurationError
from .models import GenerationTask
from .provider.ark import SeedanceClient
from .provider.presets import PRESETS

#: Environment variable to name when a preset's key is missing.
_KEY_VARIABLES = {"cometapi": "COMETAPI_KEY", "cometapi-videos": "COMETAPI_KEY"}

#: Settings for which 0 means off.
_OFF_AT_ZERO = frozenset({"MAX_WAIT_SECONDS", "MAX_WAITERS"})
#: Two version 7 UUIDs, the older first; a database that swaps their parts sorts them the other way round.
_IN_ORDER = ("01930000-0000-7000-8fff-ffffffffffff", "01930000-0001-7000-8000-000000000000")


def register() -> None:
    """Register our checks with Django."""
    checks.register(check_settings, "seedance")
    checks.register(check_time_zones, "seedance")
    checks.register(check_databases, "seedance")
    checks.register(check_database_server, checks.Tags.database)
    checks.register(check_queue, "seedance")


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001–E009, W001: the ``SEEDANCE`` dict."""
    written = getattr(django_settings, "SEEDANCE", None)
    if not isinstance(written, dict) or not isinstance(written.get("PROVIDERS"), dict) or not written["PROVIDERS"]:
        return [
            Error(
                "SEEDANCE names no provider.",
                hint='Write SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "cometapi", "API_KEY": …}}}.',
                id="seedance.E001",
            )
        ]
    return [
        *_unknown_settings(written),
        *_misfits("SEEDANCE", conf.SETTING_FIELDS, written),
        *_public_url(written.get("PUBLIC_URL")),
        *_providers(written["PROVIDERS"]),
        *_storage(written.get("STORAGE", "default")),
        *_policy(written.get("POLICY", "")),
        *_models(),
    ]


def check_time_zones(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E011: providers report points in time, which need time zones."""
    if django_settings.USE_TZ:
        return []
    return [Error("django-seedance needs aware times.", hint="Set USE_TZ = True.", id="seedance.E011")]


def _unknown_settings(written: dict[str, Any]) -> Iterator[CheckMessage]:
    for name in written:
        if name not in conf.SETTING_NAMES:
            yield Error(
                f'SEEDANCE["{name}"] is not a setting.',
                hint=f"The settings are: {', '.join(conf.SETTING_NAMES)}.",
                id="seedance.E002",
            )


def _misfits(where: str, known: Mapping[str, Field[Any]], written: dict[str, Any]) -> Iterator[CheckMessage]:
    for name, value in written.items():
        wanted = _wanted(known[name], value) if name in known else ""
        if wanted:
            yield Error(f'{where}["{name}"] must be {wanted}.', id="seedance.E003")


def _wanted(field: Field[Any], value: object) -> str:
    """What a value must be instead; empty when it is valid."""
    if field.type is bool:
        return "" if isinstance(value, bool) else "True or False"
    if field.type is str:
        return "" if isinstance(value, str) else "a string"
    if field.type == Sequence[str]:
        return (
            ""
            if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)
            else "a list of strings"
        )
    if field.type not in (int, float):
        return ""
    kind, may_be_zero = (int if field.type is int else (int, float)), _may_be_zero(field)
    if isinstance(value, kind) and not isinstance(value, bool) and (value > 0 or (may_be_zero and value == 0)):
        return ""
    number = "a whole number above zero" if field.type is int else "a number above zero"
    zero = "to switch it off" if field.name in _OFF_AT_ZERO else "for no limit"
    return f"{number}, or 0 {zero}" if may_be_zero else number


def _may_be_zero(field: Field[Any]) -> bool:
    """Where 0 means no limit, for ever, or not at all."""
    is_limit = field.name.endswith(("_PER_MINUTE", "_PER_SECOND"))
    return field.default == 0 or is_limit or field.name.startswith("KEEP_") or field.name in _OFF_AT_ZERO


def _public_url(value: object) -> Iterator[CheckMessage]:
    if not isinstance(value, str) or not value:
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        yield Error(
            'SEEDANCE["PUBLIC_URL"] must be the address of this site, such as https://studio.example.com.',
            id="seedance.E003",
        )


def _providers(written: dict[str, Any]) -> Iterator[CheckMessage]:
    if "default" not in written:
        yield Error(
            'SEEDANCE["PROVIDERS"] has no entry "default".',
            hint="Name the provider that new tasks go to “default”.",
            id="seedance.E004",
        )
    for alias, values in written.items():
        where = f'SEEDANCE["PROVIDERS"]["{alias}"]'
        if not isinstance(values, dict):
            yield Error(f"{where} must be a dict.", id="seedance.E005")
            continue
        for name in values:
            if name not in conf.PROVIDER_NAMES:
                yield Error(
                    f'{where}["{name}"] is not a setting.',
                    hint=f"The settings of a provider are: {', '.join(conf.PROVIDER_NAMES)}.",
                    id="seedance.E005",
                )
        misfits = list(_misfits(where, conf.PROVIDER_FIELDS, values))
        yield from misfits or _provider(alias, where)


def _provider(alias: str, where: str) -> Iterator[CheckMessage]:
    try:
        provider = conf.provider(alias)
    except ConfigurationError as exc:
        yield Error(str(exc), hint=f"The presets are: {', '.join(PRESETS)}.", id="seedance.E006")
        return
    if provider.DIALECT not in ("ark", "openai_video"):
        yield Error(f'{where}["DIALECT"] must be "ark" or "openai_video".', id="seedance.E006")
    if provider.DIALECT == "openai_video" and (provider.LISTS or provider.CANCELS):
        yield Error(
            f'{where} asks for lists or cancelling, which the dialect "openai_video" has no call for.',
            hint='Remove "LISTS" and "CANCELS".',
            id="seedance.E006",
        )
    if provider.LIST_IDS > 500:
        yield Error(f'{where}["LIST_IDS"] must be at most 500.', id="seedance.E003")
    yield from _access(provider, where)


def _access(provider: conf.Provider, where: str) -> Iterator[CheckMessage]:
    """Base URL and key. A callable key is not called: a check must not depend on a secret store."""
    key = "asked-for-when-needed" if callable(provider.API_KEY) else provider.API_KEY
    if not isinstance(key, str) or not key.strip():
        variable = _KEY_VARIABLES.get(provider.PRESET, "SEEDANCE_API_KEY")
        yield Warning(
            f"{where} has no API_KEY; tasks sent there stay pending.",
            hint=f'Set the environment variable {variable} and write "API_KEY": os.environ["{variable}"].',
            id="seedance.W001",
        )
        key = "missing"
    try:
        SeedanceClient(provider.BASE_URL, key)
    except ConfigurationError as exc:
        yield Error(f"{where}: {exc}", id="seedance.E007")


def _storage(alias: object) -> Iterator[CheckMessage]:
    if isinstance(alias, str) and alias not in django_settings.STORAGES:
        yield Error(
            f'SEEDANCE["STORAGE"] names "{alias}", which STORAGES does not have.',
            hint=f"Use one of: {', '.join(django_settings.STORAGES)}.",
            id="seedance.E008",
        )


def _policy(path: object) -> Iterator[CheckMessage]:
    if not isinstance(path, str):
        return  # reported as E003
    try:
        policy = conf.policy()
    except ConfigurationError as exc:
        yield Error(
            str(exc), hint='Write the dotted path of a class, such as "seedance.policy.OwnTasks".', id="seedance.E012"
        )
        return
    lacking = [name for name in ("visible", "may") if not callable(getattr(policy, name, None))]
    if lacking:
        yield Error(
            f'SEEDANCE["POLICY"]: "{path}" has no method {" and no method ".join(lacking)}.',
            hint="Make it a subclass of seedance.policy.Policy.",
            id="seedance.E012",
        )


def _models() -> Iterator[CheckMessage]:
    for problem in check_overrides(conf.settings().MODELS):
        yield Error(problem, id="seedance.E009")


def check_databases(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W010–W013, E010: database settings that break a cluster or slow it down."""
    alias = router.db_for_write(GenerationTask)
    settings = connections[alias].settings_dict
    return [*_database(alias, connections[alias].vendor, settings)]


def _database(alias: str, vendor: str, settings: dict[str, Any]) -> Iterator[CheckMessage]:
    where = f'DATABASES["{alias}"]'
    options = settings.get("OPTIONS", {})
    if vendor not in ("sqlite", "postgresql", "mysql"):
        yield Warning(
            f"{where} is a database that django-seedance was never tested on.",
            hint="Use PostgreSQL, MariaDB, MySQL or SQLite; docs/databases.md says from which version on.",
            id="seedance.W013",
        )
    if settings.get("CONN_MAX_AGE") == 0:
        yield Warning(
            f"{where} opens a new connection for every job.",
            hint='Set "CONN_MAX_AGE": 60; queueing and running jobs become about ten times as fast.',
            id="seedance.W010",
        )
    if vendor == "sqlite":
        wal = "journal_mode" in str(options.get("init_command", "")).lower()
        if options.get("transaction_mode") != "IMMEDIATE" or options.get("timeout", 5) < 10 or not wal:
            yield Warning(
                f"{where} will meet “database is locked” as soon as a cluster works beside the web server.",
                hint='Set "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", '
                '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}.',
                id="seedance.W011",
            )
    elif settings.get("CONN_MAX_AGE") != 0 and not settings.get("CONN_HEALTH_CHECKS"):
        yield Warning(
            f"{where} keeps connections without checking whether they are alive.",
            hint='Set "CONN_HEALTH_CHECKS": True; otherwise jobs fail after every restart of the database.',
            id="seedance.W012",
        )
    if options.get("pool") and queue.is_cluster_process():
        yield Error(
            f"{where} uses a connection pool, which breaks in the forked workers of a cluster.",
            hint='Leave OPTIONS["pool"] out when the process is a qcluster.',
            id="seedance.E010",
        )


def check_database_server(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E014–E016, W014: properties of the database server; run by ``migrate`` and ``check --database``."""
    alias = router.db_for_write(GenerationTask)
    if alias not in (databases or ()):
        return []
    connection = connections[alias]
    return list(_server(alias, connection)) + (list(_mysql(alias, connection)) if connection.vendor == "mysql" else [])


def _server(alias: str, connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    where, features = f'DATABASES["{alias}"]', connection.features
    if not features.supports_transactions:
        yield Error(
            f"{where} makes tables without transactions: a task could be sent twice, or half saved.",
            hint='Set "OPTIONS": {"init_command": "SET default_storage_engine=InnoDB"} and convert what is there.',
            id="seedance.E014",
        )
    if connection.vendor != "sqlite" and not features.has_select_for_update_skip_locked:
        yield Warning(
            f"{where} is too old for SKIP LOCKED: workers wait for each other when they claim tasks.",
            hint="Use MariaDB 10.11, MySQL 8.0 or PostgreSQL, or newer.",
            id="seedance.W014",
        )


def _mysql(alias: str, connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    where = f'DATABASES["{alias}"]'
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@character_set_database")
        charset = cursor.fetchone()[0]
        if connection.features.has_native_uuid_field:
            cursor.execute("SELECT CAST(%s AS UUID) < CAST(%s AS UUID)", _IN_ORDER)
            in_order = bool(cursor.fetchone()[0])
        else:
            in_order = True
    if charset != "utf8mb4":
        yield Error(
            f"{where} keeps text as {charset}: a prompt with an emoji or a rare character cannot be stored.",
            hint="Run ALTER DATABASE … CHARACTER SET utf8mb4 before migrate, and convert tables that are there.",
            id="seedance.E015",
        )
    if not in_order:
        yield Error(
            f"{where} sorts version 7 UUIDs wrongly (MDEV-29959): newest first would be anything.",
            hint="Use MariaDB 10.11.5, 11.4 or newer.",
            id="seedance.E016",
        )


def check_queue(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W020–W024: queue settings under which jobs run twice or not at all."""
    if not queue.is_installed():
        return []
    written = getattr(django_settings, "Q_CLUSTER", {})
    others, settings = written.get("ALT_CLUSTERS", {}), conf.settings()
    names = {written.get("name", "default"), *others}
    return [
        *_cluster("CLUSTER", settings.CLUSTER, names),
        *_cluster("ARCHIVE_CLUSTER", settings.ARCHIVE_CLUSTER, names),
        *_queue({**written, **others.get(settings.CLUSTER, {})}),
    ]


def _cluster(setting: str, ours: str, names: set[str]) -> Iterator[CheckMessage]:
    if ours and ours not in names:
        yield Warning(
            f'SEEDANCE["{setting}"] names "{ours}", which Q_CLUSTER does not have: no process would do the work.',
            hint=f"Use one of: {', '.join(sorted(names))}.",
            id="seedance.W023",
        )


def _queue(written: dict[str, Any]) -> Iterator[CheckMessage]:
    if written.get("sync"):
        yield Warning(
            'Q_CLUSTER["sync"] runs jobs inside the request that asks for them: it waits for the provider, and nothing '
            "polls its task afterwards.",
            hint='Remove "sync" and start a cluster; keep it for development and tests.',
            id="seedance.W024",
        )
    timeout, retry, awake = written.get("timeout"), written.get("retry", 60), conf.settings().ROUND_SECONDS
    if timeout is not None and timeout >= retry:
        yield Warning(
            f'Q_CLUSTER["retry"] ({retry} s) is not longer than "timeout" ({timeout} s): jobs run twice.',
            hint="Set retry above timeout × (1 + (queue_limit + bulk) / workers).",
            id="seedance.W020",
        )
    if timeout is not None and isinstance(awake, (int, float)) and timeout < awake + 20:
        yield Warning(
            f'Q_CLUSTER["timeout"] ({timeout} s) cuts off rounds, which stay awake for {awake:.0f} s.',
            hint='Set "timeout": 120, or lower SEEDANCE["ROUND_SECONDS"].',
            id="seedance.W021",
        )
    if not written.get("ack_failures"):
        yield Warning(
            'Q_CLUSTER has no "ack_failures": a job that fails is repeated for ever.',
            hint='Set "ack_failures": True; the app keeps its own account of what is left to do.',
            id="seedance.W022",
        )
