"""Serializers of responses; request bodies are read by ``request_serializers``."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, Prefetch, TextField, When
from django.db.models.functions import Left, Lower
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from .. import conf
from ..catalogue import format_amount
from ..models import Charged, GenerationTask, MediaItem, Status, TaskEvent
from ..models.queryset import GenerationTaskQuerySet
from .base import link
from .errors import CONTENT_TYPE
from .schema import WHEN, ProblemItemSerializer, ProblemSerializer

#: How much of a ``data:`` URL is read from the database; its media type is within this.
DATA_HEAD = 100

_ID = "019ab3c1-5d2e-7c41-9b7e-3f0a6f2d8c11"
_SITE = "https://studio.example.com/seedance/api/v1/tasks/"
SAMPLE_TASK = {
    "id": _ID,
    "status": "succeeded",
    "needs_attention": False,
    "attention": "",
    "provider": "default",
    "provider_task_id": "cgt-20261122120000-rqwgv",
    "model": "doubao-seedance-1-5-pro-251215",
    "prompt": "A paper boat drifts on a quiet lake at sunrise.",
    "media": [],
    "parameters": {"duration": 5, "ratio": "16:9", "resolution": "720p", "generate_audio": False},
    "result": {"duration": 5, "ratio": "16:9", "resolution": "720p", "frames_per_second": 24, "seed": 58944},
    "video": {
        "stored": True,
        "url": f"{_SITE}{_ID}/video/",
        "bytes": 812345,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "provider_url": "https://files.example.com/boat.mp4",
        "provider_url_expires_at": "2026-11-23T12:01:10Z",
    },
    "last_frame": None,
    "usage": {"total_tokens": 108900},
    "estimate": {"amount": "0.26", "currency": "USD"},
    "cost": {"amount": "0.26", "currency": "USD"},
    "error": None,
    "metadata": {},
    "retry_of": None,
    "owner": "alice",
    "created_at": "2026-11-22T12:00:00Z",
    "submitted_at": "2026-11-22T12:00:01Z",
    "finished_at": "2026-11-22T12:01:10Z",
    "expires_at": "2026-11-24T12:00:01Z",
}


def amount(value: Decimal | None, currency: str) -> Mapping[str, str] | None:
    """An amount of money as JSON; ``None`` if it is not known."""
    return None if value is None else {"amount": format_amount(value), "currency": currency}


def utc(**kwargs: Any) -> serializers.DateTimeField:
    """A field for a moment in UTC, such as ``2026-11-22T12:00:00Z``, whatever formats the site uses."""
    return serializers.DateTimeField(format="iso-8601", default_timezone=dt.UTC, allow_null=True, **kwargs)


def for_display(tasks: GenerationTaskQuerySet) -> GenerationTaskQuerySet:
    """The same tasks, in two queries and without large columns that are not shown: ``raw`` and ``data:`` URLs."""
    shown_url = Case(When(head="data:", then=Left("url", DATA_HEAD)), default=F("url"), output_field=TextField())
    media = (
        MediaItem.objects.using(tasks.db).defer("url").alias(head=Lower(Left("url", 5))).annotate(shown_url=shown_url)
    )
    return tasks.with_owner().defer("raw").prefetch_related(Prefetch("media", media))


@extend_schema_serializer(component_name="VideoTaskMedia")
class MediaSerializer(serializers.Serializer):
    """One image, video or sound of the request."""

    role = serializers.CharField(help_text="What it is for.")
    url = serializers.SerializerMethodField(
        help_text="The address as it was given; data: addresses are cut short, uploaded files have none."
    )

    def get_url(self, item: MediaItem) -> str | None:
        shown: str = item.shown_url  # type: ignore[attr-defined]  # by ``for_display``
        if shown[:5].lower() == "data:":
            return shown[:DATA_HEAD].partition(",")[0] + ",…"
        return shown or None


@extend_schema_serializer(component_name="VideoFile")
class FileSerializer(serializers.Serializer):
    """A result file."""

    stored = serializers.BooleanField(help_text="Whether it is in this site's storage now.")
    url = serializers.CharField(allow_null=True, help_text="The address to use; null until it is stored.")
    bytes = serializers.IntegerField(allow_null=True, help_text="Its size.")
    sha256 = serializers.CharField(allow_null=True, help_text="Its SHA-256, in hexadecimal.")
    provider_url = serializers.CharField(allow_null=True, help_text="The link as the provider gave it; it expires.")
    provider_url_expires_at = utc(help_text="When that link dies.")


@extend_schema_serializer(component_name="VideoUsage")
class UsageSerializer(serializers.Serializer):
    """What the provider counted."""

    total_tokens = serializers.IntegerField(help_text="Tokens, as the provider counts them.")


@extend_schema_serializer(component_name="VideoCost")
class CostSerializer(serializers.Serializer):
    """An amount of money."""

    amount = serializers.CharField(help_text="A decimal number with two to four decimals, as text.")
    currency = serializers.CharField(help_text="Such as USD.")


@extend_schema_serializer(component_name="VideoTaskError")
class ErrorSerializer(serializers.Serializer):
    """Why the task has no video."""

    code = serializers.CharField(help_text="The provider's error code, or ours.")
    message = serializers.CharField(help_text="For people.")
    charged = serializers.ChoiceField(Charged.values, help_text="Whether it was billed.")
    retryable = serializers.BooleanField(allow_null=True, help_text="Whether the same request may succeed later.")
    request_id = serializers.CharField(allow_null=True, help_text="The provider's id of the exchange.")


@extend_schema_serializer(
    component_name="VideoTask", examples=[OpenApiExample("Finished", value=SAMPLE_TASK, response_only=True)]
)
class TaskSerializer(serializers.Serializer):
    """One request for one video, and its result. A field that does not apply is null, never left out."""

    id = serializers.UUIDField(help_text="Ours; it sorts by time of creation.")
    status = serializers.ChoiceField(Status.choices, help_text="succeeded, failed, cancelled and expired are final.")
    needs_attention = serializers.BooleanField(help_text="Whether a person should check the task.")
    attention = serializers.SerializerMethodField(help_text="Why, for people; empty without a reason.")
    provider = serializers.CharField(help_text="Which of the site's providers makes it.")
    provider_task_id = serializers.SerializerMethodField(help_text="The provider's id, once it gave one.")
    model = serializers.CharField(source="model_name", help_text="The provider's id of the model.")
    prompt = serializers.CharField(help_text="What should be seen.")
    media = MediaSerializer(many=True, help_text="The media of the request, in order.")
    parameters = serializers.DictField(help_text="The parameters that are set, by the provider's names.")
    result = serializers.SerializerMethodField(help_text="What the provider says it made.")
    video = serializers.SerializerMethodField(help_text="The video, once there is one.")
    last_frame = serializers.SerializerMethodField(help_text="The last frame, if it was asked for.")
    usage = serializers.SerializerMethodField(help_text="What was used, once it is known.")
    estimate = serializers.SerializerMethodField(
        help_text=(
            "The expected cost at the prices of the day of creation. Never changes. Shown to the owner and to users "
            "who may see costs."
        )
    )
    cost = serializers.SerializerMethodField(
        help_text="The actual cost, for the same users: 0 if nothing was billed, null while it is not known."
    )
    error = serializers.SerializerMethodField(help_text="Why there is no video.")
    metadata = serializers.DictField(help_text="Yours, as you sent it.")
    retry_of = serializers.UUIDField(source="retry_of_id", allow_null=True, help_text="The task this one repeats.")
    owner = serializers.SerializerMethodField(help_text="The user who owns it.")
    created_at = utc(help_text="When it was created.")
    submitted_at = utc(help_text="When the provider accepted it.")
    finished_at = utc(help_text="When it became final.")
    expires_at = utc(help_text="When the provider gives up on it.")

    def get_attention(self, task: GenerationTask) -> str:
        if not task.attention:
            return ""
        return f"{task.get_attention_display()} {task.attention_detail}".strip()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_provider_task_id(self, task: GenerationTask) -> str | None:
        return task.provider_task_id or None

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_result(self, task: GenerationTask) -> Mapping[str, Any] | None:
        return task.result or None

    @extend_schema_field(FileSerializer(allow_null=True))
    def get_video(self, task: GenerationTask) -> Mapping[str, Any] | None:
        if not task.video and not task.video_url and not task.archived_at:
            return None
        return self._file(
            task, "video", bytes=task.video_bytes, sha256=task.video_sha256 or None, provider_url=task.video_url or None
        )

    @extend_schema_field(FileSerializer(allow_null=True))
    def get_last_frame(self, task: GenerationTask) -> Mapping[str, Any] | None:
        if not task.last_frame and not task.last_frame_url:
            return None
        return self._file(task, "last_frame", bytes=None, sha256=None, provider_url=task.last_frame_url or None)

    @extend_schema_field(UsageSerializer(allow_null=True))
    def get_usage(self, task: GenerationTask) -> Mapping[str, int] | None:
        return None if task.total_tokens is None else {"total_tokens": task.total_tokens}

    def _sees_cost(self, task: GenerationTask) -> bool:
        return conf.policy().may(self._request.user, "view_cost", task)

    @extend_schema_field(CostSerializer(allow_null=True))
    def get_estimate(self, task: GenerationTask) -> Mapping[str, str] | None:
        return amount(task.estimate_amount, task.estimate_currency) if self._sees_cost(task) else None

    @extend_schema_field(CostSerializer(allow_null=True))
    def get_cost(self, task: GenerationTask) -> Mapping[str, str] | None:
        return amount(task.cost_amount, task.cost_currency) if self._sees_cost(task) else None

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, task: GenerationTask) -> Mapping[str, Any] | None:
        if not task.error_code and not task.error_message:
            return None
        return {
            "code": task.error_code,
            "message": task.error_message,
            "charged": task.error_charged or Charged.UNKNOWN.value,
            "retryable": task.error_retryable,
            "request_id": task.request_id or None,
        }

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_owner(self, task: GenerationTask) -> str | None:
        return task.owner.get_username() if task.owner else None

    @property
    def _request(self) -> Request:
        return self.context["request"]

    def _file(self, task: GenerationTask, name: str, **facts: Any) -> Mapping[str, Any]:
        stored = bool(getattr(task, name))
        expires_at = task.video_url_expires_at if facts["provider_url"] else None
        endpoint = f"api-task-{name.replace('_', '-')}"
        return FileSerializer(
            {
                "stored": stored,
                "url": link(self._request, endpoint, task.pk) if stored else None,
                "provider_url_expires_at": expires_at,
                **facts,
            }
        ).data


@extend_schema_serializer(component_name="VideoTaskConflict")
class ConflictSerializer(ProblemSerializer):
    """The state of a task forbids the operation."""

    task = TaskSerializer(required=False, help_text="The task as it is.")
    meaning = serializers.CharField(required=False, help_text="What the error of the task means, where it has one.")
    advice = serializers.CharField(required=False, help_text="What helps against the error of the task.")


#: For ``extend_schema(responses=…)`` of operations that a task's state may forbid.
CONFLICT = {(409, CONTENT_TYPE): OpenApiResponse(ConflictSerializer, WHEN[409])}


@extend_schema_serializer(component_name="VideoTaskBatch")
class BatchSerializer(serializers.Serializer):
    """The tasks of a batch."""

    tasks = TaskSerializer(many=True, help_text="One for each body, in the same order.")


@extend_schema_serializer(component_name="VideoTaskEvent")
class EventSerializer(serializers.Serializer):
    """One event of a task's timeline."""

    at = utc(help_text="When.")
    what = serializers.ChoiceField(TaskEvent.What.choices, help_text="What happened.")
    from_status = serializers.SerializerMethodField(help_text="The status before, when it changed.")
    to_status = serializers.SerializerMethodField(help_text="The status after, when it changed.")
    cause = serializers.CharField(help_text="Which part of the site caused it.")
    actor = serializers.SerializerMethodField(help_text="The user who asked for it, if any.")
    detail = serializers.CharField(help_text="For people.")

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_from_status(self, event: TaskEvent) -> str | None:
        return event.from_status or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_to_status(self, event: TaskEvent) -> str | None:
        return event.to_status or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_actor(self, event: TaskEvent) -> str | None:
        return event.actor or None


