"""A consumer's request, read and checked with every problem named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from .. import intake
from ..catalogue.inputs import PARAMETERS
from ..catalogue.violations import Violation
from ..models.queryset import GenerationTaskQuerySet
from . import continuing
from .errors import RequestRefused, refusal
from .multipart import parse_multipart
from .request_serializers import BatchRequestSerializer, MediaRequestSerializer, TaskRequestSerializer

#: Tasks in one batch.
MAX_BATCH = 100


@dataclass(frozen=True)
class Order:
    """One request, read and checked, with no errors left."""

    prepared: intake.Prepared
    submit: bool
    #: A line for the timeline; empty for none.
    note: str


def parsed_body(request: Request) -> object:
    """The body as JSON has it, whichever way it came.

    Raises:
        Refused: a multipart body whose parts do not make a request.
    """
    return parse_multipart(request.data) if isinstance(request.data, QueryDict) else request.data


def order(given: object, visible: GenerationTaskQuerySet) -> Order:
    """Read one body.

    Args:
        visible: the tasks the sender may know of, and continue from.

    Raises:
        Refused: with every problem it has.
    """
    found, violations = _read(TaskRequestSerializer(), given, visible)
    if violations:
        raise RequestRefused(violations)
    return found


def batch_size(given: object) -> int:
    """How many tasks a batch asks for; 0 when it is none that can be read."""
    tasks = given.get("tasks") if isinstance(given, Mapping) else None
    return len(tasks) if isinstance(tasks, list) else 0


def orders(given: object) -> list[Order]:
    """Read a batch of bodies, all or nothing.

    Raises:
        Refused: with every problem of every body; paths begin with ``tasks[0]``.
    """
    values, violations = BatchRequestSerializer().read(given)
    items = values.get("tasks", [])
    if "tasks" in values and not 1 <= len(items) <= MAX_BATCH:
        violations.append(
            refusal(
                "tasks",
                "batch_size",
                _("A batch has 1 to %(most)s tasks; this one has %(count)s."),
                _("Send several batches."),
                most=MAX_BATCH,
                count=len(items),
            )
        )
        raise RequestRefused(violations)
    shape, found = TaskRequestSerializer(), []
    for position, item in enumerate(items):
        one, wrong = _read(shape, item)
        found.append(one)
        violations += [_placed(violation, f"tasks[{position}]") for violation in wrong]
    if violations:
        raise RequestRefused(violations)
    return found


def _read(
    shape: TaskRequestSerializer, given: object, visible: GenerationTaskQuerySet | None = None
) -> tuple[Order, list[Violation]]:
    values, violations = shape.read(given)
    media, media_problems = _read_media(values.pop("media", None) or [])
    violations += media_problems
    try:
        prepared, note = _prepared(values, media, visible)
    except RequestRefused as refused:
        violations += refused.violations
        prepared, note = _prepared({**values, continuing.FIELD: None}, media, visible)
    unread = {violation.field for violation in violations}
    if continuing.FIELD in unread:
        unread |= {"model", "prompt"} - values.keys()  # the other task would have given them
    # A field that could not be read was judged as if it were missing; its own problem says it better.
    violations += [violation for violation in prepared.errors if not _overlaps(violation.field, unread)]
    return Order(prepared, values.get("submit", True), note), violations


def _prepared(
    values: Mapping[str, Any], media: list[dict[str, Any]], visible: GenerationTaskQuerySet | None
) -> tuple[intake.Prepared, str]:
    """The request that these fields make, and a line about it for the timeline.

    Raises:
        Refused: it names a task that it cannot continue from.
    """
    request: dict[str, Any] = {
        "model_name": values.get("model") or "",
        "media": media,
        "draft_task_id": values.get("draft_task") or "",
        "metadata": values.get("metadata") or {},
    }
    parameters = {name: values[name] for name in PARAMETERS if name in values}
    prompt, provider = values.get("prompt"), values.get("provider") or ""
    if (named := values.get(continuing.FIELD)) is not None:
        request |= {"prompt": prompt, "provider": provider}
        found = continuing.continuation(named, visible, request, parameters)
        return found.prepared, found.note
    return intake.prepare(**request, prompt=prompt or "", provider=provider or "default", parameters=parameters), ""


def _read_media(items: Sequence[object]) -> tuple[list[dict[str, Any]], list[Violation]]:
    shape = MediaRequestSerializer()
    media: list[dict[str, Any]] = []
    violations: list[Violation] = []
    for position, item in enumerate(items):
        values, wrong = shape.read(item, f"media[{position}]")
        violations += wrong
        media.append(values)
    return media, violations


def _overlaps(field: str, unread: set[str]) -> bool:
    """Whether a field, something in it or something around it could not be read."""
    return any(field == other or _within(field, other) or _within(other, field) for other in unread)


def _within(field: str, outer: str) -> bool:
    return field.startswith((f"{outer}.", f"{outer}["))


def _placed(violation: Violation, path: str) -> Violation:
    field = f"{path}.{violation.field}" if violation.field else path
    return Violation(field, violation.code, violation.message, violation.hint, violation.severity)
