"""The Ark dialect: ``{base}/contents/generations/tasks``.

Source: "Endpoints" to "DELETE" in docs/provider.md, read 2026-11-22.
"""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import requests

from ..exceptions import ProviderError
from .reading import read_task
from .transport import Transport
from .types import ContentPart, RemoteTask, TaskRequest

TASKS = "/contents/generations/tasks"

#: Statuses by which a gateway says that the address was too long.
_TOO_LONG = (400, 414, 431)


class SeedanceClient:
    """One account at one host. Each method is one provider call; knows no Django and no rows.

    Args:
        base_url: address up to and without ``/contents/generations/tasks``.
        api_key: sent as a bearer token, to this host only.
        connect_timeout, create_timeout, timeout: seconds.
        session: a ``requests.Session`` for the reads, when the caller wants its own.

    Raises:
        ConfigurationError: when the address or the key cannot be right; never repeats the key.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        connect_timeout: float = 5.0,
        create_timeout: float = 60.0,
        timeout: float = 15.0,
        session: requests.Session | None = None,
    ) -> None:
        self._transport = Transport(base_url, api_key, connect_timeout=connect_timeout, session=session)
        self._create_timeout = create_timeout
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._transport!r}>"

    def create_task(self, request: TaskRequest, *, reference: str = "") -> str:
        """Start a paid task and return its provider task id. Sent once, never repeated.

        Args:
            reference: our own id, for the provider's logs.

        Raises:
            TransportError: with ``sent=False`` nothing happened; otherwise the outcome is unknown.
            ServerError, ProtocolError: the outcome is unknown.
            RateLimitError, AuthenticationError, NotFoundError, RequestError: refused, nothing was started.
        """
        answer = self._transport.ask(
            "POST",
            TASKS,
            timeout=self._create_timeout,
            data=json.dumps(create_body(request), allow_nan=False).encode(),
            headers={"Content-Type": "application/json"} | ({"X-Client-Request-Id": reference} if reference else {}),
        )
        task_id = (answer.data or {}).get("id")
        if not isinstance(task_id, str) or not task_id.strip():
            raise self._transport.unreadable(answer, "The provider accepted the call but gave no task id.")
        return task_id

    def get_task(self, task_id: str) -> RemoteTask:
        """Look at one task.

        Raises:
            NotFoundError: unknown there; for the first two minutes that may pass, after seven days it is normal.
            ProviderError: any other trouble.
        """
        answer = self._transport.ask("GET", f"{TASKS}/{quote(task_id, safe='')}", timeout=self._timeout)
        if answer.data is None:
            raise self._transport.unreadable(answer, "The provider's answer is not a JSON object.")
        remote = read_task(answer.data)
        if not remote.status_word or remote.provider_task_id not in ("", task_id):
            raise self._transport.unreadable(answer, "The provider's answer is not about this task.")
        return remote

    def list_tasks(self, task_ids: Sequence[str], *, service_tier: str = "default") -> list[RemoteTask]:
        """Look at many tasks of one service tier in one request; halves the request where it is too long.

        Args:
            task_ids: up to 500 provider task ids.

        Returns:
            The tasks it still remembers, in no particular order. An id that is absent says nothing:
            only ``get_task`` tells whether it is gone.

        Raises:
            ProviderError: on the first request that fails.
        """
        query = [("page_num", "1"), ("page_size", str(len(task_ids))), ("filter.service_tier", service_tier)]
        query += [("filter.task_ids", task_id) for task_id in task_ids]
        try:
            answer = self._transport.ask("GET", TASKS, timeout=self._timeout, params=query)
        except ProviderError as exc:
            if exc.status_code not in _TOO_LONG or len(task_ids) < 2:
                raise
            middle = len(task_ids) // 2
            halves = (task_ids[:middle], task_ids[middle:])
            return [remote for half in halves for remote in self.list_tasks(half, service_tier=service_tier)]
        if answer.data is None:
            raise self._transport.unreadable(answer, "The provider's list is not a JSON object.")
        items = answer.data.get("items") or []
        return [read_task(item) for item in items if isinstance(item, dict)]

    def delete_task(self, task_id: str) -> None:
        """Cancel a queued task; of a finished one this deletes the record. Read the status first.

        Raises:
            RequestError: refused, for example because it is running by now.
            ProviderError: any other trouble; re-read the task before deciding anything.
        """
        self._transport.ask("DELETE", f"{TASKS}/{quote(task_id, safe='')}", timeout=self._timeout)


def create_body(request: TaskRequest) -> dict[str, Any]:
    """The JSON of a create call; unset fields are left out."""
    body: dict[str, Any] = {
        "model": request.model_name,
        "content": [_content_item(part) for part in request.content],
        **request.parameters,
    }
    if request.callback_url:
        body["callback_url"] = request.callback_url
    return body | dict(request.extra)


def _content_item(part: ContentPart) -> dict[str, Any]:
    if part.type == "text":
        return {"type": "text", "text": part.value}
    if part.type == "draft_task":
        return {"type": "draft_task", "draft_task": {"id": part.value}}
    item: dict[str, Any] = {"type": part.type, part.type: {"url": part.value}}
    return item | ({"role": part.role} if part.role else {})
