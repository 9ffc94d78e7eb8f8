"""The sample request, sent the way any API consumer would send it, and watched until its video is stored."""

from collections.abc import Callable, Iterator
from typing import Any

import requests

from seedance.catalogue import current_catalogue, host_of

#: The family of the request below; hosts name it differently.
FAMILY = "1.5 pro"
PROMPT = "A paper boat drifts on a quiet lake at sunrise. --duration 5 --ratio 16:9"

#: Statuses that end without a video.
_WITHOUT_VIDEO = frozenset({"failed", "cancelled", "expired"})
#: The stage after ``succeeded``: the video lies in our own storage.
STORED = "stored"


class SampleFailed(Exception):
    """There will be no video; says why in a sentence."""


class ApiClient:
    """The site's REST API as its consumer sees it."""

    def __init__(self, api_url: str, token: str) -> None:
        self._tasks_url = f"{api_url}tasks/"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.trust_env = False  # no proxy between two programs of one machine

    def create(self, model: str, prompt: str) -> dict[str, Any]:
        """Ask for a video. Returns the task as the API shows it."""
        return self._call("POST", self._tasks_url, {"model": model, "prompt": prompt})

    def task(self, task_id: str) -> dict[str, Any]:
        """The task as it is now."""
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
    """What the configured provider calls the sample's model.

    Raises:
        SampleFailed: when it does not offer it.
    """
    host = host_of("default")
    name = current_catalogue().row(FAMILY, host).name
    if not name:
        raise SampleFailed(f"The provider {host.preset} has no model of the family {FAMILY}.")
    return name


def stages(client: ApiClient, task_id: str, pause: Callable[[], None]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The stages of a task as they come, each once, with the task as it was seen then; the last one is ``stored``.

    Args:
        pause: called between two looks.

    Raises:
        SampleFailed: when the task ends without a video, or needs a person to go on.
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
