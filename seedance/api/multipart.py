"""A multipart form as the JSON body it stands for.

Values are written as in JSON (``5``, ``true``). A medium may be a file part, in either of two ways::

    media=[{"role": "first_frame", "file": "boat"}]  boat=@boat.png     JSON that names the file parts
    media[0][role]=first_frame  media[0][file]=@boat.png                one part for each value
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

#: ``media[0][role]``.
_MEDIA_PART = re.compile(r"media\[(\d{1,2})\]\[(\w+)\]", re.ASCII)

#: What stays text although it may look like JSON, beside the parameters that are text.
_TEXTS = frozenset({"prompt", "model", "continue_from", "draft_task", "provider"})

#: How Python clients write booleans into a form.
_PYTHON_BOOLEANS = {"True": True, "False": False}


def parse_multipart(form: QueryDict) -> dict[str, Any]:
    """Texts and files of a form as one JSON-like body; a file takes the place of its name.

    Raises:
        RequestRefused: a part comes twice, or ``media`` is given in both ways or is not a JSON list.
    """
    violations = [_repeated(name) for name, values in form.lists() if len(values) > 1]
    body: dict[str, Any] = {}
    indexed: dict[int, dict[str, Any]] = {}
    for name in form:
        if match := _MEDIA_PART.fullmatch(name):
            indexed.setdefault(int(match[1]), {})[match[2]] = form[name]
        else:
            body[name] = _value(name, form[name])
    if "media" in body:
        violations += _insert_files(body)
        violations += [_repeated("media")] if indexed else []
    elif indexed:
        body["media"] = [indexed[position] for position in sorted(indexed)]
    if violations:
        raise RequestRefused(violations)
    return body


def _value(name: str, given: Any) -> Any:
    is_text = name in _TEXTS or (name in PARAMETERS and PARAMETERS[name].kind == "text")
    if isinstance(given, UploadedFile) or is_text:
        return given
    if not given.strip():
        return None
    if given in _PYTHON_BOOLEANS:
        return _PYTHON_BOOLEANS[given]
    try:
        return strict_json(given)
    except ValueError:
        return given  # the rules report what is expected


def _insert_files(body: dict[str, Any]) -> list[Violation]:
    """Replace the names in the ``media`` JSON by the file parts."""
    if not isinstance(body["media"], list):
        return [_not_json("media")]
    if len(body["media"]) > MAX_MEDIA:
        return list(too_many_media(len(body["media"])))
    violations = []
    taken: dict[str, UploadedFile] = {}
    for position, item in enumerate(body["media"]):
        name = item.get("file") if isinstance(item, dict) else None
        if isinstance(name, str) and name in taken:
            violations.append(_repeated(f"media[{position}].file"))
        elif isinstance(name, str) and isinstance(body.get(name), UploadedFile):
            item["file"] = taken[name] = body.pop(name)
        elif name is not None:
            violations.append(_no_part(f"media[{position}].file", name))
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
