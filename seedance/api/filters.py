"""Filters and pages of the list of tasks. An invalid value is refused, never ignored."""

import datetime as dt
import json
import re
from collections.abc import Iterable
from functools import reduce
from math import isfinite
from operator import or_
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from ..models import GenerationTask, Status
from ..models.ids import created_between, parse_id
from ..models.queryset import GenerationTaskQuerySet

MAX_IDS = 500
MAX_METADATA_FILTERS = 5
#: ``?metadata.order=17`` asks for tasks whose metadata has ``{"order": 17}`` or ``{"order": "17"}``.
METADATA_PREFIX = "metadata."

_LARGEST_NUMBER = 2**63
#: The end of a moment whose + was not escaped.
_PLUS_AS_BLANK = re.compile(r"\d \d\d:?\d\d\Z")


class CommaSeparatedWidget(forms.SelectMultiple):
    """Several values, with commas between them or as repeated parameters."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """The single values."""
        given = data.getlist(name) if hasattr(data, "getlist") else [data[name]] if name in data else []
        return [word.strip() for text in given for word in text.split(",") if word.strip()]


class IdsField(forms.MultipleChoiceField):
    """Task ids, up to ``MAX_IDS``."""

    widget = CommaSeparatedWidget

    def to_python(self, value: Any) -> list[UUID | None]:  # type: ignore[override]
        """The ids."""
        if len(value or ()) > MAX_IDS:
            raise ValidationError(_("There may be %(most)s ids at most."), "too_many", {"most": MAX_IDS})
        ids = [parse_id(word) for word in value or ()]
        if None in ids:
            word = value[ids.index(None)]
            raise ValidationError(_("%(word)s is no task id."), "invalid", {"word": word[:40]})
        return ids

    def validate(self, value: Any) -> None:
        """Any id is allowed."""


class UTCDateTimeField(IsoDateTimeField):
    """A moment, converted to UTC; one that UTC cannot express is refused."""

    def clean(self, value: Any) -> dt.datetime | None:
        """The moment."""
        try:
            moment: dt.datetime | None = super().clean(value)
        except ValidationError:
            if isinstance(value, str) and _PLUS_AS_BLANK.search(value):
                raise ValidationError(
                    _("In an address a + is a blank; write %(example)s, or the moment in UTC with a Z at its end."),
                    "invalid",
                    {"example": "%2B00:00"},
                ) from None
            raise
        try:
            return moment.astimezone(dt.UTC) if moment else None
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], "invalid") from None


class CreatedFilter(django_filters.IsoDateTimeFilter):
    """Keeps the tasks created at a moment or later (``after``), or before it (``before``)."""

    field_class = UTCDateTimeField

    def __init__(self, bound: str, **kwargs: Any) -> None:
        super().__init__("created_at", **kwargs)
        self.bound = bound

    def filter(self, tasks: GenerationTaskQuerySet, value: dt.datetime | None) -> GenerationTaskQuerySet:
        """The tasks in the range; all of them without a bound."""
        return tasks.filter(created_between(**{self.bound: value}))


class IdsFilter(django_filters.Filter):
    """Keeps the tasks with these ids."""

    field_class = IdsField


class StatusFilter(django_filters.MultipleChoiceFilter):
    """Keeps tasks in any of some statuses."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Status.choices, widget=CommaSeparatedWidget, **kwargs)


@extend_schema_field(
    {"type": "boolean", "description": "true: only tasks that need attention; false: only the others."}
)
class AttentionFilter(django_filters.TypedChoiceFilter):
    """``true``: only tasks that need attention; ``false``: only the others. No other value is allowed."""

    def __init__(self, **kwargs: Any) -> None:
        # Python clients write their own True and False.
        choices = [(word, word) for word in ("true", "false", "True", "False")]
        super().__init__(choices=choices, coerce=lambda word: word.lower() == "true", **kwargs)

    def filter(self, tasks: GenerationTaskQuerySet, value: bool | str) -> GenerationTaskQuerySet:
        """The tasks with or without the flag; all of them without a value."""
        if value == "":
            return tasks
        return tasks.exclude(attention="") if value else tasks.filter(attention="")


