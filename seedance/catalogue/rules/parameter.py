"""Are the parameters known, of the right type, and such as this model takes in this mode?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.utils.translation import gettext_lazy as _

from ..parameters import PARAMETERS
from ..review import Review, listed
from ..rows import ModelRow
from ..violations import Text, only_errors
from .value import VALUE_RULES, check_range, check_word, warn_undocumented

_TASK_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True)
class _Type:
    """What a parameter is in JSON, for a test and for a sentence."""

    label: Text
    fits: Callable[[object], bool]


#: By the kind of a parameter.
_TYPES: Mapping[str, _Type] = {
    "integer": _Type(_("a whole number"), lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "boolean": _Type(_("true or false"), lambda value: isinstance(value, bool)),
    "text": _Type(_("text"), lambda value: isinstance(value, str)),
    "list": _Type(_("a list"), lambda value: isinstance(value, (list, tuple))),
}


def check_parameters(review: Review) -> None:
    """Every rule about parameters, in the order of :data:`~seedance.catalogue.parameters.PARAMETERS`."""
    given = review.inputs.given()
    for name in PARAMETERS:
        if name in given:
            _check_parameter(review, name, given[name])
    for name in given:
        if name not in PARAMETERS:
            _refuse_unknown(review, str(name))
    _check_final_resolution(review)
    _check_task_type_unstated(review)


def check_draft_task(review: Review) -> None:
    """Can this request turn a draft into its final video?"""
    task_id, row = review.inputs.draft_task_id, review.row
    if not task_id:
        return
    if not _TASK_ID.fullmatch(task_id):
        review.add_error(
            "draft_task_id",
            "draft_task_id_invalid",
            _("A draft is named by its provider task id, such as cgt-20260902164158-rqwgv."),
            _("Copy the id from the draft."),
        )
    if review.host.dialect == "openai_video":
        _refuse_not_carried(review, "draft_task_id")
    elif not review.host.documents("draft"):
        _warn_not_forwarded(review, "draft_task_id")
    if row is not None and not row.takes("draft", "draft_final"):
        _refuse_not_supported(review, row, "draft_task_id")


def _check_parameter(review: Review, name: str, value: object) -> None:
    """Check one parameter against host, mode, model, type and range, in this order; the first refusal ends it.

    The type is checked after what no other value could correct.
    """
    if name not in review.host.carried:
        _refuse_not_carried(review, name)
    elif review.mode == "draft_final" and not PARAMETERS[name].free_on_final:
        _refuse_inherited(review, name)
    elif not _is_possible(review, name):
        return
    elif not _TYPES[PARAMETERS[name].kind].fits(value):
        _refuse_type(review, name, value)
    else:
        _check_documented(review, name, value)
        _check_value(review, name, value)


def _check_value(review: Review, name: str, value: Any) -> None:
    if name in VALUE_RULES:
        VALUE_RULES[name](review, value)
    elif PARAMETERS[name].range is not None:
        check_range(review, name, value)
    elif review.row is not None and (words := PARAMETERS[name].words) is not None:
        check_word(review, name, value, tuple(words(review.row)))


def _passes(review: Review, name: str, value: object) -> bool:
    """Whether one parameter could have a value in this request."""
    trial = review.trial(parameters={**review.inputs.parameters, name: value})
    _check_value(trial, name, value)
    return not only_errors(trial.violations)


def _is_possible(review: Review, name: str) -> bool:
    """Whether the model takes the parameter at all; its value is checked even so where that is uncertain."""
    row = review.row
    if row is None or row.takes(name, review.mode):
        return True
    if name in row.capabilities.ignored:
        _warn_ignored(review, row, name)
        return True
    _refuse_not_supported(review, row, name)
    return not review.certain


def _check_documented(review: Review, name: str, value: object) -> None:
    """Warn of what the host may drop, or the model may not have yet."""
    if not review.host.documents(name):
        _warn_not_forwarded(review, name)
    row = review.row
    if row is not None and name in row.capabilities.undocumented and value != "mp4":
        warn_undocumented(review, row, name, name)
    if row is not None and name in row.capabilities.unconfirmed and value is not False:
        review.add_warning(
            name,
            "unconfirmed",
            _("The provider's pages do not name %(name)s for %(title)s yet, though others use it."),
            _("Try it once before you rely on it."),
            name=name,
            title=row.title,
        )


def _check_final_resolution(review: Review) -> None:
    """Some drafts can only become one size, and it is not the one that comes by default."""
    row = review.row
    if row is None or review.mode != "draft_final" or "resolution" in review.inputs.given():
        return
    possible = row.resolutions("draft_final")
    if possible and row.defaults.resolution not in possible:
        review.add_model_error(
            "resolution",
            "final_resolution",
            _("The final video of a %(title)s draft must be %(possible)s."),
            _("Set resolution to %(first)s."),
            suggest=[possible[0]],
            title=row.title,
            possible=listed(possible),
            first=possible[0],
        )


def _check_task_type_unstated(review: Review) -> None:
    row, name = review.row, "omni_reference_task_type"
    could_say = row is not None and row.takes(name, review.mode) and name in review.host.carried
    if could_say and review.inputs.media_of("video") and review.task_type == "auto":
        review.add_warning(
            name,
            "task_type_unstated",
            _(
                "The model decides by itself whether to follow, edit or extend the video, and fails if ratio or "
                "duration do not suit what it decided."
            ),
            _("Set omni_reference_task_type to reference, edit or extend."),
        )


def _refuse_not_carried(review: Review, name: str) -> None:
    review.add_error(
        name,
        "not_carried",
        _("This provider's route has no place for %(name)s; it takes %(carried)s."),
        _("Leave %(name)s out, or use another provider."),
        suggest=[None],
        name=name,
        carried=listed([known for known in PARAMETERS if known in review.host.carried]),
    )


def _refuse_type(review: Review, name: str, value: object) -> None:
    parameter = PARAMETERS[name]
    fitting = [example for example in parameter.examples if _passes(review, name, example)][:1]
    review.add_error(
        name,
        "wrong_type",
        _("%(name)s must be %(kind)s; %(value)s is %(given)s."),
        _("Write a value such as %(example)s.") if fitting else _("Leave %(name)s out."),
        suggest=fitting or [None],
        name=name,
        kind=_TYPES[parameter.kind].label,
        value=_shown(value),
        given=_described(value),
        example=json.dumps(fitting[0]) if fitting else "",
    )


def _refuse_inherited(review: Review, name: str) -> None:
    review.add_error(
        name,
        "inherited",
        _("The final video of a draft takes %(name)s from its draft or does without; it may set %(free)s."),
        _("Leave %(name)s out."),
        suggest=[None],
        name=name,
        free=listed([known for known, parameter in PARAMETERS.items() if parameter.free_on_final]),
    )


def _refuse_not_supported(review: Review, row: ModelRow, name: str) -> None:
    review.add_model_error(
        name,
        "not_supported",
        _("%(title)s does not take %(name)s here; it takes %(taken)s."),
        _("Leave %(name)s out, or pick another model."),
        suggest=[None],
        title=row.title,
        name=name,
        taken=listed([known for known in PARAMETERS if row.takes(known, review.mode)]),
    )


def _warn_ignored(review: Review, row: ModelRow, name: str) -> None:
    review.add_warning(
        name,
        "may_be_ignored",
        _("The provider is not known to act on %(name)s for %(title)s."),
        _("Leave %(name)s out, unless you know that it works."),
        name=name,
        title=row.title,
    )


def _warn_not_forwarded(review: Review, name: str) -> None:
    review.add_warning(
        name,
        "may_not_be_forwarded",
        _("This provider documents only prompt, frame images and inline parameters, and may drop %(name)s silently."),
        _("Check the result before you rely on it, or use another provider."),
        name=name,
    )


def _refuse_unknown(review: Review, name: str) -> None:
    close = get_close_matches(name.lower()[:100], PARAMETERS, n=1)
    review.add_error(
        name,
        "unknown_field",
        _("There is no parameter %(name)s; there are %(names)s."),
        _("Write %(close)s, or remove it.") if close else _("Remove it."),
        suggest=[None],
        name=name[:100],
        names=listed(PARAMETERS),
        close=close[0] if close else "",
    )


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value[:60])[:60]
    return (repr(value) if isinstance(value, (int, float)) else str(value))[:60]


def _described(value: object) -> Text:
    """A word for a value's type. A whole number in quotes is the usual mistake."""
    labels = {str: _("text"), bool: _("true or false"), int: _("a whole number"), float: _("a number with a fraction")}
    return labels.get(type(value), _("something else"))
