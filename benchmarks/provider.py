"""The emulator in a process of its own, with trouble brewing: at random, but the same every time for one seed."""

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

#: What strikes a call, by operation: fault and options. ``slow_headers`` outlasts the client's patience.
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
    "look": [
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
#: What shapes the whole life of the next task.
LIFE_FAULTS: list[tuple[str, dict[str, Any]]] = [
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
#: How often trouble is made. Seconds.
PULSE = 0.1


class Troublemaker(threading.Thread):
    """For every call that was heard, strikes a later one of the same kind with the given chance."""

    def __init__(self, emulator: Emulator, share: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._emulator, self._share = emulator, share
        self._dice = random.Random(seed)
        self._heard = 0
        self._pause = threading.Event()

    def run(self) -> None:
        while not self._pause.wait(PULSE):
            heard = self._emulator.requests
            for request in heard[self._heard :]:
                self._throw(operation_of(request.method, request.path))
            self._heard = len(heard)

    def _throw(self, operation: str) -> None:
        if operation == "create" and self._dice.random() < self._share:
            name, options = self._dice.choice(LIFE_FAULTS)
            self._emulator.fault(name, **options)
        if self._dice.random() < self._share:
            kind = "look" if operation in ("get", "list") else operation
            name, options = self._dice.choice(WIRE_FAULTS[kind])
            self._emulator.fault(name, on=operation, **options)


def operation_of(method: str, path: str) -> str:
    """Which kind of call a request is: create, list, get or download."""
    if method == "POST":
        return "create"
    if "/contents/generations/tasks" not in path:
        return "download"
    return "list" if path.endswith("/tasks") else "get"


class ProviderProcess:
    """Starts the emulator elsewhere, so that it costs the measured process nothing, and asks it things."""

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
        """Ark as its maker speaks it: with lists."""
        return f"{self.url}/api/v3"

    @property
    def relay_url(self) -> str:
        """Ark as a relay speaks it: without lists."""
        return f"{self.url}/volc/v3"

    def ask(self, question: str) -> Any:
        """Answer of a control route: ``ledger``, ``tasks``, ``requests`` or ``callbacks``."""
        with urllib.request.urlopen(f"{self.url}/__control__/{question}", timeout=60) as answer:
            return json.load(answer)

    def tell(self, command: str, **values: Any) -> None:
        """Run a control route."""
        body = json.dumps(values).encode()
        request = urllib.request.Request(f"{self.url}/__control__/{command}", body, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    def calls(self) -> Counter[str]:
        """How many calls of each kind were heard."""
        return Counter(operation_of(call["method"], call["path"]) for call in self.ask("requests"))

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
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer to a look")
    options = parser.parse_args()
    settings = {"queue_seconds": options.queue_seconds, "run_seconds": options.run_seconds}
    with Emulator(render=False, requests_kept=1_000_000, **settings) as emulator:
        print(emulator.url, flush=True)
        if options.latency:
            emulator.fault("slow_headers", on=("get", "list"), times=None, seconds=options.latency)
        if options.faults:
            Troublemaker(emulator, options.faults, options.seed).start()
        sys.stdin.read()


if __name__ == "__main__":
    main()
