"""Violations: what is wrong with a request, with a translated message and a stable code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

#: A sentence, perhaps one that is translated only when it is read.
Text: TypeAlias = "str | StrPromise"


@dataclass(frozen=True)
class LazyMessage:
    """A translatable sentence and the values it mentions, put together only when it is read.

    Formatting a lazy translation with ``%`` would translate it on the spot, in the language of whoever imports us.
    """

    #: A ``gettext_lazy`` or ``ngettext_lazy`` string.
    template: Text
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.template % self.values)


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with one field of a request.

    ``message`` is what is wrong and what is allowed, ``hint`` what to write instead; one sentence each.
    """

    #: Where it is: ``model``, ``prompt``, ``duration``, ``media``, ``media[1].role``, ``draft_task_id``.
    field: str
    #: A stable snake_case word; the table is in docs/catalogue.md.
    code: str
    message: LazyMessage
    hint: LazyMessage
    #: ``error`` forbids sending; ``warning`` does not.
    severity: str = "error"
    #: The values that ``hint`` proposes, ``None`` for leaving the field out. Each passes the rules of that field.
    suggestions: tuple[object, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether the request must not be sent."""
        return self.severity == "error"

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


def only_errors(violations: Iterable[Violation]) -> list[Violation]:
    """Only those that forbid sending, in the order they came."""
    return [violation for violation in violations if violation.is_error]
