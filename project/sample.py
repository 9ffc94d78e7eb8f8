"""The sample request, sent through the REST API and followed until its video is stored."""

from collections.abc import Callable, Iterator
from typing import Any

import requests

from seedance.catalogue import current_catalogue, host_of

#: The model family of the request; providers use different ids for it.
FAMILY = "1.5 pro"
PROMPT = "A paper boat drifts on a quiet lake at sunrise. --duration 5 --ratio 16:9"

#: Statuses that end without a video.
_WITHOUT_VIDEO = frozenset({"failed", "cancelled", "expired"})
#: The stage after ``succeeded``: the video is archived.
STORED = "stored"


class SampleFailed(Exception):
    """There will be no video; the message says why."""


class ApiClient:
    """A client of the site's REST API."""

    def __init__(self, api_url: str, token: str) -> None:
        self._tasks_url = f"{api_url}tasks/"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.trust_env = False  # no proxy between two programs of one machine

    def create(self, model: str, prompt: str) -> dict[str, Any]:
        """Create a task and return its representation."""
        return self._call("POST", self._tasks_url, {"model": model, "prompt": prompt})

    def task(self, task_id: str) -> dict[str, Any]:
        """The current representation of a task."""
        return self._call("GET", f"{self._tasks_url}{task_id}/")

    def _call(self, method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = self._session.request(method, url, json=body, timeout=30)
        except requests.RequestException as error:
            raise SampleFailed(f"The web server does not answer: {error}") from error
        if not response.ok:
            raise SampleFailed(f"{method} {url} was answered with {response.status_code}: {response.text[:1000]}")
        answer: dict[str, Any] = response.json()
        return answer


def model_name() -> str:
    """The id of the sample's model at the configured provider.

    Raises:
        SampleFailed: the provider does not have it.
    """
    host = host_of("default")
    name = current_catalogue().row(FAMILY, host).name
    if not name:
        raise SampleFailed(f"The provider {host.preset} has no model of the family {FAMILY}.")
    return name


def stages(client: ApiClient, task_id: str, pause: Callable[[], None]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The stages of a task, each once and with the task at that moment; the last one is ``stored``.

    Args:
        pause: called between two requests.

    Raises:
        SampleFailed: the task ends without a video, or needs attention.
    """
    seen = ""
    while seen != STORED:
        task = client.task(task_id)
        stage = STORED if task["video"] and task["video"]["stored"] else task["status"]
        if stage in _WITHOUT_VIDEO or task["needs_attention"]:
            raise SampleFailed(_reason(task))
        if stage != seen:
            seen = stage
            yield stage, task
        pause()


def _reason(task: dict[str, Any]) -> str:
    error = task["error"] or {}
    words = filter(None, [f"There is no video; the task is {task['status']}.", error.get("message"), task["attention"]])
    return " ".join(words)
