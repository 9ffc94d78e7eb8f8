"""Prices in words. All of them are estimates until the provider has reported its count."""

from django.utils.translation import gettext as _

from ..catalogue.price import Estimate
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
