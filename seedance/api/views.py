"""The task endpoints: each view limits the rows to the visible ones, calls one function and returns the current row."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import router
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from .. import conf, intake, lifecycle
from ..exceptions import TransitionError
from ..models import Cause, EventText, GenerationTask
from ..models.idempotency import IdempotencyKey, get_or_create
from ..models.ids import parse_id
from ..models.queryset import GenerationTaskQuerySet
from . import idempotency, request_parsing, request_serializers, throttling, waiting
from .base import SeedanceAPIView, conditional, link
from .errors import FileGone, WrongState, described
from .filters import TaskFilter, TaskPagination
from .schema import IDEMPOTENCY_KEY, METADATA, PREFER, TASK_ID, WAIT, documented, problem_responses
from .serializers import (
    CONFLICT,
    BatchSerializer,
    EstimateSerializer,
    TaskSerializer,
    TimelineSerializer,
    amount,
    for_display,
)

#: Who is named in the timeline as the part of the app that did it.

#: Inside the view set, ``list`` is an endpoint.
Tasks = list[GenerationTask]


class TaskAPIView(SeedanceAPIView):
    """Finds the task named in the path among the visible ones, and renders tasks."""

    def rows_of(self, task_id: str) -> GenerationTaskQuerySet:
        """The visible task of an id as a queryset of one row or none."""
        found = parse_id(task_id)
        return self.get_queryset().filter(pk=found) if found else GenerationTask.objects.none()

    def find(self, task_id: str, right: str = "view") -> GenerationTask:
        """The task of an id, if the caller has the right to it.

        Raises:
            NotFound: there is none that is visible to the caller.
            PermissionDenied: the task is visible, but the caller lacks the right.
        """
        task = self.rows_of(task_id).first()
        if task is None:
            raise NotFound
        if right != "view" and not conf.policy().may(self.request.user, right, task):
            raise PermissionDenied
        return task

    def shown(self, tasks: Sequence[GenerationTask]) -> list[dict[str, Any]]:
        """Re-read tasks from the database and serialize them, in the given order."""
        keys = [task.pk for task in tasks]
        rows = for_display(GenerationTask.objects.filter(pk__in=keys)).in_bulk()
        return self.rendered([rows[key] for key in keys if key in rows])

    def rendered(self, rows: Sequence[GenerationTask]) -> list[dict[str, Any]]:
        """Serialize tasks that were read by ``for_display``."""
        return [dict(row) for row in TaskSerializer(rows, many=True, context={"request": self.request}).data]

    def current(self, task: GenerationTask) -> GenerationTask:
        """Re-read a task from the database, by ``for_display``.

        Raises:
            NotFound: it was erased in the meantime.
        """
        row = for_display(GenerationTask.objects.filter(pk=task.pk)).first()
        if row is None:
            raise NotFound
        return row

    def wrong_state(
        self, task: GenerationTask, reason: object, code: str | None = None, wait: float | None = None
    ) -> Exception:
        """A 409 with the reason and the current task; ``wait`` is for ``Retry-After``."""
        return WrongState(str(reason), self.rendered([self.current(task)])[0], code, wait)

    def no_file(self, task: GenerationTask, not_yet: object, never: object) -> Exception:
        """A 409 for a file that is not stored: ``not_yet`` with ``Retry-After``, or ``never`` if the task is done."""
        if task.is_done:
            return self.wrong_state(task, never, "no_video")
        return self.wrong_state(task, not_yet, "not_stored", waiting.retry_after(task))


class TaskViewSet(TaskAPIView, GenericViewSet):
    """Create, read and control video tasks."""

    serializer_class = TaskSerializer
    pagination_class = TaskPagination
    filter_backends = (DjangoFilterBackend,)
    filterset_class = TaskFilter

    @documented(
        operation_id="list_tasks",
        summary="List tasks",
        description="The caller's own tasks, newest first; for staff who may view tasks, everybody's.",
        parameters=[METADATA],
        responses={200: TaskSerializer(many=True), 304: None, **problem_responses(400)},
    )
    def list(self, request: Request) -> HttpResponseBase:
        """One page of tasks, newest first."""
        rows = self.get_queryset().using(router.db_for_read(GenerationTask))  # a list may come from a replica
        page = self.paginate_queryset(self.filter_queryset(for_display(rows)))
        found = self.get_paginated_response(self.get_serializer(page, many=True).data)
        return conditional(request, found.data)

    @documented(
        operation_id="create_task",
        summary="Create a task",
        description="Validates the whole request, stores it, and answers at once; a worker sends it to the provider.",
        parameters=[IDEMPOTENCY_KEY, PREFER, WAIT],
        request=request_serializers.CONTENT,
        responses={202: TaskSerializer, **problem_responses(400, 413, 415, 422)},
    )
    def create(self, request: Request) -> Response:
        """Create one task, once for each ``Idempotency-Key``."""
        wait = waiting.requested_wait(request)
        given = request_parsing.parsed_body(request)
        key = idempotency.key_of(request, "create", given)
        [task] = get_or_create(key, GenerationTask.objects.all(), partial(self._create, given, key))
        wait = waiting.wait_for(task.pk, wait)
        return self._accepted(task, wait, replayed=task.is_replay)

    @documented(
        operation_id="estimate_task",
        summary="Estimate tokens and cost",
        description="The expected tokens and cost of such a request, or its errors. Creates nothing.",
        request=request_serializers.CONTENT,
        responses={200: EstimateSerializer, **problem_responses(400, 413, 415)},
    )
    def estimate(self, request: Request) -> Response:
        """The expected tokens and cost of a request."""
        prepared = request_parsing.order(request_parsing.parsed_body(request), self.get_queryset()).prepared
        return Response(EstimateSerializer(_estimated(prepared)).data)

    @documented(
        operation_id="create_tasks",
        summary="Create many tasks",
        description=(
            "Up to 100 requests, all or nothing: if one is refused, none is stored. Files cannot be sent here."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=request_serializers.BATCH_CONTENT,
        responses={202: BatchSerializer, **problem_responses(400, 410, 413, 415, 422)},
    )
    def batch(self, request: Request) -> Response:
        """Create many tasks, all or nothing."""
        given = request_parsing.parsed_body(request)
        size = request_parsing.batch_size(given) or 0
        if 1 < size <= request_parsing.MAX_BATCH:
            throttling.throttle_more(request, self, self.get_throttles(), size - 1)
        key = idempotency.key_of(request, "batch", given)
        make = partial(self._create_all, given, key)
        tasks = get_or_create(key, GenerationTask.objects.all(), make, count=size)
        headers = _replay_header(any(task.is_replay for task in tasks))
        return Response({"tasks": self.shown(tasks)}, 202, headers=headers)

    @documented(
        operation_id="get_task",
        summary="Get a task",
        parameters=[TASK_ID, WAIT],
        responses={200: TaskSerializer, 304: None, **problem_responses(400, 404)},
    )
    def retrieve(self, request: Request, task_id: str) -> HttpResponseBase:
        """One task, at once or when it is done."""
        wait = waiting.requested_wait(request)
        if wait.seconds:
            wait = waiting.wait_for(self.find(task_id).pk, wait)
        task = for_display(self.rows_of(task_id)).first()
        if task is None:
            raise NotFound
        response = conditional(request, self.get_serializer(task).data)
        for name, value in waiting.headers(task, wait).items():
            response.headers[name] = value
        return response

    @documented(
        operation_id="submit_task",
        summary="Submit a new task",
        parameters=[TASK_ID, IDEMPOTENCY_KEY],
        request=None,
        responses={202: TaskSerializer, **CONFLICT, **problem_responses(400, 404, 422)},
    )
    def submit(self, request: Request, task_id: str) -> Response:
        """Submit a new task."""
        task = self.find(task_id, "submit")
        key = idempotency.key_of(request, f"submit {task.pk}")
        try:
            is_first = GenerationTask.objects.submit_once(task, cause=Cause.API, actor=self._actor, key=key)
        except TransitionError as error:
            raise self.wrong_state(task, error) from error
        return self._accepted(task, replayed=not is_first)

    @documented(
        operation_id="sync_task",
        summary="Poll the provider now",
        description="A worker polls the task, or fetches its video, as soon as possible instead of when it is due.",
        parameters=[TASK_ID],
        request=None,
        responses={202: TaskSerializer, **CONFLICT, **problem_responses(404)},
    )
    def sync(self, request: Request, task_id: str) -> Response:
        """Poll a task as soon as possible."""
        task = self.find(task_id, "sync")
        if not GenerationTask.objects.filter(pk=task.pk).poll_now():
            raise self.wrong_state(task, _("There is nothing to ask the provider about this task."))
        return self._accepted(task)

    @documented(
        operation_id="archive_task",
        summary="Archive a task's video again",
        description=(
            "A worker fetches the finished video as soon as it can, from a fresh link where the old one is dead. Free: "
            "nothing is generated again. For videos that are not stored, or were stored with a mismatch."
        ),
        parameters=[TASK_ID],
        request=None,
        responses={202: TaskSerializer, **CONFLICT, **problem_responses(404)},
    )
    def archive(self, request: Request, task_id: str) -> Response:
        """Archive a finished video again, which costs nothing."""
        task = self.find(task_id, "sync")
        if not GenerationTask.objects.filter(pk=task.pk).archive_again(cause=Cause.API, actor=self._actor):
            raise self.wrong_state(task, _("There is no finished video that still has to be stored."))
        return self._accepted(task)

    @documented(
        operation_id="cancel_task",
        summary="Cancel a task",
        description="At once if the task was not sent yet; for a queued task, the provider is asked to cancel it.",
        parameters=[TASK_ID],
        request=None,
        responses={202: TaskSerializer, **CONFLICT, **problem_responses(404)},
    )
    def cancel(self, request: Request, task_id: str) -> Response:
        """Cancel a task, if that is still possible."""
        task = self.find(task_id, "cancel")
        try:
            lifecycle.cancel(task, cause=Cause.API, actor=self._actor)
        except TransitionError as error:
            raise self.wrong_state(task, error) from error
        return self._accepted(task)

    @documented(
        operation_id="retry_task",
        summary="Retry a task",
        description="Creates a new task, linked to the old one and owned by the same user.",
        parameters=[TASK_ID, IDEMPOTENCY_KEY],
        request=None,
        responses={202: TaskSerializer, **CONFLICT, **problem_responses(400, 404, 410, 422)},
    )
    def retry(self, request: Request, task_id: str) -> Response:
        """Create a new task from a final one."""
        old = self.find(task_id, "submit")
        try:
            task = GenerationTask.objects.retry(
                old,
                owner=old.owner,
                cause=Cause.API,
                actor=self._actor,
                note="" if old.owner_id == request.user.pk else EventText("retried_for_owner"),
                idempotency_key=idempotency.key_of(request, "retry", str(old.pk)),
            )
        except TransitionError as error:
            raise self.wrong_state(old, error) from error
        except FileNotFoundError as error:
            self.current(old)  # 404 where the whole task is gone
            raise FileGone(_("A file that this task was made from is no longer stored.")) from error
        return self._accepted(task, replayed=task.is_replay)

    @documented(
        operation_id="list_task_events",
        summary="List the events of a task",
        parameters=[TASK_ID],
        responses={200: TimelineSerializer, 304: None, **problem_responses(404)},
    )
    def events(self, request: Request, task_id: str) -> HttpResponseBase:
        """The timeline of a task, oldest first."""
        events = self.find(task_id).events.all()
        return conditional(request, TimelineSerializer({"results": events}).data)

    @documented(
        operation_id="delete_task",
        summary="Erase a task",
        description="Erases the row and its files; refused while the task may still cost money.",
        parameters=[TASK_ID],
        responses={204: None, **CONFLICT, **problem_responses(404)},
    )
    def destroy(self, request: Request, task_id: str) -> Response:
        """Erase a task and its files."""
        task = self.find(task_id, "delete")
        try:
            task.erase()
        except TransitionError as error:
            raise self.wrong_state(task, error) from error
        return Response(status=204)

    @property
    def _actor(self) -> str:
        return str(self.request.user.get_username())

    def _accepted(self, task: GenerationTask, wait: waiting.Wait | None = None, *, replayed: bool = False) -> Response:
        task = self.current(task)
        row = self.rendered([task])[0]
        headers = {
            "Location": link(self.request, "api-task", task.pk),
            **waiting.headers(task, wait),
            **_replay_header(replayed),
        }
        return Response(row, 202, headers=headers)

    def _create(self, given: object, key: IdempotencyKey | None) -> Tasks:
        order = request_parsing.order(given, self.get_queryset())
        task = GenerationTask.objects.create_prepared(
            order.prepared,
            owner=self.request.user,
            submit=order.submit,
            cause=Cause.API,
            note=order.note,
            idempotency_key=key,
        )
        return [task]

    def _create_all(self, given: object, key: IdempotencyKey | None) -> Tasks:
        orders = request_parsing.orders(given, self.get_queryset())
        return GenerationTask.objects.create_many(orders, owner=self.request.user, cause=Cause.API, idempotency_key=key)


def _replay_header(replayed: bool) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if replayed else {}


def _estimated(prepared: intake.Prepared) -> dict[str, Any]:
    estimate = intake.estimate(prepared)
    return {
        "provider": prepared.provider,
        "model": prepared.inputs.model_name,
        "prompt": prepared.inputs.prompt,
        "parameters": prepared.inputs.given(),
        "lifted": prepared.lifted,
        "usage": None if estimate.tokens is None else {"total_tokens": estimate.tokens},
        "estimate": amount(estimate.amount, estimate.currency),
        "basis": estimate.basis,
        "notes": [str(note) for note in estimate.notes],
        "warnings": [described(violation) for violation in prepared.warnings],
    }
