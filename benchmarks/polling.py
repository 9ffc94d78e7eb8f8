"""Poll everything in flight once: on a host with lists, and on one without.

python -m benchmarks.polling --database postgres
"""

import argparse
import datetime as dt
import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from .chaos import MODEL
from .download import peak_memory
from .provider import ProviderProcess
from .services import Unavailable
from .site import ROOT, Site, print_table

#: Limits: statements for one list, growth of the process in bytes, seconds for 1,000 tasks without lists.
MAX_STATEMENTS, MAX_GROWTH, MAX_SECONDS = 8.0, 50 * 2**20, 4.0
#: How long the host without lists takes for an answer. Seconds.
LATENCY = 0.05


def main() -> int:
    """Run it; the exit status."""
    options = _options()
    if options.measure:
        print(json.dumps(_poll_all()))
        return 0
    try:
        site = Site(options.database)
    except Unavailable as exc:
        print(f"Cannot run: {exc}.", file=sys.stderr)
        return 2
    with site:
        return 0 if all([_compare_lists(site, options), _compare_singles(site, options)]) else 1


def _compare_lists(site: Site, options: argparse.Namespace) -> bool:
    """Everything in flight, few changed, asked about in lists of different length."""
    provider = site.start_provider(queue_seconds=86_400)
    site.prepare(_seedance(provider))
    ids = _put_in_flight(provider, "default", options.tasks)
    rows, kept = [], True
    for number, size in enumerate((100, 500)):
        changed = random.Random(number).sample(ids, int(options.tasks * options.changed))
        word = ("running", "succeeded")[number]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda id, word=word: provider.command("set_status", id=id, status=word), changed))
        found = _poll_in_subprocess(provider, "default", LIST_IDS=size)
        statements = found["statements"] / max(1, found["lists"])
        kept &= found["lists"] <= options.tasks / size and statements <= MAX_STATEMENTS
        kept &= found["growth"] <= MAX_GROWTH
        speed, growth = f"{options.tasks / found['seconds']:,.0f}/s", f"{found['growth'] / 2**20:.1f} MB"
        rows.append(
            (size, found["lists"], found["gets"], f"{statements:.1f}", growth, f"{found['seconds']:.2f} s", speed)
        )
    title = f"{options.tasks:,} in flight, {options.changed:.0%} changed, {options.database}: ids a list"
    print_table((title, "lists", "gets", "SQL a list", "growth", "time", "tasks"), rows)
    provider.stop()
    return kept


def _compare_singles(site: Site, options: argparse.Namespace) -> bool:
    """The same tasks polled one after the other, concurrently, and, where the host has them, in lists."""
    provider = site.start_provider(queue_seconds=86_400, latency=LATENCY)
    os.environ["BENCHMARK_SEEDANCE"] = json.dumps(_seedance(provider))
    rows, times, slowest = [], [], 0.0
    for alias, threads in (("relay", 1), ("relay", 8), ("relay", 16), ("relay", 32), ("default", 8)):
        # One at a time would take a minute for all: a tenth of them is enough.
        count = options.singles // 10 if threads == 1 else options.singles
        _put_in_flight(provider, alias, count)
        found = _poll_in_subprocess(provider, alias, THREADS=threads)
        times.append(found["seconds"] / count)
        slowest = found["seconds"] if threads == 32 else slowest
        how = f"one GET each, threads: {threads}" if alias == "relay" else "lists of 100, threads: 8"
        ratio = f"× {times[0] / times[-1]:.0f}"
        rows.append((how, count, f"{found['seconds']:.2f} s", f"{1 / times[-1]:,.0f}/s", ratio))
    title = f"{LATENCY * 1000:.0f} ms an answer, {options.database}"
    print_table((title, "tasks", "time", "speed", "against the first"), rows)
    return slowest <= MAX_SECONDS * options.singles / 1000


