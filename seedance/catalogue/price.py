"""Tokens and money, before a request is sent and after its video is there.

What is not known is ``None``, and a note gives the reason. Amounts are exact decimals with four places.

Source: Ark 1544106 (prices and the token formula), read 2026-11-22, and token counts of real tasks.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import ceil, log
from typing import Any

from django.utils.translation import gettext_lazy as _

from .defaults import explicit
from .host import Host
from .inputs import Inputs
from .loading import Catalogue
from .rows import ModelRow, Rate, rate_from
from .violations import LazyMessage, Text

_FRAMES_PER_SECOND = 24
_PIXELS_PER_TOKEN = Decimal(1024)
_MILLION = Decimal(1_000_000)
_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Estimate:
    """What a video costs, or is expected to."""

    tokens: int | None
    #: Four decimal places; ``None`` when tokens, seconds or price are unknown.
    amount: Decimal | None
    #: ISO 4217: what the host charges in, whether or not the amount is known.
    currency: str
    #: How the amount came about: ``tokens``, ``tokens_at_most``, ``seconds``, ``usage`` or ``unknown``.
    basis: str
    #: Sentences about what is assumed or unknown.
    notes: tuple[Text | LazyMessage, ...] = ()
    #: The line of the price list, at the price of the day; to be kept and given to :func:`charge`. ``None``: unknown.
    price: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _Conditions:
    """What decides the price. ``None`` means that it is not known."""

    resolution: str | None
    video_input: bool
    audio: bool | None
    service_tier: str


@dataclass(frozen=True)
class _Volume:
    """How much video is made. ``None`` means that it is not known."""

    tokens: int | None
    #: Generated seconds, for hosts that charge by the second.
    seconds: Decimal | None
    #: Whether ``tokens`` is a ceiling rather than the expected number.
    at_most: bool
    notes: tuple[Text | LazyMessage, ...] = ()


def estimate(inputs: Inputs, host: Host, catalogue: Catalogue, today: datetime.date | None = None) -> Estimate:
    """What a request is expected to cost if it succeeds. It need not be valid: what is malformed counts as unknown.

    Tokens are ``floor(width * height * frames / 1024)`` where frames are 24 a second and one more, with the seconds of
    given videos counted too: the formula that agrees with every reported count. An ``adaptive`` ratio whose source was
    not measured is counted with the largest size of the resolution, and the basis is ``tokens_at_most``; that is
    less than 5 % above the smallest (10 % on the 1.0 models). A duration of -1 makes everything unknown.

    With a reference video the provider bills a minimum, and no estimate is below it.

    Args:
        today: the day whose discounts count; by default the present one (UTC).
    """
    row, currency, today = catalogue.find(inputs.model_name, host), catalogue.currency(host), today or _today()
    if row is None:
        return _unknown(currency, _("Nothing is known about the price of this model."))
    if inputs.mode == "draft_final":
        return _unknown(currency, _("The length comes from the draft and is not known here."))
    parameters = {**explicit(inputs, host, catalogue), **inputs.given()}
    volume = _volume(inputs, row, parameters)
    found = _find_rate(row, _conditions(inputs, row, parameters), today)
    notes = (*volume.notes, *_rate_notes(found, today))
    if found is None:
        return Estimate(volume.tokens, None, currency, "unknown", notes)
    rate = found.fixed_on(today)
    quantity = _quantity(rate, volume.tokens, volume.seconds)
    if quantity is None:
        return Estimate(volume.tokens, None, currency, "unknown", notes, rate.as_json())
    by_token = "tokens_at_most" if volume.at_most else "tokens"
    basis = "seconds" if rate.per == "second" else by_token
    return Estimate(volume.tokens, _rounded(rate.price * quantity), rate.currency, basis, notes, rate.as_json())


def charge(
    model_name: str,
    host: Host,
    catalogue: Catalogue,
    *,
    total_tokens: int | None,
    seconds: float | None = None,
    resolution: str | None = None,
    generate_audio: bool | None = None,
    service_tier: str | None = None,
    has_video_input: bool = False,
    draft: bool = False,
    agreed: Mapping[str, Any] | None = None,
    today: datetime.date | None = None,
) -> Estimate:
    """What a finished video cost, from what the provider reported about it.

    Args:
        total_tokens: as reported; a draft's discount is in the provider's count already.
        seconds: generated seconds, for hosts that charge by the second.
        resolution: as reported; ``None`` leaves the amount unknown where the price depends on it.
        generate_audio: whether there is sound; ``None`` leaves the amount unknown where the price depends on it.
        service_tier: ``default`` or ``flex``; ``None`` is the default tier.
        has_video_input: whether a reference video was given.
        draft: whether this is a draft, which adds a note.
        agreed: the ``price`` of the estimate. It counts wherever its conditions still hold, so that a price that has
            changed since does not re-price a video.
        today: the day whose discounts count where the agreed price does not; by default the present one (UTC).
    """
    row, currency, today = catalogue.find(model_name, host), catalogue.currency(host), today or _today()
    conditions = _Conditions(resolution or None, has_video_input, generate_audio, service_tier or "default")
    rate = rate_from(agreed) if agreed else None
    if rate is None or not _applies(rate, conditions):
        if row is None:
            return _unknown(currency, _("Nothing is known about the price of this model."), total_tokens)
        found = _find_rate(row, conditions, today)
        rate = found.fixed_on(today) if found else None
    notes = _rate_notes(rate, today)
    if draft and row is not None and row.draft_tokens:
        notes = (*notes, _("The token count is that of a draft, with its discount taken."))
    quantity = None if rate is None else _quantity(rate, total_tokens, seconds)
    if rate is None or quantity is None:
        return Estimate(total_tokens, None, currency, "unknown", notes)
    return Estimate(total_tokens, _rounded(rate.price * quantity), rate.currency, "usage", notes, rate.as_json())


def format_amount(amount: Decimal) -> str:
    """An amount of money as text with two to four decimals."""
    whole, _dot, decimals = f"{amount:.4f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _quantity(rate: Rate, tokens: int | None, seconds: Decimal | float | None) -> Decimal | None:
    """How many of the price list's units; ``None`` when that is not known."""
    if rate.per == "second":
        return None if seconds is None else Decimal(str(seconds))
    return None if tokens is None else Decimal(tokens) / _MILLION


