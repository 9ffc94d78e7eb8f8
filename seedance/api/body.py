"""A consumer's request, read and checked with every problem named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from .. import intake
from ..catalogue.inputs import PARAMETERS
from ..catalogue.problems import Problem
from .errors import Refused, refusal
from .forms import folded
from .shapes import BatchShape, MediaShape, TaskShape

#: Tasks in one batch.
MAX_BATCH = 100


@dataclass(frozen=True)
class Order:
    """One request, read and checked, with no errors left."""

    prepared: intake.Prepared
    submit: bool


def given_by(request: Request) -> object:
    """The body as JSON has it, whichever way it came.

    Raises:
        Refused: a multipart body whose parts do not make a request.
    """
    return folded(request.data) if isinstance(request.data, QueryDict) else request.data


def order(given: object) -> Order:
    """Read one body.

    Raises:
        Refused: with every problem it has.
    """
    found, problems = _read(TaskShape(), given)
    if problems:
        raise Refused(problems)
    return found


def orders(given: object) -> list[Order]:
    """Read a batch of bodies, all or nothing.

    Raises:
        Refused: with every problem of every body; paths begin with ``tasks[0]``.
    """
    values, problems = BatchShape().read(given)
    items = values.get("tasks", [])
    if "tasks" in values and not 1 <= len(items) <= MAX_BATCH:
        problems.append(
            refusal(
                "tasks",
                "batch_size",
                _("A batch has 1 to %(most)s tasks; this one has %(count)s."),
                _("Send several batches."),
                most=MAX_BATCH,
                count=len(items),
            )
        )
        raise Refused(problems)
    shape, found = TaskShape(), []
    for position, item in enumerate(items):
        one, wrong = _read(shape, item, f"tasks[{position}]")
        found.append(one)
        problems += wrong
    if problems:
        raise Refused(problems)
    return found


def _read(shape: TaskShape, given: object, path: str = "") -> tuple[Order, list[Problem]]:
    values, problems = shape.read(given)
    media, media_problems = _read_media(values.pop("media", None) or [])
    problems += media_problems
    prepared = intake.prepare(
        model_name=values.get("model") or "",
        prompt=values.get("prompt") or "",
        media=media,
        parameters={name: values[name] for name in PARAMETERS if name in values},
        draft_task_id=values.get("draft_task") or "",
        provider=values.get("provider") or "default",
        metadata=values.get("metadata") or {},
    )
    # A field that could not be read was judged as if it were missing; its own problem says it better.
    unread = {problem.field for problem in problems}
    problems += [problem for problem in prepared.errors if not _overlaps(problem.field, unread)]
    placed = [_placed(problem, path) for problem in problems] if path else problems
    return Order(prepared, submit=values.get("submit", True)), placed


def _read_media(items: Sequence[object]) -> tuple[list[dict[str, Any]], list[Problem]]:
    shape = MediaShape()
    media: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for position, item in enumerate(items):
        values, wrong = shape.read(item, f"media[{position}]")
        problems += wrong
        media.append(values)
    return media, problems


def _overlaps(field: str, unread: set[str]) -> bool:
    """Whether a field, something in it or something around it could not be read."""
    return any(field == other or _within(field, other) or _within(other, field) for other in unread)


def _within(field: str, outer: str) -> bool:
    return field.startswith((f"{outer}.", f"{outer}["))


def _placed(problem: Problem, path: str) -> Problem:
    field = f"{path}.{problem.field}" if problem.field else path
    return Problem(field, problem.code, problem.message, problem.cure, problem.severity)
