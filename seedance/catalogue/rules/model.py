"""Is the model one of this host's, and if not, which one was meant?"""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

from ..review import Review, listed
from ..rows import ModelRow
from ..violations import Text

#: What an id looks like that the provider may have published after this catalogue was written.
_DATED_ID = re.compile(r"[a-z0-9.-]*seedance[a-z0-9.-]*-\d{6}")
_ENDPOINT_ID = re.compile(r"ep-[A-Za-z0-9-]+")


def check_model(review: Review) -> None:
    """Find the row the other rules go by, and say what is wrong with the name."""
    name, host, catalogue = review.inputs.model_name, review.host, review.catalogue
    review.row = catalogue.find(name, host)
    if review.row is not None:
        _check_state(review, review.row)
    elif not name.strip():
        review.add_error(
            "model",
            "model_required",
            _("A request needs a model; this provider offers %(names)s."),
            _("Pick one of them."),
            names=_offered(review),
        )
    elif (family := catalogue.undated_family_of(name)) is not None:
        review.row = catalogue.row(family, host)
        _check_undated(review, review.row)
    elif (family := catalogue.family_of(name)) is not None:
        review.row = catalogue.row(family, host)
        _check_other_host(review, review.row)
    else:
        _check_unknown(review)


def _check_state(review: Review, row: ModelRow) -> None:
    if row.state == "retiring":
        review.add_warning(
            "model",
            "model_retiring",
            _("%(title)s is about to be withdrawn, and new accounts may not reach it."),
            _("Plan to move to one of %(names)s."),
            title=row.title,
            names=listed(
                [other.name for other in review.catalogue.models_for(review.host) if other.state == "current"]
            ),
        )


def _check_other_host(review: Review, row: ModelRow) -> None:
    """A known id, but not in this host's spelling."""
    speaks_ark = review.host.dialect == "ark" and review.inputs.model_name == row.ids["ark"]
    if row.name:
        review.add_error(
            "model",
            "model_of_other_host",
            _("%(name)s is another provider's id of %(title)s; here it is %(here)s."),
            _("Write %(here)s."),
            name=review.inputs.model_name,
            title=row.title,
            here=row.name,
        )
    elif speaks_ark and review.host.preset.startswith("cometapi"):
        review.add_warning(
            "model",
            "model_unlisted",
            _("This provider does not list %(title)s and may not know it; it lists %(names)s."),
            _("Pick one of those, unless you know that it works."),
            title=row.title,
            names=_offered(review),
        )
    else:
        _refuse_missing(review, row)


def _check_undated(review: Review, row: ModelRow) -> None:
    if not row.name:
        _refuse_missing(review, row)
        return
    review.add_error(
        "model",
        "model_undated",
        _("%(name)s is a family, not a model id; here %(title)s is %(here)s."),
        _("Write %(here)s."),
        name=review.inputs.model_name,
        title=row.title,
        here=row.name,
    )


def _refuse_missing(review: Review, row: ModelRow) -> None:
    review.add_error(
        "model",
        "model_not_offered",
        _("This provider does not offer %(title)s; it offers %(names)s."),
        _("Pick one of them."),
        title=row.title,
        names=_offered(review),
    )


def _check_unknown(review: Review) -> None:
    name = review.inputs.model_name
    if _ENDPOINT_ID.fullmatch(name) and review.host.dialect == "ark":
        _accept_nearest(
            review,
            "endpoint_id",
            _("The endpoint %(name)s does not tell its model, so the rules of %(title)s are only advice."),
        )
    elif _DATED_ID.fullmatch(name):
        _accept_nearest(
            review,
            "model_unlisted",
            _("%(name)s is not in the catalogue, so the rules of %(title)s are only advice."),
        )
    else:
        review.add_error(
            "model",
            "unknown_model",
            _("There is no model %(name)s; this provider offers %(names)s."),
            _("Pick one of them."),
            name=name[:100],
            names=_offered(review),
        )


def _accept_nearest(review: Review, code: str, message: Text) -> None:
    review.row, review.certain = review.catalogue.nearest(review.inputs.model_name, review.host), False
    review.add_warning(
        "model",
        code,
        message,
        _("Read the warnings, and check the price with the provider."),
        name=review.inputs.model_name,
        title=review.row.title if review.row else "",
    )


def _offered(review: Review) -> str:
    return listed([row.name for row in review.catalogue.models_for(review.host)])
