"""Prove "exactly once, whatever breaks": real clusters, a faulty provider, kill -9, and servers that vanish.

    python -m benchmarks.chaos --tasks 2000 --clusters 3 --database postgres --redis redis \
        --faults 0.07 --kill-every 5 --restart-services

Exits with 1 when a requirement is violated: a task paid twice, lost, stuck, or ended without its video and without a
flag that says why.
"""

import argparse
import random
import sys
import time
from typing import Any

from .services import OwnPostgres, OwnRedis, Unavailable
from .site import Site, print_table

MODEL = "doubao-seedance-1-5-pro-251215"
#: Tasks created in one transaction.
BATCH = 50
#: How long a server is stopped. Seconds.
OUTAGE = 3.0


def main() -> int:
    """Run it; the exit status."""
    options = _options()
    try:
        site = Site(options.database, options.redis, options.log)
    except Unavailable as exc:
        print(f"Cannot run: {exc}.", file=sys.stderr)
        return 2
    with site:
        return Chaos(site, options).run()


class Chaos:
    """One run: create, kill, restart, wait until all tasks are finished, and check."""

    def __init__(self, site: Site, options: argparse.Namespace) -> None:
        self._site, self._options = site, options
        self._random = random.Random(options.seed)
        self._provider = site.start_provider(
            faults=options.faults, seed=options.seed, queue_seconds=1, run_seconds=options.run_seconds
        )
        site.prepare(self._seedance(), workers=options.workers)
        self._clusters = [site.start_cluster() for _ in range(options.clusters)]
        if options.callbacks:
            site.start_web()
        self._kills = self._restarts = 0
        self._next_kill = time.monotonic() + options.kill_every

    def run(self) -> int:
        """The exit status."""
        from .report import evaluate

        started = time.monotonic()
        markers = [f"m{number:06d}" for number in range(self._options.tasks)]
        self._create_and_disrupt(markers)
        if self._options.blackout:
            self._kill_all()
        is_finished = self._wait_until_finished()
        seconds = time.monotonic() - started
        report = evaluate(markers, self._provider.query("ledger"), self._provider.query("tasks"))
        self._report(report, seconds)
        if not is_finished:
            print(f"Tasks are unfinished after {self._options.patience:.0f} seconds.")
        for line in report.timelines:
            print(line)
        for violation in report.violations[:50]:
            print(f"VIOLATION {violation}")
        return 1 if report.violations else 0

    def _seedance(self) -> dict[str, Any]:
        """Two hosts, one with lists and one without; short timeouts, so that unconfirmed tasks are reconciled soon."""
        short = {
            "API_KEY": "any",
            "TIMEOUT": 3.0,
            "GET_TIMEOUT": 3.0,
            "CONNECT_TIMEOUT": 2.0,
            "FIRST_POLL_SECONDS": 2.0,
            "POLL_SECONDS": 2.0,
            "CREATE_PER_MINUTE": 0,
            "GET_PER_SECOND": 0,
        }
        return {
            "PROVIDERS": {
                "default": {**short, "PRESET": "emulator", "BASE_URL": self._provider.ark_url},
                "relay": {**short, "PRESET": "cometapi", "BASE_URL": self._provider.relay_url},
            },
            "PUBLIC_URL": self._site.web_url if self._options.callbacks else "",
            "TICK_SECONDS": 1.0,
        }

    def _create_and_disrupt(self, markers: list[str]) -> None:
        """Create all tasks, and kill and restart processes until all of them are sent."""
        to_restart = self._services_to_restart()
        for start in range(0, len(markers), BATCH):
            _create(markers[start : start + BATCH])
            self._pause(0.5)
        while (left := _unsent()) or self._kills < self._options.min_kills:
            if self._kills >= self._options.max_kills and not to_restart:
                break
            share = 1 - left / len(markers)
            if to_restart and share > 0.2 * (self._restarts + 1):
                self._restart(to_restart.pop(0))
            self._pause(0.5)

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)
        if time.monotonic() < self._next_kill or self._kills >= self._options.max_kills:
            return
        index = self._random.randrange(len(self._clusters))
        self._site.kill(self._clusters[index])
        self._clusters[index] = self._site.start_cluster()
        self._kills += 1
        self._next_kill = time.monotonic() + self._options.kill_every * self._random.uniform(0.6, 1.4)

    def _services_to_restart(self) -> list[OwnPostgres | OwnRedis]:
        """Our own servers; shared ones are not stopped, which is printed."""
        if not self._options.restart_services:
            return []
        site = self._site
        if not isinstance(site.postgres, OwnPostgres):
            print("No outage of the database: it is not a server of our own (--database postgres).")
        if not isinstance(site.redis, OwnRedis):
            print("No outage of the broker: it is not a server of our own (--redis redis).")
        return [service for service in (site.postgres, site.redis) if isinstance(service, OwnPostgres | OwnRedis)]

    def _restart(self, service: OwnPostgres | OwnRedis) -> None:
        from django.db import connections

        connections.close_all()
        service.stop()
        time.sleep(OUTAGE)
        service.start()
        self._restarts += 1

    def _kill_all(self) -> None:
        """Kill all clusters at once, and start them again when every claim of theirs has lapsed."""
        for cluster in self._clusters:
            self._site.kill(cluster)
        self._kills += len(self._clusters)
        _let_claims_lapse()
        self._clusters = [self._site.start_cluster() for _ in self._clusters]

    def _wait_until_finished(self) -> bool:
        """Wait for all tasks without a flag, then a little for those with one. False when that took too long."""
        until = time.monotonic() + self._options.patience
        while _unfinished().filter(attention="").exists():
            if time.monotonic() > until:
                return False
            time.sleep(0.5)
        until = min(until, time.monotonic() + self._options.flagged_patience)
        while _unfinished().exists() and time.monotonic() < until:
            time.sleep(0.5)
        return True

    def _report(self, report: Any, seconds: float) -> None:
        options, calls = self._options, self._provider.calls()
        finished = max(1, report.stored)
        kinds = ("create", "list", "get", "download")
        rows = [
            ("tasks, clusters", f"{options.tasks}, {options.clusters}"),
            ("database, broker", f"{options.database.split(':')[0]}, {options.redis.split(':')[0] or 'orm'}"),
            ("faults, kills, restarts of servers", f"{options.faults:.0%}, {self._kills}, {self._restarts}"),
            ("statuses", _counts(report.statuses)),
            ("unconfirmed: at the provider, not there", f"{report.unconfirmed_paid}, {report.unconfirmed_unpaid}"),
            ("flags", _counts(report.flags) or "none"),
            ("videos stored and playable", report.stored),
            ("paid twice", report.paid_twice),
            ("lost", report.lost),
            ("violations", len(report.violations)),
            ("calls per stored video", ", ".join(f"{kind} {calls[kind] / finished:.2f}" for kind in kinds)),
            ("wall time", f"{seconds:.0f} s"),
        ]
        print_table(("chaos", f"seed {options.seed}"), rows)


