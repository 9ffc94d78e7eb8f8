"""Which tasks a list is about. A value that makes no sense is refused, never ignored."""

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

from ..models import GenerationTask, Status
from ..models.queryset import GenerationTaskQuerySet

MAX_IDS = 500
MAX_METADATA_FILTERS = 5
#: ``?metadata.order=17`` asks for tasks whose metadata has ``{"order": 17}`` or ``{"order": "17"}``.
METADATA_PREFIX = "metadata."

_LARGEST_NUMBER = 2**63
#: A time zone whose + was not escaped.
_PLUS_AS_BLANK = re.compile(r"\d \d\d:?\d\d\Z")


class WordsWidget(forms.SelectMultiple):
    """Several values, with commas between them or as repeated parameters."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """The single words."""
        given = data.getlist(name) if hasattr(data, "getlist") else [data[name]] if name in data else []
        return [word.strip() for text in given for word in text.split(",") if word.strip()]


class IdsField(forms.MultipleChoiceField):
    """Task ids, up to ``MAX_IDS``."""

    widget = WordsWidget

    def to_python(self, value: Any) -> list[UUID]:  # type: ignore[override]
        """The ids."""
        if len(value or ()) > MAX_IDS:
            raise ValidationError(_("There may be %(most)s ids at most."), "too_many", {"most": MAX_IDS})
        return [self._id(word) for word in value or ()]

    def validate(self, value: Any) -> None:
        """Any id may be asked for."""

    def _id(self, word: str) -> UUID:
        try:
            return UUID(word)
        except ValueError:
            raise ValidationError(_("%(word)s is no task id."), "invalid", {"word": word[:40]}) from None


class MomentField(IsoDateTimeField):
    """A moment that still exists when it is told in UTC."""

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


class MomentFilter(django_filters.IsoDateTimeFilter):
    """Compares with a moment."""

    field_class = MomentField


class IdsFilter(django_filters.Filter):
    """Keeps the tasks that are named."""

    field_class = IdsField


class StatusFilter(django_filters.MultipleChoiceFilter):
    """Keeps tasks in any of some statuses."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Status.choices, widget=WordsWidget, **kwargs)


@extend_schema_field(
    {"type": "boolean", "description": "true: only tasks a person should look at; false: only the others."}
)
class AttentionFilter(django_filters.TypedChoiceFilter):
    """``true``: only tasks with a flag for people; ``false``: only those without. Nothing else is read."""

    def __init__(self, **kwargs: Any) -> None:
        # Python clients write their own True and False.
        choices = [(word, word) for word in ("true", "false", "True", "False")]
        super().__init__(choices=choices, coerce=lambda word: word.lower() == "true", **kwargs)

    def filter(self, tasks: GenerationTaskQuerySet, value: bool | str) -> GenerationTaskQuerySet:
        """The tasks asked for; all of them when nothing was."""
        if value == "":
            return tasks
        return tasks.exclude(attention="") if value else tasks.filter(attention="")


class TaskFilter(django_filters.FilterSet):
    """The filters of ``GET tasks/``."""

    status = StatusFilter(help_text=_("One or more statuses, with commas between them."))
    model = django_filters.CharFilter("model_name", help_text=_("The provider's id of the model."))
    provider = django_filters.CharFilter("provider", help_text=_("One of the site's providers."))
    created_after = MomentFilter(
        "created_at", "gte", help_text=_("Created at this moment or later, such as 2026-11-22T12:00:00Z.")
    )
    created_before = MomentFilter("created_at", "lt", help_text=_("Created before this moment."))
    needs_attention = AttentionFilter()
    ids = IdsFilter("id", "in", help_text=_("Up to 500 task ids, with commas between them."))

    class Meta:
        model = GenerationTask
        fields = ()

    def filter_queryset(self, queryset: GenerationTaskQuerySet) -> GenerationTaskQuerySet:
        """The named filters, then those on metadata.

        Raises:
            ValidationError: ``ids`` is there and names none: an empty variable must not mean every task.
        """
        if "ids" in self.data and not self.form.cleaned_data["ids"]:
            raise ValidationError({"ids": ValidationError(_("Name at least one id."), "required")})
        return _by_metadata(super().filter_queryset(queryset), metadata_filters(self.data.items()))


def metadata_filters(parameters: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Key of the metadata to the value asked for.

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