@extend_schema_serializer(component_name="VideoTaskTimeline")
class TimelineSerializer(serializers.Serializer):
    """The timeline of a task."""

    results = EventSerializer(many=True, help_text="Oldest first.")


@extend_schema_serializer(component_name="VideoTaskEstimate")
class EstimateSerializer(serializers.Serializer):
    """The expected tokens and cost of a request. Nothing was created."""

    provider = serializers.CharField(help_text="Which of the site's providers would make it.")
    model = serializers.CharField(help_text="The provider's id of the model.")
    prompt = serializers.CharField(help_text="The prompt without the flags that were lifted out of it.")
    parameters = serializers.DictField(help_text="What would be sent, with defaults that cost money spelled out.")
    lifted = serializers.DictField(help_text="The parameters that stood as flags in the prompt.")
    usage = UsageSerializer(allow_null=True, help_text="What it would use, when that can be known.")
    estimate = CostSerializer(allow_null=True, help_text="What it would cost, when that can be known.")
    basis = serializers.CharField(help_text="How that was found: tokens, tokens_at_most, seconds or unknown.")
    notes = serializers.ListField(child=serializers.CharField(), help_text="What is assumed or unknown.")
    warnings = ProblemItemSerializer(many=True, help_text="What may be a mistake; it would be sent all the same.")
