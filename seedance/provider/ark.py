"""The Ark dialect: ``{base}/contents/generations/tasks``.

Source: "Endpoints" to "DELETE" in docs/provider.md, read 2026-11-22.
"""

import datetime as dt
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, Any

from ..exceptions import ProviderError
from .dialect import DialectClient
from .reading import read_task
from .transport import Answer
from .types import ContentPart, RemoteTask, TaskRequest
from .uploads import base64_pieces, write_pieces

#: Statuses by which a gateway says that the address was too long.
_TOO_LONG = (400, 414, 431)
#: The largest page of a list, and how many pages a search reads at most.
PAGE_SIZE = 500
MAX_PAGES = 20


class SeedanceClient(DialectClient):
    """Speaks to Ark, ModelArk, and CometAPI's Ark-shaped route."""

    tasks_path = "/contents/generations/tasks"

    def _write_body(self, request: TaskRequest, file: IO[bytes]) -> str:
        placeholder = secrets.token_hex(16)
        uploads = [part.upload for part in request.content if part.upload]
        content = tuple(_without_upload(part, placeholder) for part in request.content)
        # ASCII-escaped, because one relay was seen to trip over its own re-encoding.
        body = json.dumps(create_body(replace(request, content=content)), allow_nan=False).encode()
        beginning, *rest = body.split(placeholder.encode())
        file.write(beginning)
        for upload, piece in zip(uploads, rest, strict=True):
            write_pieces(file, base64_pieces(upload))
            file.write(piece)
        return "application/json"

    def list_tasks(self, task_ids: Sequence[str], *, service_tier: str = "default") -> list[RemoteTask]:
        """Ask for many tasks of one service tier in one request; halves the request where it is too long.

        Args:
            task_ids: up to 500 provider task ids.

        Returns:
            The tasks it still remembers, in no particular order. An id that is absent says nothing:
            only ``get_task`` shows whether it is gone.

        Raises:
            ProviderError: on the first request that fails.
        """
        if not task_ids:
            return []
        query = [("page_num", "1"), ("page_size", str(len(task_ids))), ("filter.service_tier", service_tier)]
        query += [("filter.task_ids", task_id) for task_id in task_ids]
        try:
            answer = self._transport.ask("GET", self.tasks_path, timeout=self._timeout, query=query)
        except ProviderError as exc:
            if exc.status_code not in _TOO_LONG or len(task_ids) < 2:
                raise
            middle = len(task_ids) // 2
            halves = (task_ids[:middle], task_ids[middle:])
            return [remote for half in halves for remote in self.list_tasks(half, service_tier=service_tier)]
        return self._read_list(answer)

    def recent_tasks(
        self, *, since: dt.datetime, service_tier: str = "default", pause: float = 0.0
    ) -> list[RemoteTask]:
        """Ask for the tasks of one service tier that were created since a moment, by any client of the account.

        The order of the list is not documented, so all of its pages are read, up to ``MAX_PAGES``.

        Args:
            pause: seconds between two pages.

        Raises:
            ProtocolError: there are more pages; what they hold is not known, so no conclusion is safe.
            ProviderError: on the first page that fails.
        """
        found: list[RemoteTask] = []
        for page in range(1, MAX_PAGES + 1):
            query = [("page_num", str(page)), ("page_size", str(PAGE_SIZE)), ("filter.service_tier", service_tier)]
            answer = self._transport.ask("GET", self.tasks_path, timeout=self._timeout, query=query)
            remotes = self._read_list(answer)
            found += [remote for remote in remotes if remote.created_at is None or remote.created_at >= since]
            if len(remotes) < PAGE_SIZE:
                return found
            time.sleep(pause)
        raise self._transport.unreadable(answer, "The provider's list is too long to be searched.")

    def _read_list(self, answer: Answer) -> list[RemoteTask]:
        items = None if answer.data is None else answer.data.get("items") or []
        if not isinstance(items, list):
            raise self._transport.unreadable(answer, "The provider's answer is not a list of tasks.")
        return [read_task(item) for item in items if isinstance(item, dict)]

    def delete_task(self, task_id: str) -> None:
        """Cancel a queued task; of a finished one this deletes the record. Read the status first.

        Raises:
            RequestError: refused, for example because it is running by now.
            ProviderError: any other trouble; re-read the task before deciding anything.
        """
        self._transport.ask("DELETE", self._path_of(task_id), timeout=self._timeout)


def _without_upload(part: ContentPart, placeholder: str) -> ContentPart:
    """A part whose data URI has a placeholder where the file will be; one without an upload is left as it is."""
    if part.upload is None:
        return part
    return replace(part, value=f"data:{part.upload.content_type};base64,{placeholder}", upload=None)


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