def tokens_of(size: tuple[int, int], frames: Decimal | int) -> int:
    """Tokens of so many frames of that size, as the provider counts them."""
    return int(size[0] * size[1] * Decimal(frames) / _PIXELS_PER_TOKEN)


def frames_of(seconds: Decimal | int) -> Decimal:
    """Frames in so many seconds: 24 each, and one more at the end."""
    return _FRAMES_PER_SECOND * Decimal(seconds) + 1


def _volume(inputs: Inputs, row: ModelRow, parameters: Mapping[str, object]) -> _Volume:
    length, frames = _length(parameters)
    if length is None:
        return _Volume(None, None, False, (_("The model chooses the length, so the price is not known before."),))
    sizes = _possible_sizes(inputs, row, parameters)
    if not sizes:
        return _Volume(None, length, False, (_("The size of the video is not known."),))
    least = [_least_tokens(inputs, row, size, length) for size in sizes]
    given = _given_seconds(inputs)
    if given is None:
        return _Volume(None, length, False, _unmeasured_notes(min(least)))
    counted = [tokens_of(size, frames + _FRAMES_PER_SECOND * given) for size in sizes]
    counts = {max(pair) for pair in zip(counted, least, strict=True)}
    notes = _volume_notes(at_most=len(counts) > 1, at_minimum=max(least) > max(counted))
    tokens = _discounted(max(counts), row, parameters)
    return _Volume(tokens, length, len(counts) > 1, notes)


def _least_tokens(inputs: Inputs, row: ModelRow, size: tuple[int, int], seconds: Decimal) -> int:
    """The provider's minimum for a request with a reference video; 0 where none is known."""
    if row.video_floor is None or not inputs.media_of("video"):
        return 0
    return tokens_of(size, _FRAMES_PER_SECOND * ceil(row.video_floor * int(seconds)))


def _unmeasured_notes(least: int) -> tuple[Text | LazyMessage, ...]:
    unknown = _("How long the given video is counts too, and is not known.")
    return (unknown, LazyMessage(_("At least %(least)s tokens are billed."), {"least": least})) if least else (unknown,)


def _volume_notes(*, at_most: bool, at_minimum: bool) -> tuple[Text, ...]:
    notes = []
    if at_most:
        notes.append(_("The ratio follows what the model is given, so this is the most it can be."))
    if at_minimum:
        notes.append(_("This is the provider's minimum for a video of this length made with a given video."))
    return tuple(notes)


