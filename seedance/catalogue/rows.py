"""One model on one host: a frozen row of facts, read from the tables of ``models.toml``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

#: A table of ``models.toml`` as ``tomllib`` gives it.
Table = Mapping[str, Any]


@dataclass(frozen=True)
class Duration:
    """Seconds a model can be asked for; ``auto`` means that -1, *you choose*, is one of them."""

    minimum: int
    maximum: int
    auto: bool


@dataclass(frozen=True)
class References:
    """How many reference media one request may have."""

    images: int
    videos: int
    audios: int
    #: All kinds together.
    total: int
    #: Whether audio may come without image or video.
    audio_alone: bool

    def most(self, kind: str) -> int:
        """The largest number of one kind: ``image``, ``video`` or ``audio``."""
        return {"image": self.images, "video": self.videos, "audio": self.audios}[kind]


@dataclass(frozen=True)
class Clips:
    """Seconds a reference video or audio may last, each and together."""

    minimum: int
    maximum: int
    total: int
    #: The shortest video an edit may start from.
    edit_minimum: int


@dataclass(frozen=True)
class Capabilities:
    """What a model can do."""

    #: Of t2v, i2v, flf2v, r2v.
    modes: tuple[str, ...]
    #: Parameters it takes, by the provider's spelling.
    parameters: tuple[str, ...]
    #: Parameters its provider is said to ignore.
    ignored: tuple[str, ...]
    #: Parameters that work, though the provider's pages do not name them for this model.
    unconfirmed: tuple[str, ...]
    #: Parameters that this host's pages do not have, though another host's do.
    undocumented: tuple[str, ...]
    #: Modes in which the ratio may be ``adaptive``.
    adaptive: tuple[str, ...]
    #: Modes in which it must be.
    adaptive_only: tuple[str, ...]
    service_tiers: tuple[str, ...]
    output_formats: tuple[str, ...]
    task_types: tuple[str, ...]
    #: Mode -> parameters that it does not take there.
    mode_without: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Limits:
    """Ranges and numbers that a model accepts."""

    duration: Duration
    resolutions: tuple[str, ...]
    #: Resolutions among them that the host's reference pages do not have.
    unconfirmed_resolutions: tuple[str, ...]
    #: Modes with fewer resolutions than the model.
    mode_resolutions: Mapping[str, tuple[str, ...]]
    #: Resolutions that the final video of a draft can have; empty when the model makes no drafts.
    final_resolutions: tuple[str, ...]
    #: Without ``adaptive``.
    ratios: tuple[str, ...]
    references: References
    #: ``None`` when the model takes neither video nor audio.
    clips: Clips | None
    #: Such as ``jpeg``: the part behind ``image/``.
    image_formats: tuple[str, ...]


@dataclass(frozen=True)
class Defaults:
    """What a request gets where it sets no value. The duration is this app's where the provider would choose one."""

    #: Seconds.
    duration: int
    resolution: str
    #: Mode -> ratio.
    ratio: Mapping[str, str]
    #: ``None`` when the model makes no sound.
    generate_audio: bool | None


@dataclass(frozen=True)
class Rate:
    """One line of a price list. A condition that is ``None`` or empty always holds."""

    price: Decimal
    currency: str
    #: ``million_tokens`` or ``second`` (of generated video).
    per: str
    resolutions: tuple[str, ...]
    video_input: bool | None
    audio: bool | None
    service_tier: str | None
    #: ``False`` when there is only a single weak source.
    verified: bool
    #: The part of the price that a time-limited offer takes off, such as 0.2; it counts up to and including ``until``.
    discount: Decimal | None = None
    #: The last day of the discount. ``None``: not known, and the discount is not counted.
    until: datetime.date | None = None

    def is_discounted(self, today: datetime.date) -> bool:
        """Whether the discount counts on a day."""
        return self.discount is not None and self.until is not None and today <= self.until

    def price_on(self, today: datetime.date) -> Decimal:
        """The price on a day, with a discount that counts then taken off."""
        off = self.discount if self.is_discounted(today) else None
        return self.price if off is None else self.price * (1 - off)

    def fixed_on(self, today: datetime.date) -> Rate:
        """This line at the price of one day, which no later discount or its end changes."""
        return replace(self, price=self.price_on(today), discount=None, until=None)

    def as_json(self) -> dict[str, Any]:
        """The line in values that JSON has; :func:`rate_from` reads it back."""
        table = {name: value for name, value in asdict(self).items() if name not in ("discount", "until")}
        return {**table, "price": str(self.price), "resolutions": list(self.resolutions)}


def rate_from(line: Table) -> Rate:
    """A line as :meth:`Rate.as_json` wrote it."""
    return Rate(**{**line, "price": Decimal(line["price"]), "resolutions": tuple(line["resolutions"])})


