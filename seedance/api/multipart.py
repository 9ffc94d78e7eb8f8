"""A multipart form as the JSON body it stands for.

Parameters and switches are written as in JSON (``5``, ``true``). Media come in either of two ways::

    media[0][role]=first_frame  media[0][file]=@boat.png        one part for each value
    media=[{"role": "first_frame", "file": "boat"}]  boat=@boat.png     JSON that names the file parts
"""

import re
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from ..catalogue import PARAMETERS, Violation
from ..intake import MAX_MEDIA, too_many_media
from .errors import RequestRefused, refusal
from .parsers import strict_json

#: ``media[0][role]``; ``media[0].role`` and ``media[0]role`` are what other clients make of it.
_MEDIA_PART = re.compile(r"media\[(\d{1,2})\](?:\[(\w+)\]|\.?(\w+))", re.ASCII)

#: What stays text although it may look like JSON, beside the parameters that are text.
_TEXTS = frozenset({"prompt", "model", "continue_from", "draft_task", "provider"})

#: How Python clients write a switch into a form.
_PYTHONS_WORDS = {"True": True, "False": False}


def parse_multipart(form: QueryDict) -> dict[str, Any]:
    """Texts and files of a form as one JSON-like body; files stand where their parts belong.

    Raises:
        Refused: a part comes twice, or ``media`` is given in both ways or is not a JSON list.
    """
    violations = [_repeated(name) for name, values in form.lists() if len(values) > 1]
    media = {name: match for name in form if (match := _MEDIA_PART.fullmatch(name))}
    body = {name: _value(name, form[name]) for name in form if name not in media}
    if "media" in body:
        violations += _name_files(body)
        violations += [_repeated("media")] if media else []
    elif media:
        body["media"] = _media_items(form, media)
    if violations:
        raise RequestRefused(violations)
    return body


def _value(name: str, given: Any) -> Any:
    is_text = name in _TEXTS or (name in PARAMETERS and PARAMETERS[name].kind == "text")
    if isinstance(given, UploadedFile) or is_text:
        return given
    if not given.strip():
        return None
    if given in _PYTHONS_WORDS:
        return _PYTHONS_WORDS[given]
    try:
        return strict_json(given)
    except ValueError:
        return given  # the rules say what it should have been


def _media_items(form: QueryDict, media: dict[str, re.Match[str]]) -> list[dict[str, Any]]:
    items: dict[int, dict[str, Any]] = {}
    for name, match in media.items():
        items.setdefault(int(match[1]), {})[match[2] or match[3]] = form[name]
    return [items[position] for position in sorted(items)]


def _name_files(body: dict[str, Any]) -> list[Violation]:
    """Put the file parts that the ``media`` JSON names into it."""
    if not isinstance(body["media"], list):
        return [_not_json("media")]
    if len(body["media"]) > MAX_MEDIA:
        return list(too_many_media(len(body["media"])))
    violations = []
    taken = set()
    for position, item in enumerate(body["media"]):
        name = item.get("file") if isinstance(item, dict) else None
        if isinstance(name, str) and name in taken:
            violations.append(_repeated(f"media[{position}].file"))
        elif isinstance(name, str) and isinstance(body.get(name), UploadedFile):
            item["file"] = body[name]
            taken.add(name)
        elif name is not None:
            violations.append(_no_part(f"media[{position}].file", name))
    for name in taken:
        del body[name]
    return violations


def _repeated(name: str) -> Violation:
    return refusal(name, "repeated", _("This is given more than once."), _("Send it once."))


def _not_json(name: str) -> Violation:
    return refusal(
        name,
        "not_json",
        _("This must be a list, written as JSON."),
        _('Write for example [{"role": "first_frame", "file": "boat"}].'),
    )


def _no_part(field: str, name: object) -> Violation:
    return refusal(
        field,
        "no_such_part",
        _("There is no file part of the name %(name)s."),
        _("Name a file part of this request."),
        name=str(name)[:100],
    )
