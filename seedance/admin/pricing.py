"""Prices in words. All of them are estimates until the provider has reported its count."""

from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..catalogue import Estimate
from ..models import GenerationTask
from .display import money


def in_words(estimate: Estimate) -> str:
    """One or more sentences for people, such as *Estimated price: 0.26 USD (108,900 tokens).*"""
    return " ".join([_headline(estimate), *(str(note) for note in estimate.notes)])


def _headline(estimate: Estimate) -> str:
    if estimate.amount is None:
        return _("The price cannot be estimated.")
    values = {"price": money(estimate.amount, estimate.currency), "tokens": f"{estimate.tokens or 0:,}"}
    if estimate.tokens is None:
        return _("Estimated price: %(price)s.") % values
    return _("Estimated price: %(price)s (%(tokens)s tokens).") % values


def total_in_words(tasks: QuerySet[GenerationTask]) -> str:
    """What these tasks are expected to cost together if they are sent, such as *About 1.05 USD in all.*"""
    by_currency = tasks.order_by("estimate_currency").values_list("estimate_currency")
    sums = by_currency.annotate(total=Sum("estimate_amount"), known=Count("estimate_amount"), count=Count("pk"))
    amounts, unknown = [], 0
    for currency, total, known, count in sums:
        unknown += count - known
        if total is not None:
            amounts.append(money(total, currency))
    lines = [_("Estimated price: %(price)s.") % {"price": " + ".join(amounts)}] if amounts else []
    if unknown:
        words = ngettext(
            "The price of %(count)s task cannot be estimated.",
            "The price of %(count)s tasks cannot be estimated.",
            unknown,
        )
        lines.append(words % {"count": unknown})
    return " ".join(lines)
