"""The emulator in a process of its own, with faults: at random, but the same every time for one seed."""

import argparse
import json
import random
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from seedance.emulator import Emulator

#: Faults of one call, by operation: fault and options. ``slow_headers`` exceeds the client's timeout.
WIRE_FAULTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "create": [
        ("lost_response_after_accept", {}),
        ("html_502", {}),
        ("html_502", {"status": 500}),
        ("rate_limited", {}),
        ("rate_limited", {"retry_after": 2}),
        ("redirect_301", {}),
        ("truncated_json", {}),
        ("empty_body", {}),
        ("missing_id", {}),
        ("connection_reset", {}),
        ("slow_headers", {"seconds": 5}),
    ],
    "read": [
        ("html_502", {}),
        ("html_502", {"status": 500}),
        ("rate_limited", {}),
        ("rate_limited", {"retry_after": 2}),
        ("redirect_301", {}),
        ("html_200", {}),
        ("truncated_json", {}),
        ("empty_body", {}),
        ("null_instead_of_omitted", {}),
        ("gzip_mislabel", {}),
        ("connection_reset", {}),
        ("slow_headers", {"seconds": 5}),
    ],
    "download": [("truncated_mp4", {}), ("html_for_mp4", {}), ("slow_body", {}), ("html_502", {})],
}
#: Faults of the next task, for all of its life.
TASK_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("unknown_status", {}),
    ("status_backwards", {}),
    ("error_at_transition", {}),
    ("success_without_url", {"gets": 2}),
    ("success_without_url", {}),
    ("url_expired", {"gets": 1}),
    ("callback_dropped", {}),
    ("callback_doubled", {}),
    ("callback_reordered", {}),
    ("callback_forged", {}),
    ("callback_early", {}),
]
#: How often faults are armed. Seconds.
INTERVAL = 0.1


class FaultInjector(threading.Thread):
    """For every request that was received, arms a fault of a later one of the same kind with the given probability."""

    def __init__(self, emulator: Emulator, share: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._emulator, self._share = emulator, share
        self._random = random.Random(seed)
        self._seen = 0
        self._pause = threading.Event()

    def run(self) -> None:
        while not self._pause.wait(INTERVAL):
            received = self._emulator.requests
            for request in received[self._seen :]:
                self._inject(operation_of(request.method, request.path))
            self._seen = len(received)

    def _inject(self, operation: str) -> None:
        if operation == "create" and self._random.random() < self._share:
            name, options = self._random.choice(TASK_FAULTS)
            self._emulator.fault(name, **options)
        if self._random.random() < self._share:
            kind = "read" if operation in ("get", "list") else operation
            name, options = self._random.choice(WIRE_FAULTS[kind])
            self._emulator.fault(name, on=operation, **options)


def operation_of(method: str, path: str) -> str:
    """Which kind of call a request is: create, list, get or download."""
    if method == "POST":
        return "create"
    if "/contents/generations/tasks" not in path:
        return "download"
    return "list" if path.endswith("/tasks") else "get"


class ProviderProcess:
    """The emulator in another process, so that it costs the measured one nothing."""

    def __init__(self, **options: Any) -> None:
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.provider", *arguments],
            cwd=Path(__file__).resolve().parent.parent,
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()

    @property
    def ark_url(self) -> str:
        """Base address of the Ark API, with lists."""
        return f"{self.url}/api/v3"

    @property
    def relay_url(self) -> str:
        """Base address of the same API at a relay, without lists."""
        return f"{self.url}/volc/v3"

    def query(self, name: str) -> Any:
        """The answer of a control route: ``ledger``, ``tasks``, ``requests`` or ``callbacks``."""
        with urllib.request.urlopen(f"{self.url}/__control__/{name}", timeout=60) as answer:
            return json.load(answer)

    def command(self, command: str, **values: Any) -> None:
        """Run a control route."""
        body = json.dumps(values).encode()
        request = urllib.request.Request(f"{self.url}/__control__/{command}", body, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    def calls(self) -> Counter[str]:
        """How many calls of each kind were received."""
        return Counter(operation_of(call["method"], call["path"]) for call in self.query("requests"))

    def stop(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Serve until the standard input is closed, which also happens when the benchmark dies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queue-seconds", type=float, default=1.0)
    parser.add_argument("--run-seconds", type=float, default=3.0)
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls and of tasks that go wrong")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer to a poll")
    options = parser.parse_args()
    settings = {"queue_seconds": options.queue_seconds, "run_seconds": options.run_seconds}
    with Emulator(render=False, requests_kept=1_000_000, **settings) as emulator:
        print(emulator.url, flush=True)
        if options.latency:
            emulator.fault("slow_headers", on=("get", "list"), times=None, seconds=options.latency)
        if options.faults:
            FaultInjector(emulator, options.faults, options.seed).start()
        sys.stdin.read()


if __name__ == "__main__":
    main()
