"""Parses and validates request bodies; all violations are reported at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from .. import intake
from ..catalogue import PARAMETERS, Violation
from ..intake import Order
from ..models.queryset import GenerationTaskQuerySet
from . import task_references
from .errors import MAX_ERRORS, RequestRefused, refusal
from .multipart import parse_multipart
from .request_serializers import UNREAD, BatchRequestSerializer, MediaRequestSerializer, TaskRequestSerializer

#: Maximum number of tasks in a batch.
MAX_BATCH = 100

#: Where a component of a field's path begins.
_STEP = re.compile(r"[.\[]")


def parsed_body(request: Request) -> object:
    """The body as JSON values, from JSON or multipart.

    Raises:
        RequestRefused: the parts of a multipart body are inconsistent.
    """
    return parse_multipart(request.data) if isinstance(request.data, QueryDict) else request.data


def order(given: object, visible: GenerationTaskQuerySet) -> Order:
    """Parse and validate one body.

    Args:
        visible: the tasks that the caller may see, and refer to.

    Raises:
        RequestRefused: with all its violations.
    """
    found, violations = _read(TaskRequestSerializer(), given, visible)
    if violations:
        raise RequestRefused(violations)
    return found


def orders(given: object, visible: GenerationTaskQuerySet) -> list[Order]:
    """Parse and validate a batch of bodies, all or nothing.

    Args:
        visible: the tasks that the caller may see, and refer to.

    Raises:
        RequestRefused: with the violations of all bodies; paths begin with ``tasks[0]``.
    """
    size = batch_size(given)
    if size is not None and not 1 <= size <= MAX_BATCH:
        raise RequestRefused([_not_a_batch(size)])
    values, violations = BatchRequestSerializer().read(given)
    shape, found = TaskRequestSerializer(), []
    for position, item in enumerate(values.get("tasks", [])):
        if len(violations) > MAX_ERRORS:
            break  # no more are reported
        one, wrong = _read(shape, item, visible, in_batch=True)
        found.append(one)
        violations += [_with_prefix(violation, f"tasks[{position}]") for violation in wrong]
    if violations:
        raise RequestRefused(violations)
    return found


def batch_size(given: object) -> int | None:
    """The number of tasks in a batch; ``None`` if the body has no list of them."""
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
    media, media_violations = _read_media(values.pop("media", None) or [])
    violations += media_violations
    try:
        prepared, note = _prepared(values, media, visible, in_batch=in_batch)
    except RequestRefused as refused:
        violations += refused.violations
        # With the draft's id, the rules for the final video of a draft check the other fields.
        prepared, note = _intake(values, media, draft_task_id=values.get("draft_task") or ""), ""
    unread = {violation.field for violation in violations}
    if task_references.CONTINUE_FROM in unread:
        unread |= {"model", "prompt"} - values.keys()  # they may come from the other task
    if task_references.DRAFT_TASK in unread:
        unread.add("draft_task_id")  # the rules' name for it
    # The rules see an invalid field as missing; its own violation is the better message.
    if not any(violation.field == "" and violation.code in UNREAD for violation in violations):
        violations += _elsewhere(prepared.errors, unread)
    return Order(prepared, values.get("submit", True), note=note), violations


def _prepared(
    values: Mapping[str, Any], media: list[dict[str, Any]], visible: GenerationTaskQuerySet, *, in_batch: bool
) -> tuple[intake.Prepared, str]:
    """The prepared request, and a note for the timeline.

    Raises:
        RequestRefused: it names a task that cannot be continued, or a draft that cannot be used.
    """
    draft_task_id, note = "", ""
    if named := values.get(task_references.DRAFT_TASK):
        draft_task_id, note = task_references.provider_draft_id(named, visible, values.get("provider") or "default")
    if (named := values.get(task_references.CONTINUE_FROM)) is not None:
        request = {**_request(values, media), "draft_task_id": draft_task_id}
        request |= {"prompt": values.get("prompt"), "provider": values.get("provider") or ""}
        found = task_references.continuation(named, None if in_batch else visible, request, _parameters(values))
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
    """The violations of fields that were read, and in or around which everything was read."""
    around = unread.union(*map(_parents, unread))
    return [
        violation
        for violation in violations
        if violation.field not in around and unread.isdisjoint(_parents(violation.field))
    ]


def _parents(field: str) -> Iterator[str]:
    """The paths that contain a field: ``media`` and ``media[0]`` for ``media[0].url``."""
    return (field[: step.start()] for step in _STEP.finditer(field))


def _with_prefix(violation: Violation, path: str) -> Violation:
    field = f"{path}.{violation.field}" if violation.field else path
    return Violation(field, violation.code, violation.message, violation.hint, violation.severity)
