"""How soon a finished video is detected, and with how many calls, on hosts with and without lists and callbacks.

    python -m benchmarks.latency --tasks 40

Real time: the provider takes a minute for each video. All four kinds of host run concurrently in one site.
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .chaos import MODEL
from .provider import ProviderProcess, operation_of
from .services import Unavailable
from .site import Site, print_table

#: Which hosts: alias, whether it lists, whether it calls back.
HOSTS = {
    "default": (True, True),
    "lists_only": (True, False),
    "relay": (False, True),
    "relay_only": (False, False),
}
#: Limits for the host without lists, with callbacks and without: median calls, 95th percentile in seconds.
MAX_CALLS = {True: 2, False: 8}
MAX_LATENCY = {True: 1.0, False: 10.0}


@dataclass
class Measured:
    """The measurements of one kind of host."""

    seconds: list[float] = field(default_factory=list)
    gets: list[int] = field(default_factory=list)
    named_in_lists: list[int] = field(default_factory=list)

    @property
    def calls(self) -> float:
        """Median calls that asked about a task."""
        return statistics.median(map(sum, zip(self.gets, self.named_in_lists, strict=True)))

    @property
    def late(self) -> float:
        """95th percentile of the time from the provider's finish to our row, in seconds."""
        return statistics.quantiles(self.seconds, n=20)[-1]


def main() -> int:
    """Run it; the exit status."""
    options = _options()
    try:
        site = Site(options.database, options.redis, options.log)
    except Unavailable as exc:
        print(f"Cannot run: {exc}.", file=sys.stderr)
        return 2
    with site:
        provider = site.start_provider(queue_seconds=2, run_seconds=options.render)
        site.prepare(_seedance(site, provider))
        site.start_web()
        site.start_cluster()
        time.sleep(options.startup)
        _create(options.tasks, options.spread)
        _wait(options.render)
        return 0 if _report(_compare(provider), options) else 1


def _seedance(site: Site, provider: ProviderProcess) -> dict[str, Any]:
    """As on a production site: the presets' own poll intervals and rate limits."""
    return {
        "PROVIDERS": {
            alias: {
                "PRESET": "ark" if lists else "cometapi",
                "BASE_URL": provider.ark_url if lists else provider.relay_url,
                "API_KEY": alias,
                "CALLBACKS": calls_back,
            }
            for alias, (lists, calls_back) in HOSTS.items()
        },
        "PUBLIC_URL": site.web_url,
    }


def _create(count: int, spread: float) -> None:
    """So many tasks for each host, one after the other over the given seconds, so that they end apart too."""
    from seedance.models import GenerationTask

    for _number in range(count):
        for alias in HOSTS:
            GenerationTask.objects.create_task(
                prompt="A paper boat drifts on a quiet lake.", model_name=MODEL, provider=alias, duration=4, submit=True
            )
            time.sleep(spread / count / len(HOSTS))


def _wait(render: float) -> None:
    from seedance.models import GenerationTask

    until = time.monotonic() + 3 * render + 60
    while GenerationTask.objects.active().exists() and time.monotonic() < until:
        time.sleep(1)


def _compare(provider: ProviderProcess) -> dict[str, Measured]:
    from seedance.models import GenerationTask

    finished = {task["id"]: dict(task["history"]).get("succeeded") for task in provider.query("tasks")}
    gets: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for call in provider.query("requests"):
        operation = operation_of(call["method"], call["path"])
        if operation == "get":
            gets[call["path"].rpartition("/")[2]] += 1
        elif operation == "list":
            named.update(id for value in call["query"].get("filter.task_ids", []) for id in value.split(","))
    found = {alias: Measured() for alias in HOSTS}
    for task in GenerationTask.objects.filter(status="succeeded"):
        found[task.provider].seconds.append(task.finished_at.timestamp() - finished[task.provider_task_id])
        found[task.provider].gets.append(gets[task.provider_task_id])
        found[task.provider].named_in_lists.append(named[task.provider_task_id])
    return found


def _report(found: dict[str, Measured], options: argparse.Namespace) -> bool:
    rows, kept = [], True
    for alias, (lists, calls_back) in HOSTS.items():
        host = found[alias]
        good = len(host.seconds) == options.tasks and host.late <= MAX_LATENCY[calls_back]
        good &= lists or host.calls <= MAX_CALLS[calls_back]
        kept &= good
        rows.append(
            (
                f"{'with' if lists else 'without'} lists, {'with' if calls_back else 'without'} callbacks",
                len(host.seconds),
                f"{statistics.median(host.gets):.0f}",
                f"{statistics.median(host.named_in_lists):.0f}",
                f"{statistics.median(host.seconds):.2f} s",
                f"{host.late:.2f} s",
                f"{max(host.seconds):.2f} s",
                "met" if good else "MISSED",
            )
        )
    title = f"{options.render:.0f} s a video, {options.database}, {options.redis or 'orm'}: host"
    headings = (title, "tasks", "GETs, median", "named in lists", "detected after, median", "p95", "max", "requirement")
    print_table(headings, rows)
    return kept


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=40, help="for each of the four kinds of host")
    parser.add_argument("--render", type=float, default=60.0, help="seconds the provider takes for a video")
    parser.add_argument("--spread", type=float, default=30.0, help="seconds over which the tasks are created")
    parser.add_argument("--startup", type=float, default=5.0, help="seconds for the cluster to start")
    parser.add_argument("--database", default="sqlite", help="sqlite, postgres (a server of our own), or an address")
    parser.add_argument("--redis", default="", help="empty: ORM broker; redis: a server of our own; or an address")
    parser.add_argument("--log", default="", help="where to leave the log of the cluster")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
