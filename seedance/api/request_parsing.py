"""A consumer's request, read and checked with every problem named."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from .. import intake
from ..catalogue.inputs import PARAMETERS
from ..catalogue.violations import Violation
from ..intake import Order
from ..models.queryset import GenerationTaskQuerySet
from . import continuing, drafts
from .errors import MAX_ERRORS, RequestRefused, refusal
from .multipart import parse_multipart
from .request_serializers import UNREAD, BatchRequestSerializer, MediaRequestSerializer, TaskRequestSerializer

#: Tasks in one batch.
MAX_BATCH = 100

#: Where a step down a field's path begins.
_STEP = re.compile(r"[.\[]")


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


def orders(given: object, visible: GenerationTaskQuerySet) -> list[Order]:
    """Read a batch of bodies, all or nothing.

    Args:
        visible: the tasks the sender may know of, and make final videos of where they are drafts.

    Raises:
        Refused: with every problem of every body; paths begin with ``tasks[0]``.
    """
    size = batch_size(given)
    if size is not None and not 1 <= size <= MAX_BATCH:
        raise RequestRefused([_not_a_batch(size)])
    values, violations = BatchRequestSerializer().read(given)
    shape, found = TaskRequestSerializer(), []
    for position, item in enumerate(values.get("tasks", [])):
        if len(violations) > MAX_ERRORS:
            break  # no more than that are told
        one, wrong = _read(shape, item, visible, in_batch=True)
        found.append(one)
        violations += [_placed(violation, f"tasks[{position}]") for violation in wrong]
    if violations:
        raise RequestRefused(violations)
    return found


def batch_size(given: object) -> int | None:
    """How many tasks a batch asks for; ``None`` when it has no list of them."""
    tasks = given.get("tasks") if isinstance(given, Mapping) else None
    return len(tasks) if isinstance(tasks, list) else None


def _not_a_batch(size: int) -> Violation:
    return refusal(
        "tasks",
        "batch_size",
        _("A batch has 1 to %(most)s tasks; this one has %(count)s."),
        _("Send several batches."),
        most=MAX_BATCH,
        count=size,
    )


def _read(
    shape: TaskRequestSerializer, given: object, visible: GenerationTaskQuerySet, *, in_batch: bool = False
) -> tuple[Order, list[Violation]]:
    values, violations = shape.read(given)
    media, media_problems = _read_media(values.pop("media", None) or [])
    violations += media_problems
    try:
        prepared, note = _prepared(values, media, visible, in_batch=in_batch)
    except RequestRefused as refused:
        violations += refused.violations
        # A draft keeps its id, so that the rest is held against the rules for the final video of one.
        prepared, note = _intake(values, media, draft_task_id=values.get("draft_task") or ""), ""
    unread = {violation.field for violation in violations}
    if continuing.FIELD in unread:
        unread |= {"model", "prompt"} - values.keys()  # the other task would have given them
    if drafts.FIELD in unread:
        unread.add("draft_task_id")  # the rules' name for it
    # A field that could not be read was judged as if it were missing; its own problem says it better.
    if not any(violation.field == "" and violation.code in UNREAD for violation in violations):
        violations += _elsewhere(prepared.errors, unread)
    return Order(prepared, values.get("submit", True), note=note), violations


def _prepared(
    values: Mapping[str, Any], media: list[dict[str, Any]], visible: GenerationTaskQuerySet, *, in_batch: bool
) -> tuple[intake.Prepared, str]:
    """The request that these fields make, and a line about it for the timeline.

    Raises:
        Refused: it names a task that it cannot continue from, or a draft that it cannot be made of.
    """
    draft_task_id, note = "", ""
    if named := values.get(drafts.FIELD):
        draft_task_id, note = drafts.resolved(named, visible, values.get("provider") or "default")
    if (named := values.get(continuing.FIELD)) is not None:
        request = {**_request(values, media), "draft_task_id": draft_task_id}
        request |= {"prompt": values.get("prompt"), "provider": values.get("provider") or ""}
        found = continuing.continuation(named, None if in_batch else visible, request, _parameters(values))
        return found.prepared, found.note
    return _intake(values, media, draft_task_id=draft_task_id), note


def _intake(values: Mapping[str, Any], media: list[dict[str, Any]], *, draft_task_id: str) -> intake.Prepared:
    return intake.prepare(
        **_request(values, media),
        draft_task_id=draft_task_id,
        prompt=values.get("prompt") or "",
        provider=values.get("provider") or "default",
        parameters=_parameters(values),
    )


def _request(values: Mapping[str, Any], media: list[dict[str, Any]]) -> dict[str, Any]:
    return {"model_name": values.get("model") or "", "media": media, "metadata": values.get("metadata") or {}}


def _parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in PARAMETERS if name in values}


def _read_media(items: Sequence[object]) -> tuple[list[dict[str, Any]], list[Violation]]:
    if len(items) > intake.MAX_MEDIA:
        return [], list(intake.too_many_media(len(items)))
    shape = MediaRequestSerializer()
    media: list[dict[str, Any]] = []
    violations: list[Violation] = []
    for position, item in enumerate(items):
        values, wrong = shape.read(item, f"media[{position}]")
        violations += wrong
        media.append(values)
    return media, violations


def _elsewhere(violations: Sequence[Violation], unread: set[str]) -> list[Violation]:
    """The problems of fields that could be read, and so could everything in and around them."""
    around = unread.union(*map(_outer, unread))
    return [
        violation
        for violation in violations
        if violation.field not in around and unread.isdisjoint(_outer(violation.field))
    ]


def _outer(field: str) -> Iterator[str]:
    """What a field is in: ``media`` and ``media[0]`` for ``media[0].url``."""
    return (field[: step.start()] for step in _STEP.finditer(field))


def _placed(violation: Violation, path: str) -> Violation:
    field = f"{path}.{violation.field}" if violation.field else path
    return Violation(field, violation.code, violation.message, violation.hint, violation.severity)