def _create(markers: list[str]) -> None:
    from django.db import transaction

    from seedance.models import GenerationTask

    with transaction.atomic():
        for number, marker in enumerate(markers):
            GenerationTask.objects.create_task(
                prompt=f"A paper boat numbered {marker} drifts on a quiet lake.",
                model_name=MODEL,
                provider=("default", "relay")[number % 2],
                duration=4,
                resolution="480p",
                metadata={"marker": marker},
                submit=True,
            )


def _unsent() -> int:
    from seedance.models import GenerationTask

    return GenerationTask.objects.filter(status__in=("new", "pending", "submitting")).count()


def _unfinished() -> Any:
    """Tasks that will, or should, still change without a person."""
    from seedance.models import GenerationTask

    waiting = GenerationTask.objects.filter(status__in=("new", "pending", "submitting", "queued", "running"))
    return waiting | GenerationTask.objects.unarchived().filter(next_archive_at__isnull=False)


def _let_claims_lapse() -> None:
    """As after some minutes without a worker: no claim, no lease and no pause holds any more."""
    from django.utils import timezone

    from seedance.models import GenerationTask, Lease

    now = timezone.now()
    GenerationTask.objects.filter(lease_until__isnull=False).update(lease_until=now)
    GenerationTask.objects.filter(next_poll_at__isnull=False).update(next_poll_at=now)
    GenerationTask.objects.filter(next_search_at__isnull=False).update(next_search_at=now)
    GenerationTask.objects.filter(next_archive_at__isnull=False).update(next_archive_at=now)
    Lease.objects.update(until=now)


def _counts(counter: Any) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--clusters", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="worker processes of each cluster")
    parser.add_argument("--database", default="sqlite", help="sqlite, postgres (a server of our own), or an address")
    parser.add_argument("--redis", default="", help="empty: ORM broker; redis: a server of our own; or an address")
    parser.add_argument("--faults", type=float, default=0.07, help="share of calls and of tasks that go wrong")
    parser.add_argument("--kill-every", type=float, default=5.0, help="seconds between two kill -9")
    parser.add_argument("--min-kills", type=int, default=3)
    parser.add_argument("--max-kills", type=int, default=1000, help="stop killing after so many")
    parser.add_argument("--restart-services", action="store_true", help="stop our own database and broker once each")
    parser.add_argument("--blackout", action="store_true", help="end with all clusters killed for some virtual minutes")
    parser.add_argument("--callbacks", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--run-seconds", type=float, default=3.0, help="how long the provider takes for a video")
    parser.add_argument(
        "--patience", type=float, default=300.0, help="seconds to wait for the end of all tasks after the last kill"
    )
    parser.add_argument("--flagged-patience", type=float, default=20.0, help="seconds to wait for flagged tasks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", default="", help="where to leave the log of the clusters")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
