"""A request made ready to be stored: flags taken out of the prompt, defaults set, rules checked.

The REST API, the admin form, ``create_task`` and the commands all use this module, so they agree.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.utils.translation import gettext_lazy as _

from . import catalogue, conf
from .catalogue import (
    LARGEST_NUMBER,
    MEDIA_ROLES,
    PARAMETERS,
    Estimate,
    Inputs,
    LazyMessage,
    MediaFacts,
    MediaInput,
    Violation,
    current_catalogue,
    host_of,
    only_errors,
)
from .exceptions import ConfigurationError
from .media.measure import measure

#: Characters of the texts beside the parameters, whose own bounds stand in their table.
LONGEST_TEXT = {
    "prompt": 20_000,  # its column has no end, but nothing beyond this is a description of a video
    "model": 128,
    "draft_task_id": 128,
    "provider": 50,
}
#: Largest ``metadata``, as JSON text in UTF-8.
MAX_METADATA_BYTES = 16 * 1024
#: Most media of one request, whatever a model may take; more are not read.
MAX_MEDIA = 100


@dataclass(frozen=True)
class GivenMedia:
    """One medium as a person gave it: an address, or a file open for reading."""

    role: str
    url: str = ""
    file: File | None = None
    facts: MediaFacts | None = None


@dataclass(frozen=True)
class Prepared:
    """A request that is ready to be stored when it has no ``errors``."""

    provider: str
    inputs: Inputs
    media: tuple[GivenMedia, ...]
    metadata: Mapping[str, Any]
    violations: tuple[Violation, ...]
    #: Parameters that were typed as flags into the prompt.
    lifted: Mapping[str, object] = field(default_factory=dict)

    @property
    def errors(self) -> list[Violation]:
        """What forbids sending."""
        return only_errors(self.violations)

    @property
    def warnings(self) -> list[Violation]:
        """What may be a mistake."""
        return [violation for violation in self.violations if not violation.is_error]

    def raise_errors(self) -> None:
        """Raise the errors as Django's ``ValidationError``, keyed by field path."""
        by_field: dict[str, list[ValidationError]] = {}
        for violation in self.errors:
            by_field.setdefault(violation.field, []).append(ValidationError(str(violation), code=violation.code))
        if by_field:
            raise ValidationError(by_field)


@dataclass(frozen=True)
class Order:
    """One request on its way to be a row: prepared, with what its entry point adds.

    Args:
        submit: whether to send it at once; otherwise it stays ``new``.
        columns: values of columns that no request holds, such as ``retry_of``.
        note: text of an event of its own in the timeline; empty for none.
    """

    prepared: Prepared
    submit: bool = False
    columns: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def content(self) -> list[Any]:
        """All values that the fingerprint of this request depends on."""
        inputs, media = self.prepared.inputs, self.prepared.media
        return [
            self.prepared.provider,
            [inputs.model_name, inputs.prompt, inputs.draft_task_id, dict(inputs.parameters)],
            [[item.role, item.url, item.file] for item in media],
            [dict(self.prepared.metadata), self.submit],
        ]


def check(inputs: Inputs, provider: str) -> list[Violation]:
    """Every problem of a request, or the one that its provider does not exist."""
    try:
        host = host_of(provider)
    except ConfigurationError:
        return [_unknown_provider(provider)]
    return catalogue.check(inputs, host, current_catalogue())


def prepare(
    *,
    model_name: str = "",
    prompt: str = "",
    media: Sequence[Mapping[str, Any]] = (),
    parameters: Mapping[str, object] | None = None,
    draft_task_id: str = "",
    provider: str = "default",
    metadata: Mapping[str, Any] | None = None,
) -> Prepared:
    """Make a request ready and find everything wrong with it; stores nothing.

    Args:
        model_name: the provider's id of the model.
        media: mappings with ``role`` and either ``url`` or ``file`` (a Django ``File``, which is measured).
        parameters: by the provider's names; ``None`` values count as not given.
    """
    texts = {"prompt": prompt, "model": model_name, "draft_task_id": draft_task_id}
    violations = [*_unfit(texts), *too_many_media(len(media))]
    # What is beyond a bound is cut here: it has its own violation.
    texts = {name: text[: LONGEST_TEXT[name]] for name, text in texts.items()}
    prompt, model_name, draft_task_id = texts.values()
    media = media[:MAX_MEDIA]
    violations += [_unstorable(name) for name, text in texts.items() if not _storable(text)]
    violations += [
        _unstorable(f"media[{n}].url") for n, item in enumerate(media) if not _storable(item.get("url") or "")
    ]
    violations += _metadata_problems(metadata or {})
    violations += [_url_or_file(n) for n, item in enumerate(media) if bool(item.get("url")) == bool(item.get("file"))]
    given = {name: value for name, value in (parameters or {}).items() if value is not None}
    lifted = catalogue.lift_flags(prompt)
    violations += [*lifted.violations, *_given_twice(lifted.parameters, given)]
    items = tuple(_given_media(item) for item in media)
    inputs = Inputs(
        model_name=model_name,
        prompt=lifted.prompt,
        media=tuple(MediaInput(role=item.role, url=item.url, facts=item.facts) for item in items),
        parameters={**lifted.parameters, **given},
        draft_task_id=draft_task_id,
    )
    violations += [
        _needs_public_url(n)
        for n, item in enumerate(items)
        if item.file and MEDIA_ROLES.get(item.role) == "video" and not conf.settings().PUBLIC_URL
    ]
    violations += _unfit({"provider": provider, **inputs.parameters})
    violations += check(inputs, provider)
    if not only_errors(violations):
        explicit = catalogue.explicit_defaults(inputs, host_of(provider), current_catalogue())
        inputs = replace(inputs, parameters={**inputs.parameters, **explicit})
    return Prepared(provider, inputs, items, metadata or {}, tuple(violations), lifted.parameters)


