"""Rules about the model id: whether the host offers it, and which one was meant otherwise."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

from ..review import Review, listed
from ..rows import ModelRow
from ..violations import Text

_ID = re.compile(r"[a-z0-9.-]+")
#: An id that the provider may have published since has a date; resellers append to it.
_DATE = re.compile(r"-\d{6}(?=-|$)")
_ENDPOINT_ID = re.compile(r"ep-[A-Za-z0-9-]+")


def check_model(review: Review) -> None:
    """Find the row for the other rules, and check the name."""
    name, host, catalogue = review.inputs.model_name, review.host, review.catalogue
    review.row = catalogue.find(name, host)
    if review.row is not None:
        _check_state(review, review.row)
        if not catalogue.documents_id(name, host):
            _warn_unlisted(review, review.row)
    elif not name.strip():
        review.add_error(
            "model",
            "model_required",
            _("A request needs a model; this provider offers %(names)s."),
            _("Pick one of them."),
            suggest=_offered(review),
            names=listed(_offered(review)),
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
    if row.name:
        review.add_error(
            "model",
            "model_of_other_host",
            _("%(name)s is another provider's id of %(title)s; here it is %(here)s."),
            _("Write %(here)s."),
            suggest=[row.name],
            name=review.inputs.model_name,
            title=row.title,
            here=row.name,
        )
    elif review.host.is_relay and review.inputs.model_name in row.ids["ark"]:
        _warn_unlisted(review, row)
    else:
        _refuse_missing(review, row)


def _check_undated(review: Review, row: ModelRow) -> None:
    """A family's name without a date, which only relays take for a model."""
    if review.host.is_relay:
        _warn_unlisted(review, row)
    elif not row.name:
        _refuse_missing(review, row)
    else:
        review.add_error(
            "model",
            "model_undated",
            _("%(name)s is a family, not a model id; here %(title)s is %(here)s."),
            _("Write %(here)s."),
            suggest=[row.name],
            name=review.inputs.model_name,
            title=row.title,
            here=row.name,
        )


def _warn_unlisted(review: Review, row: ModelRow) -> None:
    """A relay may know the id, though its pages about this route do not have it."""
    documented = [name for name in _offered(review) if review.catalogue.documents_id(name, review.host)]
    review.add_warning(
        "model",
        "model_unlisted",
        _("No page of this provider has %(name)s, which may be %(title)s; it has %(names)s."),
        _("Pick one of those, unless you know that it works."),
        name=review.inputs.model_name,
        title=row.title,
        names=listed(documented),
    )


def _refuse_missing(review: Review, row: ModelRow) -> None:
    review.add_error(
        "model",
        "model_not_offered",
        _("This provider does not offer %(title)s; it offers %(names)s."),
        _("Pick one of them."),
        suggest=_offered(review),
        title=row.title,
        names=listed(_offered(review)),
    )


def _check_unknown(review: Review) -> None:
    name = review.inputs.model_name
    if _ENDPOINT_ID.fullmatch(name) and review.host.dialect == "ark":
        _accept_nearest(
            review,
            "endpoint_id",
            _("The endpoint %(name)s does not tell its model, so the rules of %(title)s are only advice."),
        )
    elif _is_plausible(name) and (review.host.is_relay or _DATE.search(name)):
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
            suggest=_offered(review),
            name=name[:100],
            names=listed(_offered(review)),
        )


def _is_plausible(name: str) -> bool:
    return "seedance-" in name and _ID.fullmatch(name) is not None


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


def _offered(review: Review) -> list[str]:
    return [row.name for row in review.catalogue.models_for(review.host)]