class TaskPagination(CursorPagination):
    """Tasks by their time-ordered id, newest first; a page costs the same however deep it is."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    page_size_query_description = "Tasks on a page: 1 to 200; 50 if nothing is said."
    max_page_size = 200
    cursor_query_description = "From the next or previous link of another page."

    def get_page_size(self, request: Request) -> int:
        """The requested page size, 200 at most.

        Raises:
            ValidationError: it is not a number, or less than one.
        """
        given = request.query_params.get("page_size", str(self.page_size))
        if not (given.isascii() and given.isdigit() and given.strip("0") and len(given) < 10):
            raise serializers.ValidationError({"page_size": [_("This must be a whole number from 1 to 200.")]})
        return min(int(given), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The position to continue from.

        Raises:
            ValidationError: the cursor is invalid.
        """
        error = serializers.ValidationError({"cursor": [_("This cursor is none of ours.")]})
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise error from None
        if cursor and cursor.position is not None and parse_id(str(cursor.position)) is None:
            raise error
        return cursor

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """The page in OpenAPI."""
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        page["required"] = ["next", "previous", "results"]
        for name in ("next", "previous"):
            page["properties"][name]["example"] = None
        return page


class TaskFilter(django_filters.FilterSet):
    """The filters of ``GET tasks/``."""

    status = StatusFilter(help_text="One or more statuses, with commas between them.")
    model = django_filters.CharFilter("model_name", help_text="The provider's id of the model.")
    provider = django_filters.CharFilter("provider", help_text="One of the site's providers.")
    created_after = CreatedFilter("after", help_text="Created at this moment or later, such as 2026-11-22T12:00:00Z.")
    created_before = CreatedFilter("before", help_text="Created before this moment.")
    needs_attention = AttentionFilter()
    ids = IdsFilter("id", "in", help_text="Up to 500 task ids, with commas between them.")

    class Meta:
        model = GenerationTask
        fields = ()

    def filter_queryset(self, queryset: GenerationTaskQuerySet) -> GenerationTaskQuerySet:
        """Apply the declared filters, then those on metadata.

        Raises:
            ValidationError: ``ids`` is given and empty; an unset variable of a client must not mean every task.
        """
        if "ids" in self.data and not self.form.cleaned_data["ids"]:
            raise ValidationError({"ids": ValidationError(_("Name at least one id."), "required")})
        return _by_metadata(super().filter_queryset(queryset), metadata_filters(self.data.items()))


def metadata_filters(parameters: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The metadata filters of a query string: key to requested value.

    Raises:
        ValidationError: a key is empty or holds a NUL, or there are too many.
    """
    wanted = {
        name.removeprefix(METADATA_PREFIX): value for name, value in parameters if name.startswith(METADATA_PREFIX)
    }
    for key, value in wanted.items():
        if not key or "\x00" in key + value:
            raise ValidationError({f"{METADATA_PREFIX}{key}": _("Write metadata.key=value, without NUL characters.")})
    if len(wanted) > MAX_METADATA_FILTERS:
        raise ValidationError({"metadata": _("There are too many filters on metadata.")})
    return wanted


def _by_metadata(tasks: GenerationTaskQuerySet, wanted: dict[str, str]) -> GenerationTaskQuerySet:
    for number, (key, value) in enumerate(wanted.items()):
        name = f"_metadata_{number}"
        matches = reduce(or_, (Q(**{name: candidate}) for candidate in _candidates(value)))
        tasks = tasks.alias(**{name: KeyTransform(key, "metadata")}).filter(matches)
    return tasks


def _candidates(text: str) -> list[Any]:
    """The JSON values a query string may mean: the text, and the number or truth value it spells."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    number = isinstance(value, (int, float)) and isfinite(value) and abs(value) < _LARGEST_NUMBER
    return [text, value] if number else [text]