def too_many_media(count: int) -> Iterable[Violation]:
    """The problem of a request with more than ``MAX_MEDIA`` media; nothing for any other."""
    if count > MAX_MEDIA:
        yield Violation(
            field="media",
            code="too_many_media",
            message=LazyMessage(
                _("A request may have %(most)d media; this one has %(count)d."), {"most": MAX_MEDIA, "count": count}
            ),
            hint=LazyMessage(_("Remove some; no model takes as many.")),
        )


def estimate(prepared: Prepared) -> Estimate:
    """What a request is expected to cost; unknown stays unknown. Only for a request without ``errors``."""
    return catalogue.estimate(prepared.inputs, host_of(prepared.provider), current_catalogue())


def _given_media(item: Mapping[str, Any]) -> GivenMedia:
    file = item.get("file")
    facts = item.get("facts") or (measure(file) if file else None)
    return GivenMedia(item.get("role") or "", item.get("url") or "", file, facts)


def _given_twice(lifted: Mapping[str, object], given: Mapping[str, object]) -> Iterable[Violation]:
    for name, value in lifted.items():
        if name in given and given[name] != value:
            yield Violation(
                field=name,
                code="given_twice",
                message=LazyMessage(_("This is given in the prompt as a flag and as a field, with different values.")),
                hint=LazyMessage(_("Take the flag out of the prompt, or leave the field empty.")),
            )


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _texts_in(value: object) -> Iterable[str]:
    """Every string in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _texts_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts_in(item)


def _unstorable(name: str) -> Violation:
    return Violation(
        field=name,
        code="unstorable_text",
        message=LazyMessage(_("This text holds a NUL character or half a surrogate pair.")),
        hint=LazyMessage(_("Take it out; only valid Unicode text can be stored.")),
    )


def _url_or_file(number: int) -> Violation:
    return Violation(
        field=f"media[{number}]",
        code="url_or_file",
        message=LazyMessage(_("A medium is given either as an address or as a file.")),
        hint=LazyMessage(_("Give one of “url” and “file”.")),
    )


def _needs_public_url(number: int) -> Violation:
    return Violation(
        field=f"media[{number}].file",
        code="needs_public_url",
        message=LazyMessage(_("The provider fetches videos itself, and this site has no public address.")),
        hint=LazyMessage(_("Give the address of the video instead, or set PUBLIC_URL in SEEDANCE.")),
    )


def _unfit(values: Mapping[str, object]) -> Iterable[Violation]:
    longest = {**LONGEST_TEXT, **{name: entry.max_length for name, entry in PARAMETERS.items() if entry.kind == "text"}}
    # A number with a range of its own is refused by the rules.
    unlimited = {name for name, entry in PARAMETERS.items() if entry.range is None}
    for name, value in values.items():
        if isinstance(value, str) and len(value) > longest.get(name, len(value)):
            yield Violation(
                field=name,
                code="too_long",
                message=LazyMessage(_("This is longer than %(most)d characters."), {"most": longest[name]}),
                hint=LazyMessage(_("Shorten it.")),
            )
        if isinstance(value, int) and name in unlimited and abs(value) > LARGEST_NUMBER:
            yield Violation(
                field=name,
                code="too_large",
                message=LazyMessage(_("This number is beyond ±%(most)d."), {"most": LARGEST_NUMBER}),
                hint=LazyMessage(_("Use a smaller number.")),
            )


def _metadata_problems(metadata: Mapping[str, Any]) -> Iterable[Violation]:
    try:
        text = json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        text = None
    if text is None or not isinstance(metadata, dict):
        yield Violation(
            field="metadata",
            code="not_json",
            message=LazyMessage(_("The metadata must be a JSON object.")),
            hint=LazyMessage(_('Send an object such as {"order": 17}.')),
        )
    elif not all(map(_storable, _texts_in(metadata))):
        yield _unstorable("metadata")
    elif len(text.encode()) > MAX_METADATA_BYTES:
        yield Violation(
            field="metadata",
            code="too_large",
            message=LazyMessage(_("The metadata may be at most 16 KiB of JSON.")),
            hint=LazyMessage(_("Keep large data on your side and store its id here.")),
        )


def _unknown_provider(alias: str) -> Violation:
    return Violation(
        field="provider",
        code="unknown_provider",
        message=LazyMessage(_("There is no provider of this name.")),
        hint=LazyMessage(_("Use one of: %(names)s."), {"names": ", ".join(conf.provider_aliases()) or "-"}),
    )