def _seedance(provider: ProviderProcess, threads: int = 8, **lists: Any) -> dict[str, Any]:
    unlimited = {"API_KEY": "any", "GET_PER_SECOND": 0, "LIST_PER_SECOND": 0, "CREATE_PER_MINUTE": 0}
    intervals = {"FIRST_POLL_SECONDS": 10.0, "POLL_SECONDS": 10.0}
    return {
        "PROVIDERS": {
            "default": {**unlimited, **intervals, "PRESET": "ark", "BASE_URL": provider.ark_url, **lists},
            "relay": {**unlimited, **intervals, "PRESET": "cometapi", "BASE_URL": provider.relay_url},
        },
        "THREADS": threads,
    }


def _put_in_flight(provider: ProviderProcess, alias: str, count: int) -> list[str]:
    """Make so many tasks at the provider, and rows that know of them; no other row stays. Returns their ids."""
    from django.utils import timezone

    from seedance.models import GenerationTask

    GenerationTask.objects.all().delete()
    base = provider.ark_url if alias == "default" else provider.relay_url
    session = requests.Session()
    session.headers["Authorization"] = "Bearer any"
    body = {"model": MODEL, "content": [{"type": "text", "text": "A paper boat drifts on a quiet lake."}]}

    def create(_number: int) -> str:
        answer = session.post(f"{base}/contents/generations/tasks", json=body, timeout=30)
        return str(answer.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(create, range(count)))
    now = timezone.now()
    written = {task["id"]: task["updated_at"] for task in provider.query("tasks")}
    GenerationTask.objects.bulk_create(
        (
            GenerationTask(
                status="queued",
                provider=alias,
                provider_task_id=id,
                model_name=MODEL,
                prompt="A paper boat drifts on a quiet lake.",
                submitted_at=now,
                provider_updated_at=dt.datetime.fromtimestamp(int(written[id]), dt.UTC),
                next_poll_at=now,
            )
            for id in ids
        ),
        batch_size=500,
    )
    return ids


def _poll_in_subprocess(provider: ProviderProcess, alias: str, THREADS: int = 8, **lists: Any) -> dict[str, Any]:
    """Make all due, poll all of them in a new process, and add the calls that the provider received meanwhile."""
    from django.db import connections
    from django.utils import timezone

    from seedance.models import GenerationTask

    GenerationTask.objects.in_flight().update(next_poll_at=timezone.now())
    connections.close_all()
    before = provider.calls()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.polling", "--measure"],
        cwd=ROOT,
        env={**os.environ, "BENCHMARK_SEEDANCE": json.dumps(_seedance(provider, THREADS, **lists))},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    calls = provider.calls() - before
    return {**json.loads(done.stdout.splitlines()[-1]), "lists": calls["list"], "gets": calls["get"]}


def _poll_all() -> dict[str, float]:
    """Poll everything that is due, as a worker does; counts statements of all threads."""
    import django

    django.setup()
    from django.db import connection
    from django.db.backends.signals import connection_created

    from seedance import tasks

    statements: list[str] = []

    def count(execute: Any, sql: str, *arguments: Any) -> Any:
        if not sql.startswith("BEGIN"):  # PostgreSQL's driver sends it along unseen
            statements.append(sql)
        return execute(sql, *arguments)

    def watch(connection: Any, **_signal: Any) -> None:
        connection.execute_wrappers.append(count)

    connection.ensure_connection()
    connection_created.connect(watch)
    connection.execute_wrappers.append(count)
    before, started = peak_memory(), time.monotonic()
    while tasks.poll_due():
        pass
    return {
        "seconds": time.monotonic() - started,
        "growth": peak_memory() - before,
        "statements": len(statements),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default="sqlite", help="sqlite, postgres (a server of our own), or an address")
    parser.add_argument("--tasks", type=int, default=10_000, help="in flight on the host with lists")
    parser.add_argument("--changed", type=float, default=0.05, help="share of them that changed")
    parser.add_argument("--singles", type=int, default=1000, help="in flight on the host without lists")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
