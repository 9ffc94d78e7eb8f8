"""Uses the whole app once, in a process and on databases of its own.

Writes a JSON object: what went wrong by step (empty for nothing), and what the databases were asked.
The steps build on each other, so the first that fails matters.
"""

import json
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.db import connections
from django.db.backends.signals import connection_created

SAMPLE_MODEL = "doubao-seedance-1-5-pro-251215"
API = "/seedance/api/v1/tasks/"
ADMIN = "/admin/seedance/generationtask/"
#: Statements that change nothing.
READING = ("SELECT", "PRAGMA", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "SHOW", "SET")

statements: dict[str, Counter[str]] = {}
#: What changed something, by alias.
written: dict[str, list[str]] = {}
#: Whether any statement of the request under way ran inside a transaction that was there before the view.
atomic_selects: list[bool] = []


def record(connection: Any, **_: Any) -> None:
    """Count what is asked of each database."""

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        verb = sql.strip("( \n").split()[0].upper()
        kind = "reads" if verb in READING else "writes"
        statements.setdefault(connection.alias, Counter())[kind] += 1
        if kind == "writes":
            written.setdefault(connection.alias, []).append(sql)
        if verb == "SELECT" and "seedance_generationtask" in sql:
            atomic_selects.append(connection.in_atomic_block)
        return execute(sql, params, many, context)

    if wrapper not in connection.execute_wrappers:
        connection.execute_wrappers.append(wrapper)


def main() -> None:
    django.setup()
    from django.core.management import call_command

    for alias in json.loads(sys.argv[1]):
        call_command("migrate", database=alias, verbosity=0)
    from .steps import Steps  # its imports need the app registry

    steps = Steps()
    steps.prepare()
    for alias in connections:
        connections[alias].close()
    freeze = sys.argv[2] if len(sys.argv) > 2 else ""
    if freeze:
        freeze_replica()
    connection_created.connect(record, weak=False)
    failures: dict[str, str] = {}
    with steps.emulator:
        settings.SEEDANCE["PROVIDERS"]["default"]["BASE_URL"] = steps.emulator.ark_url
        for name in Steps.NAMES:
            try:
                getattr(steps, name)()
                failures[name] = ""
            except Exception:
                failures[name] = traceback.format_exc()
    print(json.dumps({"failures": failures, "statements": statements, "written": written.get("replica", [])}))


def freeze_replica() -> None:
    """Copy the primary to the replica, which learns of nothing from here on."""
    import shutil

    shutil.copy(settings.DATABASES["default"]["NAME"], settings.DATABASES["replica"]["NAME"])