@dataclass(frozen=True)
class ModelRow:
    """What one model accepts and costs on one host."""

    family: str
    #: The id on this host; empty when the host does not list the model.
    name: str
    title: str
    #: Preset -> ids, the one to offer first; none means that the host does not offer the model.
    ids: Mapping[str, tuple[str, ...]]
    #: ``current``, ``retiring`` or ``historical``.
    state: str
    #: When these facts were last compared with the provider's pages.
    verified: datetime.date
    capabilities: Capabilities
    limits: Limits
    defaults: Defaults
    #: Empty when no price is known on this host.
    prices: tuple[Rate, ...]
    #: Resolution -> ratio -> (width, height) in pixels.
    sizes: Mapping[str, Mapping[str, tuple[int, int]]]
    #: ``audio`` and ``silent`` -> the share of its tokens that a draft is billed for.
    draft_tokens: Mapping[str, Decimal]
    #: With a reference video no fewer tokens are billed than for this many seconds of output per second of output.
    video_floor: Fraction | None = None

    def size(self, resolution: str, ratio: str) -> tuple[int, int] | None:
        """Width and height of the output in pixels; ``None`` for what the model does not offer, or ``adaptive``."""
        return self.sizes.get(resolution.lower(), {}).get(ratio)

    def resolutions(self, mode: str) -> tuple[str, ...]:
        """The resolutions on offer in one mode of :attr:`Inputs.mode <seedance.catalogue.inputs.Inputs.mode>`."""
        if mode == "draft_final":
            return tuple(name for name in self.limits.resolutions if name in self.limits.final_resolutions)
        return self.limits.mode_resolutions.get(mode, self.limits.resolutions)

    def ratios(self, mode: str) -> tuple[str, ...]:
        """The ratios on offer in one mode, ``adaptive`` first where it is one of them."""
        if mode in self.capabilities.adaptive_only:
            return ("adaptive",)
        return ("adaptive", *self.limits.ratios) if mode in self.capabilities.adaptive else self.limits.ratios

    def takes(self, parameter: str, mode: str) -> bool:
        """Whether a parameter means something to this model in one mode."""
        absent = self.capabilities.mode_without.get(mode, ())
        return parameter in self.capabilities.parameters and parameter not in absent


def build(
    family: str, facts: Table, name: str, *, sizes: Table, rates: tuple[Rate, ...], verified: datetime.date
) -> ModelRow:
    """One row from a family's table, with the differences of host and dialect merged into it."""
    return ModelRow(
        family=family,
        name=name,
        title=facts["title"],
        ids=facts["ids"],
        state=facts["state"],
        verified=_date(facts.get("verified")) or verified,
        capabilities=_capabilities(facts),
        limits=_limits(facts),
        defaults=Defaults(
            duration=facts["duration"]["default"],
            resolution=facts["default_resolution"],
            ratio=facts["ratio"],
            generate_audio=facts.get("generate_audio"),
        ),
        prices=rates,
        sizes={
            resolution: {ratio: (pixels[0], pixels[1]) for ratio, pixels in sizes[resolution].items()}
            for resolution in facts["resolutions"]
        },
        draft_tokens={sound: Decimal(share) for sound, share in facts.get("draft_tokens", {}).items()},
        video_floor=Fraction(facts["video_floor"]) if facts.get("video_floor") else None,
    )


def rate(line: Table, money: Table) -> Rate:
    """One line of a price list, in the list's own unit and currency."""
    return Rate(
        price=Decimal(line["price"]),
        currency=money["currency"],
        per=money["per"],
        resolutions=tuple(line.get("resolutions", ())),
        video_input=line.get("video_input"),
        audio=line.get("audio"),
        service_tier=line.get("service_tier"),
        verified=not line.get("unverified", False),
        discount=Decimal(line["discount"]) if line.get("discount") else None,
        until=_date(line.get("until")),
    )


def _date(value: datetime.date | str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(value) if isinstance(value, str) else value


def _capabilities(facts: Table) -> Capabilities:
    without = facts.get("without", ())
    return Capabilities(
        modes=tuple(facts["modes"]),
        parameters=tuple(name for name in facts["parameters"] if name not in without),
        ignored=tuple(facts["ignored"]),
        unconfirmed=tuple(facts["unconfirmed"]),
        undocumented=tuple(facts.get("undocumented", ())),
        adaptive=tuple(facts["adaptive"]),
        adaptive_only=tuple(facts["adaptive_only"]),
        service_tiers=tuple(facts["service_tiers"]),
        output_formats=tuple(facts["output_formats"]),
        task_types=tuple(facts["task_types"]),
        mode_without=_tuples(facts.get("mode_without", {})),
    )


def _limits(facts: Table) -> Limits:
    duration, clips = facts["duration"], facts.get("clips")
    return Limits(
        duration=Duration(duration["min"], duration["max"], duration["auto"]),
        resolutions=tuple(facts["resolutions"]),
        unconfirmed_resolutions=tuple(facts.get("unconfirmed_resolutions", ())),
        mode_resolutions=_tuples(facts.get("mode_resolutions", {})),
        final_resolutions=tuple(facts["final_resolutions"]),
        ratios=tuple(facts["ratios"]),
        references=References(**facts["references"]),
        clips=Clips(clips["min"], clips["max"], clips["total"], clips["edit_min"]) if clips else None,
        image_formats=tuple(facts["image_formats"]),
    )


def _tuples(table: Table) -> dict[str, tuple[str, ...]]:
    return {key: tuple(values) for key, values in table.items()}
