"""The cost of a task, computed once: when its status becomes final."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import catalogue
from ..exceptions import ConfigurationError
from .status import Status

if TYPE_CHECKING:
    from .task import GenerationTask


class Charged(models.TextChoices):
    """Whether a task that made no video was billed."""

    NO = "no", _("Nothing was billed.")
    YES = "yes", _("It was billed.")
    UNKNOWN = "unknown", _("It is not known whether it was billed.")


def final_columns(task: "GenerationTask", to: Status, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The cost columns of a task that becomes final, and whether it was billed.

    A success costs its tokens at the price of its estimate. Any other task costs 0 if it was not billed, which is
    the default, as it was never sent. Unknown stays ``None``.

    Args:
        changes: the other columns that are written with the status.
    """
    if to == Status.SUCCEEDED:
        return _charged(task, {**_facts_of(task), **changes})
    charged = _charged_word(task, changes)
    free = charged == Charged.NO
    return {
        "error_charged": charged,
        "cost_amount": Decimal(0) if free else None,
        "cost_currency": (task.estimate_currency or _currency(task)) if free else "",
    }


def _charged_word(task: "GenerationTask", changes: Mapping[str, Any]) -> str:
    # A task that was sent again while unconfirmed stays unknown, whatever the result of the second time.
    if task.error_charged == Charged.UNKNOWN:
        return Charged.UNKNOWN
    return str(changes.get("error_charged") or task.error_charged or Charged.NO)


def _facts_of(task: "GenerationTask") -> dict[str, Any]:
    return {"total_tokens": task.total_tokens, "result": task.result}


def _charged(task: "GenerationTask", facts: Mapping[str, Any]) -> dict[str, Any]:
    result, asked = facts["result"] or {}, task.parameters
    try:
        host = catalogue.host_of(task.provider)
    except ConfigurationError:
        return {"cost_amount": None, "cost_currency": ""}
    charge = catalogue.charge(
        task.model_name,
        host,
        catalogue.current_catalogue(),
        total_tokens=facts["total_tokens"],
        seconds=result.get("duration"),
        resolution=result.get("resolution") or asked.get("resolution"),
        generate_audio=result.get("generate_audio", asked.get("generate_audio")),
        service_tier=result.get("service_tier") or asked.get("service_tier"),
        has_video_input=any(item.kind == "video" for item in task.media.all()),
        draft=bool(asked.get("draft")),
        agreed=task.estimate_price,
    )
    return {"cost_amount": charge.amount, "cost_currency": charge.currency if charge.amount is not None else ""}


def _currency(task: "GenerationTask") -> str:
    try:
        return catalogue.current_catalogue().currency(catalogue.host_of(task.provider))
    except ConfigurationError:
        return ""