def _length(parameters: Mapping[str, object]) -> tuple[Decimal | None, Decimal]:
    """Seconds and frames to be generated; no seconds when the model chooses, or the request is malformed."""
    frames, seconds = _whole(parameters.get("frames")), _whole(parameters.get("duration"))
    if frames > 0:
        return Decimal(frames // _FRAMES_PER_SECOND), Decimal(frames)
    return (Decimal(seconds), frames_of(seconds)) if seconds > 0 else (None, Decimal(0))


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _given_seconds(inputs: Inputs) -> Decimal | None:
    """Seconds of all given videos together; ``None`` when one was not measured."""
    seconds = [video.facts.duration if video.facts else None for video in inputs.media_of("video")]
    known = [Decimal(str(each)) for each in seconds if each is not None]
    return sum(known, Decimal(0)) if len(known) == len(seconds) else None


def _possible_sizes(inputs: Inputs, row: ModelRow, parameters: Mapping[str, object]) -> list[tuple[int, int]]:
    """The size of the output, or every size it may have when the source of the ratio was not measured."""
    resolution = _resolution(row, parameters)
    ratio = parameters.get("ratio") or row.defaults.ratio.get(inputs.mode, "")
    if ratio == "adaptive":
        ratio = _followed_ratio(inputs, row)
    ratios = [str(ratio)] if ratio else row.limits.ratios
    return [size for size in (row.size(resolution, name) for name in ratios) if size is not None]


def _resolution(row: ModelRow, parameters: Mapping[str, object]) -> str:
    if parameters.get("draft") is True:
        return "480p"
    return str(parameters.get("resolution") or row.defaults.resolution).lower()


def _followed_ratio(inputs: Inputs, row: ModelRow) -> str | None:
    """The preset closest to the medium that ``adaptive`` follows: the first video, or else the first image."""
    followed = next(iter([*inputs.media_of("video"), *inputs.media_of("image")]), None)
    facts = followed.facts if followed else None
    if facts is None or not facts.width or not facts.height:
        return None
    shape = log(facts.width / facts.height)
    return min(row.limits.ratios, key=lambda ratio: abs(_log_of(ratio) - shape))


def _log_of(ratio: str) -> float:
    width, height = ratio.split(":")
    return log(int(width) / int(height))


def _discounted(tokens: int, row: ModelRow, parameters: Mapping[str, object]) -> int:
    """A draft of some models is billed for fewer tokens than its size gives."""
    share = row.draft_tokens.get("audio" if _sound(row, parameters) else "silent")
    return int(tokens * share) if parameters.get("draft") is True and share is not None else tokens


def _sound(row: ModelRow, parameters: Mapping[str, object]) -> bool | None:
    """Whether there will be sound; the provider's default where it is not set."""
    said = parameters.get("generate_audio", row.defaults.generate_audio)
    return said if isinstance(said, bool) else None


def _conditions(inputs: Inputs, row: ModelRow, parameters: Mapping[str, object]) -> _Conditions:
    return _Conditions(
        resolution=_resolution(row, parameters),
        video_input=bool(inputs.media_of("video")),
        audio=_sound(row, parameters),
        service_tier=str(parameters.get("service_tier") or "default"),
    )


def _find_rate(row: ModelRow, conditions: _Conditions, today: datetime.date) -> Rate | None:
    """The line of the price list that applies; ``None`` when none does, or what is not known decides between two."""
    matching = [rate for rate in row.prices if _applies(rate, conditions)]
    return matching[0] if len({rate.price_on(today) for rate in matching}) == 1 else None


def _applies(rate: Rate, conditions: _Conditions) -> bool:
    resolution = conditions.resolution.lower() if conditions.resolution else None
    return (
        (not rate.resolutions or resolution is None or resolution in rate.resolutions)
        and rate.video_input in {None, conditions.video_input}
        and (rate.audio is None or conditions.audio is None or rate.audio == conditions.audio)
        and rate.service_tier in {None, conditions.service_tier}
    )


def _rate_notes(rate: Rate | None, today: datetime.date) -> tuple[Text | LazyMessage, ...]:
    if rate is None:
        return (_("No price is published for this."),)
    weak = () if rate.verified else (_("The price comes from a single source and was not confirmed."),)
    return (*weak, *_discount_notes(rate, today))


def _discount_notes(rate: Rate, today: datetime.date) -> tuple[LazyMessage, ...]:
    if rate.discount is None:
        return ()
    values = {"percent": f"{rate.discount * 100:f}".rstrip("0").rstrip("."), "until": rate.until, "price": rate.price}
    if rate.until is None:
        text = _("A time-limited discount of %(percent)s %% was seen; its end is not known, so it is not counted.")
        return (LazyMessage(text, values),)
    text = _("Discounted by %(percent)s %% until %(until)s; the list price is %(price)s.")
    return (LazyMessage(text, values),) if rate.is_discounted(today) else ()


def _unknown(currency: str, note: Text, tokens: int | None = None) -> Estimate:
    return Estimate(tokens, None, currency, "unknown", (note,))


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_PLACES, ROUND_HALF_UP)
