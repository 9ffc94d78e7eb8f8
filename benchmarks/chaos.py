"""Prove "exactly once, whatever breaks": real clusters, a faulty provider, kill -9, and servers that vanish.

    python -m benchmarks.chaos --tasks 2000 --clusters 3 --database postgres --redis redis \
        --faults 0.07 --kill-every 5 --restart-services

Exits with 1 when a single promise is broken: a task paid twice, lost, stuck, or ended without its video and without a
flag that says why.
"""

import argparse
import random
import sys
import time
from typing import Any

from .services import OwnPostgres, OwnRedis, Unavailable
from .stage import Stage
from .table import print_table

MODEL = "doubao-seedance-1-5-pro-251215"
#: Tasks created in one transaction.
BATCH = 50
#: How long a server stays away. Seconds.
OUTAGE = 3.0


def main() -> int:
    """Run it; the exit status."""
    options = _options()
    try:
        stage = Stage(options.database, options.redis, options.log)
    except Unavailable as exc:
        print(f"Cannot run: {exc}.", file=sys.stderr)
        return 2
    with stage:
        return Chaos(stage, options).run()


class Chaos:
    """One run: create, kill, restart, wait until it is quiet, and judge."""

    def __init__(self, stage: Stage, options: argparse.Namespace) -> None:
        self._stage, self._options = stage, options
        self._dice = random.Random(options.seed)
        self._provider = stage.start_provider(
            faults=options.faults, seed=options.seed, queue_seconds=1, run_seconds=options.run_seconds
        )
        stage.prepare(self._seedance(), workers=options.workers)
        self._clusters = [stage.start_cluster() for _ in range(options.clusters)]
        if options.callbacks:
            stage.start_web()
        self._kills = self._restarts = 0
        self._next_kill = time.monotonic() + options.kill_every

    def run(self) -> int:
        """The exit status."""
        from .verdict import evaluate

        started = time.monotonic()
        markers = [f"m{number:06d}" for number in range(self._options.tasks)]
        self._wreak_havoc(markers)
        if self._options.blackout:
            self._black_out()
        quiet = self._wait_until_quiet()
        seconds = time.monotonic() - started
        verdict = evaluate(markers, self._provider.ask("ledger"), self._provider.ask("tasks"))
        self._report(verdict, seconds)
        if not quiet:
            print(f"It was not quiet after {self._options.patience:.0f} seconds.")
        for line in verdict.stories:
            print(line)
        for violation in verdict.violations[:50]:
            print(f"VIOLATION {violation}")
        return 1 if verdict.violations else 0

    def _seedance(self) -> dict[str, Any]:
        """Two hosts, one with lists and one without; short waits, so that what is in doubt is settled soon."""
        impatient = {
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
                "default": {**impatient, "PRESET": "emulator", "BASE_URL": self._provider.ark_url},
                "relay": {**impatient, "PRESET": "cometapi", "BASE_URL": self._provider.relay_url},
            },
            "PUBLIC_URL": self._stage.web_url if self._options.callbacks else "",
            "TICK_SECONDS": 1.0,
        }

    def _wreak_havoc(self, markers: list[str]) -> None:
        """Create all tasks, and break things until all of them have left."""
        to_restart = self._services_to_restart()
        for start in range(0, len(markers), BATCH):
            _create(markers[start : start + BATCH])
            self._pause(0.5)
        while (left := _unsent()) or self._kills < self._options.least_kills:
            if self._kills >= self._options.most_kills and not to_restart:
                break
            share = 1 - left / len(markers)
            if to_restart and share > 0.2 * (self._restarts + 1):
                self._restart(to_restart.pop(0))
            self._pause(0.5)

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)
        if time.monotonic() < self._next_kill or self._kills >= self._options.most_kills:
            return
        index = self._dice.randrange(len(self._clusters))
        self._stage.kill(self._clusters[index])
        self._clusters[index] = self._stage.start_cluster()
        self._kills += 1
        self._next_kill = time.monotonic() + self._options.kill_every * self._dice.uniform(0.6, 1.4)

    def _services_to_restart(self) -> list[OwnPostgres | OwnRedis]:
        """Our own servers; those that others use too are left alone, and people are told."""
        if not self._options.restart_services:
            return []
        stage = self._stage
        if not isinstance(stage.postgres, OwnPostgres):
            print("No outage of the database: it is not a server of our own (--database postgres).")
        if not isinstance(stage.redis, OwnRedis):
            print("No outage of the broker: it is not a server of our own (--redis redis).")
        return [service for service in (stage.postgres, stage.redis) if isinstance(service, OwnPostgres | OwnRedis)]

    def _restart(self, service: OwnPostgres | OwnRedis) -> None:
        from django.db import connections

        connections.close_all()
        service.stop()
        time.sleep(OUTAGE)
        service.start()
        self._restarts += 1

    def _black_out(self) -> None:
        """Everything dies at once, and comes back when every claim of the dead has lapsed."""
        for cluster in self._clusters:
            self._stage.kill(cluster)
        self._kills += len(self._clusters)
        _let_claims_lapse()
        self._clusters = [self._stage.start_cluster() for _ in self._clusters]

    def _wait_until_quiet(self) -> bool:
        """Wait for everything that has no flag, then a little for what has one. False when that took too long."""
        until = time.monotonic() + self._options.patience
        while _restless().filter(attention="").exists():
            if time.monotonic() > until:
                return False
            time.sleep(0.5)
        until = min(until, time.monotonic() + self._options.aftermath)
        while _restless().exists() and time.monotonic() < until:
            time.sleep(0.5)
        return True

    def _report(self, verdict: Any, seconds: float) -> None:
        options, calls = self._options, self._provider.calls()
        finished = max(1, verdict.stored)
        kinds = ("create", "list", "get", "download")
        rows = [
            ("tasks, clusters", f"{options.tasks}, {options.clusters}"),
            ("database, broker", f"{options.database.split(':')[0]}, {options.redis.split(':')[0] or 'orm'}"),
            ("faults, kills, restarts of servers", f"{options.faults:.0%}, {self._kills}, {self._restarts}"),
            ("statuses", _counts(verdict.statuses)),
            ("unconfirmed: at the provider, not there", f"{verdict.in_doubt_paid}, {verdict.in_doubt_unpaid}"),
            ("flags", _counts(verdict.flags) or "none"),
            ("videos stored and playable", verdict.stored),
            ("paid twice", verdict.doubles),
            ("lost", verdict.lost),
            ("broken promises", len(verdict.violations)),
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


def _restless() -> Any:
    """Tasks that will, or should, still move by themselves."""
    from seedance.models import GenerationTask

    waiting = GenerationTask.objects.filter(status__in=("new", "pending", "submitting", "queued", "running"))
    return waiting | GenerationTask.objects.unarchived().filter(next_archive_at__isnull=False)


def _let_claims_lapse() -> None:
    """What some minutes without a worker do: no claim, no lease and no pause holds any more."""
    from django.utils import timezone

    from seedance.models import GenerationTask, Lease

    now = timezone.now()
    GenerationTask.objects.filter(lease_until__isnull=False).update(lease_until=now)
    GenerationTask.objects.filter(next_poll_at__isnull=False).update(next_poll_at=now)
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
    parser.add_argument("--least-kills", type=int, default=3)
    parser.add_argument("--most-kills", type=int, default=1000, help="stop killing after so many")
    parser.add_argument("--restart-services", action="store_true", help="stop our own database and broker once each")
    parser.add_argument("--blackout", action="store_true", help="end with all clusters dead for some virtual minutes")
    parser.add_argument("--callbacks", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--run-seconds", type=float, default=3.0, help="how long the provider takes for a video")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds to wait for quiet after the last kill")
    parser.add_argument("--aftermath", type=float, default=20.0, help="seconds in which flagged tasks may still move")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", default="", help="where to leave the log of the clusters")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
