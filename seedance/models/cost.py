"""What a task came to in money, decided once: when its status becomes final."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .. import catalogue, intake
from ..exceptions import ConfigurationError
from .status import Status

if TYPE_CHECKING:
    from .task import GenerationTask


def estimate_columns(prepared: intake.Prepared) -> dict[str, Any]:
    """The columns of the estimate of a request, with the price that it was made with."""
    estimate = intake.estimate(prepared)
    return {
        "estimate_amount": estimate.amount,
        "estimate_currency": estimate.currency,
        "estimate_price": None if estimate.price is None else dict(estimate.price),
    }


def final_columns(task: "GenerationTask", to: Status, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The cost columns of a task that becomes final, and whether it was billed.

    A success costs what its tokens come to at the price of its estimate. Everything else costs nothing where nothing
    was billed, which is so while nobody says otherwise: it was never sent. Unknown stays ``None``.

    Args:
        changes: the other columns that are written with the status.
    """
    if to == Status.SUCCEEDED:
        return _charged(task, {**_facts_of(task), **changes})
    charged = _charged_word(task, changes)
    free = charged == "no"
    return {
        "error_charged": charged,
        "cost_amount": Decimal(0) if free else None,
        "cost_currency": (task.estimate_currency or _currency(task)) if free else "",
    }


def _charged_word(task: "GenerationTask", changes: Mapping[str, Any]) -> str:
    # A task that was sent again after silence keeps the doubt, whatever became of the second time.
    if task.error_charged == "unknown":
        return "unknown"
    return str(changes.get("error_charged") or task.error_charged or "no")


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
