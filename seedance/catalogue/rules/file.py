"""Rules about one uploaded file: format, size, pixels, frame rate and length. What was not measured is not checked."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ..inputs import MediaFacts, MediaInput
from ..loading import MediaLimits
from ..review import Review, listed

#: Seconds by which a clip may be longer than the limit. Source: the provider's messages, which name 15.2 and 30.2.
_SLACK = 0.2

#: Other MIME types of the same format.
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/x-ms-bmp": "image/bmp",
    "video/quicktime": "video/mov",
    "audio/mpeg": "audio/mp3",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
}


def check_file(review: Review, place: str, medium: MediaInput) -> None:
    """Everything that one file must be by itself."""
    facts = medium.facts
    if facts is None:
        return
    limits = review.catalogue.media[medium.kind]
    _check_format(review, place, medium.kind, facts, limits)
    _check_size(review, place, facts, limits)
    _check_picture(review, place, facts, limits)
    _check_frame_rate(review, place, facts, limits)
    _check_length(review, place, medium)


def check_clip_totals(review: Review) -> None:
    """All reference videos together, and all audios together, may only be so long."""
    clips = review.row.limits.clips if review.row else None
    for kind in ("video", "audio") if clips else ():
        known = [medium.facts.duration for medium in review.inputs.media_of(kind) if medium.facts]
        total = sum(seconds for seconds in known if seconds is not None)
        if clips and len(known) > 1 and total > clips.total + _SLACK:
            review.add_model_error(
                "media",
                "clips_too_long",
                _("All files of one kind may last %(most)s seconds together; these last %(total)s."),
                _("Shorten them, or remove one."),
                most=clips.total,
                total=round(total, 1),
            )


def _check_format(review: Review, place: str, kind: str, facts: MediaFacts, limits: MediaLimits) -> None:
    found_kind, _slash, found = _ALIASES.get(facts.mime.lower(), facts.mime.lower()).partition("/")
    formats = limits.formats
    if kind == "image" and review.row is not None:
        formats = review.row.limits.image_formats
    if found_kind == kind and found in formats:
        return
    note = review.add_model_error if found_kind == kind and found in limits.formats else review.add_error
    note(
        place,
        "file_format",
        _("%(mime)s does not fit here; a file of this role is one of %(formats)s."),
        _("Convert the file, or give it another role."),
        mime=facts.mime[:60] or "application/octet-stream",
        formats=listed([f"{kind}/{name}" for name in formats]),
    )


def _check_size(review: Review, place: str, facts: MediaFacts, limits: MediaLimits) -> None:
    if not 0 < facts.bytes <= limits.largest:
        review.add_error(
            place,
            "file_size",
            _("A file of this kind may have %(most)s MB, and is not empty."),
            _("Use a smaller file that is not empty."),
            most=round(limits.largest / 1_000_000),
        )


def _check_picture(review: Review, place: str, facts: MediaFacts, limits: MediaLimits) -> None:
    width, height = facts.width, facts.height
    if width is None or height is None or limits.sides is None or limits.aspect is None:
        return
    smallest, largest = limits.sides
    if not (smallest <= width <= largest and smallest <= height <= largest):
        review.add_error(
            place,
            "file_sides",
            _("Width and height may be %(smallest)s to %(largest)s pixels; this file has %(width)s x %(height)s."),
            _("Scale it."),
            smallest=smallest,
            largest=largest,
            width=width,
            height=height,
        )
    elif not limits.aspect[0] <= width / height <= limits.aspect[1]:
        review.add_error(
            place,
            "file_aspect",
            _("Width divided by height may be %(least)s to %(most)s; this file has %(width)s x %(height)s."),
            _("Crop it."),
            least=limits.aspect[0],
            most=limits.aspect[1],
            width=width,
            height=height,
        )
    if limits.pixels and not limits.pixels[0] <= width * height <= limits.pixels[1]:
        review.add_error(
            place,
            "file_pixels",
            _("Width times height may be %(least)s to %(most)s pixels; this file has %(width)s x %(height)s."),
            _("Scale it."),
            least=limits.pixels[0],
            most=limits.pixels[1],
            width=width,
            height=height,
        )


def _check_frame_rate(review: Review, place: str, facts: MediaFacts, limits: MediaLimits) -> None:
    allowed, rate = limits.frames_per_second, facts.frames_per_second
    if allowed is not None and rate is not None and not allowed[0] <= rate <= allowed[1]:
        review.add_error(
            place,
            "file_frame_rate",
            _("A video may have %(least)s to %(most)s frames per second; this one has %(rate)s."),
            _("Convert it."),
            least=allowed[0],
            most=allowed[1],
            rate=round(rate, 3),
        )


def _check_length(review: Review, place: str, medium: MediaInput) -> None:
    clips = review.row.limits.clips if review.row else None
    seconds = medium.facts.duration if medium.facts else None
    if clips is None or seconds is None or medium.kind == "image":
        return
    least = clips.edit_minimum if review.task_type == "edit" and medium.kind == "video" else clips.minimum
    if not least <= seconds <= clips.maximum + _SLACK:
        review.add_model_error(
            place,
            "file_length",
            _("A file of this role may last %(least)s to %(most)s seconds; this one lasts %(seconds)s."),
            _("Cut it."),
            least=least,
            most=clips.maximum,
            seconds=round(seconds, 2),
        )
