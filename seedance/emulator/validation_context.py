"""What the validation of a create request must know about the rest of the emulator, and whether a model exists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import ApiError
from .inputs import InputRules
from .model_table import BY_DOMESTIC_ID, BY_INTERNATIONAL_ID, Model
from .task_spec import TaskSpec


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """The settings and look-ups that validation needs."""

    endpoint_model: str
    closed_models: frozenset[str]
    inputs: InputRules
    reference_video_seconds: float
    #: Finds the spec of a draft that may still be finished, or None.
    find_draft: Callable[[str], TaskSpec | None]


def find_model(name: Any, context: ValidationContext) -> tuple[str, Model]:
    """The resolved model id and its row.

    Raises:
        ApiError: 404 for a name that is unknown or not activated.
    """
    wanted = context.endpoint_model if isinstance(name, str) and name.startswith("ep-") else name
    model = (BY_DOMESTIC_ID.get(wanted) or BY_INTERNATIONAL_ID.get(wanted)) if isinstance(wanted, str) else None
    if model is None:
        raise ApiError(
            404,
            "InvalidEndpointOrModel.NotFound",
            f"The model or endpoint {name} does not exist or you do not have access to it.",
        )
    if wanted in context.closed_models:
        raise ApiError(404, "ModelNotOpen", f"Your account 2100000000 has not activated the model {wanted}.")
    return wanted, model
