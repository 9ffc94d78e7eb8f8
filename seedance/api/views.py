"""The tasks over HTTP: each view scopes the rows, calls one verb and shows the row as it then is."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import router, transaction
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from .. import intake
from ..exceptions import TransitionError
from ..models import GenerationTask, TaskEvent
from ..models.queryset import Order
from . import body, idempotency, shapes, waiting
from .base import Endpoint, conditional
from .errors import FileGone, WrongState, described
from .filters import TaskFilter
from .links import link
from .pagination import NewestFirst
from .permissions import may, owns
from .schema import IDEMPOTENCY_KEY, METADATA, PREFER, TASK_ID, WAIT, documented, problems
from .serializers import (
    CONFLICT,
    BatchSerializer,
    EstimateSerializer,
    TaskSerializer,
    TimelineSerializer,
    for_display,
    money,
)

#: Who is named in the timeline as the part of the app that did it.
_CAUSE = "api"

#: Inside the view set, ``list`` is an endpoint.
Tasks = list[GenerationTask]


class TaskEndpoint(Endpoint):
    """Finds the task of the address among those the caller may see."""

    def find(self, task_id: str, right: str = "view") -> GenerationTask:
        """The task of an id, if the caller may do this to it.

        Raises:
            NotFound: there is none, or the caller may not know of it.
            PermissionDenied: the caller sees it and may not change it.
        """
        task = self.get_queryset().filter(pk=_uuid(task_id)).first()
        if task is None:
            raise NotFound
        if right != "view" and not may(self.request.user, right, task):
            raise PermissionDenied
        return task

    def shown(self, tasks: Sequence[GenerationTask]) -> list[dict[str, Any]]:
        """Tasks as they are in the database now, ready to be rendered, in the order given."""
        keys = [task.pk for task in tasks]
        rows = for_display(GenerationTask.objects.filter(pk__in=keys)).in_bulk()
        found = [rows[key] for key in keys if key in rows]
        return [dict(row) for row in TaskSerializer(found, many=True, context={"request": self.request}).data]

    def shown_one(self, task: GenerationTask) -> dict[str, Any]:
        """One task, ready to be rendered.

        Raises:
            NotFound: it was erased meanwhile.
        """
        found = self.shown([task])
        if not found:
            raise NotFound
        return found[0]

    def wrong_state(self, task: GenerationTask, reason: object, code: str | None = None) -> Exception:
        """The error that says why not, and shows the task as it is."""
        return WrongState(str(reason), self.shown_one(task), code)


class TaskViewSet(TaskEndpoint, GenericViewSet):
    """Create, look at and steer video tasks."""

    serializer_class = TaskSerializer
    pagination_class = NewestFirst
    filter_backends = (DjangoFilterBackend,)
    filterset_class = TaskFilter

    @documented(
        operation_id="list_tasks",
        summary=_("List tasks"),
        description=_("The caller's own tasks, newest first; for staff who may view tasks, everybody's."),
        parameters=[METADATA],
        responses={200: TaskSerializer(many=True), 304: None, **problems(400)},
    )
    def list(self, request: Request) -> HttpResponseBase:
        """One page of tasks, newest first."""
        rows = self.get_queryset().using(router.db_for_read(GenerationTask))  # a list may be a moment late
        page = self.paginate_queryset(self.filter_queryset(for_display(rows)))
        found = self.get_paginated_response(self.get_serializer(page, many=True).data)
        return conditional(request, found.data)

    @documented(
        operation_id="create_task",
        summary=_("Ask for a video"),
        description=_("Checks the whole request, keeps it, and answers at once; a worker sends it to the provider."),
        parameters=[IDEMPOTENCY_KEY, PREFER, WAIT],
        request=shapes.CONTENT,
        responses={202: TaskSerializer, **problems(400, 413, 415, 422)},
    )
    def create(self, request: Request) -> Response:
        """Keep a request for one video, once for each ``Idempotency-Key``."""
        wait = waiting.asked(request)
        given = body.given_by(request)
        mark = idempotency.mark(request, given)
        tasks, replayed = idempotency.once(mark, partial(self._create, given, mark))
        waiting.wait_for(tasks[0].pk, wait)
        return self._accepted(tasks[0], wait, replayed=replayed)

    @documented(
        operation_id="estimate_task",
        summary=_("Estimate tokens and cost"),
        description=_("What such a request would use and cost, or what is wrong with it. Creates nothing."),
        request=shapes.CONTENT,
        responses={200: EstimateSerializer, **problems(400, 413, 415)},
    )
    def estimate(self, request: Request) -> Response:
        """What a request would use and cost."""
        prepared = body.order(body.given_by(request), self.get_queryset()).prepared
        return Response(EstimateSerializer(_estimated(prepared)).data)

    @documented(
        operation_id="create_tasks",
        summary=_("Ask for many videos"),
        description=_(
            "Up to 100 requests, all or nothing: if one is refused, none is kept. Files cannot be sent here."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.BATCH_CONTENT,
        responses={202: BatchSerializer, **problems(400, 413, 415, 422)},
    )
    def batch(self, request: Request) -> Response:
        """Keep many requests, all or nothing."""
        given = body.given_by(request)
        mark = idempotency.batch_mark(request, given)
        tasks, replayed = idempotency.once(mark, partial(self._create_all, given, mark))
        headers = _replay_header(replayed)
        return Response({"tasks": self.shown(tasks)}, 202, headers=headers)

    @documented(
        operation_id="get_task",
        summary=_("Look at a task"),
        parameters=[TASK_ID, WAIT],
        responses={200: TaskSerializer, 304: None, **problems(400, 404)},
    )
    def retrieve(self, request: Request, task_id: str) -> HttpResponseBase:
        """One task, at once or when it is final."""
        wait = waiting.asked(request)
        if wait.seconds:
            waiting.wait_for(self.find(task_id).pk, wait)
        task = for_display(self.get_queryset()).filter(pk=_uuid(task_id)).first()
        if task is None:
            raise NotFound
        response = conditional(request, self.get_serializer(task).data)
        for name, value in waiting.headers(task.provider, task.status, wait).items():
            response.headers[name] = value
        return response

    @documented(
        operation_id="submit_task",
        summary=_("Submit a new task"),
        parameters=[TASK_ID],
        request=None,
        responses={202: TaskSerializer, **CONFLICT, **problems(404)},
    )
    def submit(self, request: Request, task_id: str) -> Response:
        """Hand a kept task in."""
        task = self.find(task_id, "submit")
        if not GenerationTask.objects.filter(pk=task.pk).hand_in(cause=_CAUSE, actor=self._actor):
            raise self.wrong_state(task, _("Only a new task can be submitted."))
        return self._accepted(task)

    @documented(
        operation_id="sync_task",
        summary=_("Ask the provider now"),
        description=_("A worker asks about the task, or for its video, as soon as it can instead of when it is due."),
        parameters=[TASK_ID],
        request=None,
        responses={202: TaskSerializer, **CONFLICT, **problems(404)},
    )
    def sync(self, request: Request, task_id: str) -> Response:
        """Have a task looked at soon."""
        task = self.find(task_id, "sync")
        if not GenerationTask.objects.filter(pk=task.pk).ask_now():
            raise self.wrong_state(task, _("There is nothing to ask the provider about this task."))
        return self._accepted(task)

    @documented(
        operation_id="cancel_task",
        summary=_("Cancel a task"),
        description=_("At once while the provider does not know the task; a queued one is asked for there."),
        parameters=[TASK_ID],
        request=None,
        responses={202: TaskSerializer, **CONFLICT, **problems(404)},
    )
    def cancel(self, request: Request, task_id: str) -> Response:
        """Stop a task, if that is still possible."""
        task = self.find(task_id, "cancel")
        try:
            task.request_cancel(cause=_CAUSE, actor=self._actor)
        except TransitionError as error:
            raise self.wrong_state(task, error) from error
        return self._accepted(task)

    @documented(
        operation_id="retry_task",
        summary=_("Ask for the same video again"),
        description=_("Makes a new task, linked to the old one and owned by the same person."),
        parameters=[TASK_ID, IDEMPOTENCY_KEY],
        request=None,
        responses={202: TaskSerializer, **CONFLICT, **problems(400, 404, 410, 422)},
    )
    def retry(self, request: Request, task_id: str) -> Response:
        """Make a new task out of a final one."""
        old = self.find(task_id, "submit")
        mark = idempotency.mark(request, None, owner=old.owner)
        try:
            tasks, replayed = idempotency.once(mark, partial(self._retry, old, mark))
        except TransitionError as error:
            raise self.wrong_state(old, error) from error
        except FileNotFoundError as error:
            raise FileGone(_("A file that this task was made from is no longer stored.")) from error
        return self._accepted(tasks[0], replayed=replayed)

    @documented(
        operation_id="list_task_events",
        summary=_("Read a task's timeline"),
        parameters=[TASK_ID],
        responses={200: TimelineSerializer, 304: None, **problems(404)},
    )
    def events(self, request: Request, task_id: str) -> HttpResponseBase:
        """What happened to a task, oldest first."""
        events = self.find(task_id).events.all()
        return conditional(request, TimelineSerializer({"results": events}).data)

    @documented(
        operation_id="delete_task",
        summary=_("Erase a task"),
        description=_("Erases the row and its files; refused while the task may still cost money."),
        parameters=[TASK_ID],
        responses={204: None, **CONFLICT, **problems(404)},
    )
    def destroy(self, request: Request, task_id: str) -> Response:
        """Erase a task and its files."""
        task = self.find(task_id, "delete")
        try:
            with transaction.atomic(using=GenerationTask.objects.db):
                task.erase()
        except TransitionError as error:
            raise self.wrong_state(task, error) from error
        return Response(status=204)

    @property
    def _actor(self) -> str:
        return str(self.request.user.get_username())

    def _accepted(self, task: GenerationTask, wait: waiting.Wait | None = None, *, replayed: bool = False) -> Response:
        row = self.shown_one(task)
        headers = {
            "Location": link(self.request, "api-task", task.pk),
            **waiting.headers(task.provider, row["status"], wait),
            **_replay_header(replayed),
        }
        return Response(row, 202, headers=headers)

    def _create(self, given: object, mark: idempotency.Mark | None) -> Tasks:
        return [self._keep(body.order(given, self.get_queryset()), mark.columns() if mark else {})]

    def _create_all(self, given: object, mark: idempotency.Mark | None) -> Tasks:
        orders = [
            Order(order.prepared, order.submit, mark.columns(number) if mark else {})
            for number, order in enumerate(body.orders(given))
        ]
        return GenerationTask.objects.create_many(orders, owner=self.request.user, cause=_CAUSE)

    def _keep(self, order: body.Order, columns: Mapping[str, str]) -> GenerationTask:
        return GenerationTask.objects.create_prepared(
            order.prepared, owner=self.request.user, submit=order.submit, cause=_CAUSE, note=order.note, **columns
        )

    def _retry(self, old: GenerationTask, mark: idempotency.Mark | None) -> Tasks:
        with transaction.atomic(using=GenerationTask.objects.db):
            task = GenerationTask.objects.retry(old, owner=old.owner, cause=_CAUSE)
            if mark:
                GenerationTask.objects.filter(pk=task.pk).update(**mark.columns())
            if not owns(self.request.user, old):
                task.note(TaskEvent.What.NOTE, cause=_CAUSE, actor=self._actor, detail="Retried for its owner.")
        return [task]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _replay_header(replayed: bool) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if replayed else {}


def _estimated(prepared: intake.Prepared) -> dict[str, Any]:
    estimate = intake.estimate(prepared)
    cost = None
    if estimate.amount is not None:
        cost = {"amount": money(estimate.amount), "currency": estimate.currency, "estimated": True}
    return {
        "provider": prepared.provider,
        "model": prepared.inputs.model_name,
        "prompt": prepared.inputs.prompt,
        "parameters": prepared.inputs.given(),
        "lifted": prepared.lifted,
        "usage": None if estimate.tokens is None else {"total_tokens": estimate.tokens},
        "cost": cost,
        "basis": estimate.basis,
        "notes": [str(note) for note in estimate.notes],
        "warnings": [described(problem) for problem in prepared.warnings],
    }
