"""Values that are sent although they were not given, because the provider's own default costs more or surprises."""

from __future__ import annotations

from .host import Host
from .inputs import Inputs
from .loading import Catalogue
from .rows import ModelRow

#: The duration that leaves the choice to the provider; an edit needs it.
_CHOOSE = -1


def explicit(inputs: Inputs, host: Host, catalogue: Catalogue) -> dict[str, object]:
    """Parameters to send beside the given ones: ``duration`` and, where host and model have it, ``generate_audio``.

    Seedance 2.5 left alone chooses its own length, up to 30 seconds at the price of 30, so 5 is sent; only an edit
    needs -1. Sound is on by default and doubles the price of 1.5 pro, so it is sent as well.

    The final video of a draft inherits both and must not be sent them: the answer is empty.
    """
    if inputs.mode == "draft_final":
        return {}
    known = catalogue.find(inputs.model_name, host)
    row = known or catalogue.nearest(inputs.model_name, host)
    if row is None:
        return {}
    given, chosen = inputs.given(), {}
    if "duration" not in given and "frames" not in given:
        chosen["duration"] = _duration(inputs, row)
    # An endpoint may hide a model without sound, which would refuse the field.
    if "generate_audio" not in given and known is not None and host.documents("generate_audio"):
        chosen |= _sound(inputs, known)
    return chosen


def _duration(inputs: Inputs, row: ModelRow) -> object:
    edits = bool(row.capabilities.task_types) and inputs.parameters.get("omni_reference_task_type") == "edit"
    return _CHOOSE if edits else row.defaults.duration


def _sound(inputs: Inputs, row: ModelRow) -> dict[str, object]:
    has_sound = row.takes("generate_audio", inputs.mode) and row.defaults.generate_audio is not None
    return {"generate_audio": row.defaults.generate_audio} if has_sound else {}
