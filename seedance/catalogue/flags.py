"""Inline prompt flags: ``A paper boat --duration 5 --ratio 16:9`` and back.

The provider's samples still append parameters to the prompt, and people paste them. The provider reads such flags
loosely: a misspelt one is ignored and the video is billed with defaults, so ours are read strictly and sent as fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from .parameters import PARAMETERS, spelled
from .violations import LazyMessage, Violation

#: A flag begins the prompt or follows white space; its value stands on the same line. What sticks to the name without
#: belonging to it (``--dur5``, ``--duration:``) is the tail, which no readable flag has.
_FLAG = re.compile(r"(?<!\S)--(?P<name>[A-Za-z_]+)(?P<tail>[^\s=]*)(?:(?:=|[^\S\n]++)(?P<value>(?!--)\S+))?")

#: How many unknown flags are reported; a prompt may be full of them.
MAX_UNKNOWN = 10

#: What every video of every model has; the provider reads the flag and nothing else.
_FRAMES_PER_SECOND = 24


@dataclass(frozen=True)
class Lifted:
    """A prompt and what was written into it."""

    #: Without the flags that became parameters.
    prompt: str
    #: By the provider's field names, typed as the fields are.
    parameters: dict[str, object] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)


#: The forms of a value that is no text.
_FORMS = {"integer": r"-?[0-9]{1,12}", "boolean": r"(?i:true|false)"}

#: Names of the frame rate. It has no field: its value is checked and dropped, and its problems are those of the prompt.
_RATE_NAMES = ("framespersecond", "fps")


@dataclass(frozen=True)
class _Flag:
    """One inline flag: the field its problems belong to, its names, and the form that its value has."""

    field: str
    names: tuple[str, ...]
    form: str
    example: str

    def read(self, value: str) -> object:
        """The value of a readable flag; texts are written in lower case."""
        if self.form == _FORMS["integer"]:
            return int(value)
        return value.lower() == "true" if self.form == _FORMS["boolean"] else value.lower()


def _flags() -> list[_Flag]:
    """The flags of the parameters in their order, and the frame rate."""
    inline = [parameter for parameter in PARAMETERS.values() if parameter.flags]
    return [
        *(_Flag(p.name, p.flags, _FORMS.get(p.kind, p.flag_pattern), spelled(p.examples[0])) for p in inline),
        _Flag("prompt", _RATE_NAMES, _FORMS["integer"], str(_FRAMES_PER_SECOND)),
    ]


def _by_name() -> dict[str, _Flag]:
    return {name: flag for flag in _flags() for name in flag.names}


def lift(prompt: str) -> Lifted:
    """Take the flags out of a prompt, in one pass over it.

    A known flag with a readable value becomes a parameter, wherever it stands. A known flag with an unreadable one, or
    given twice with different values, is an error on its field. Any other ``--word`` stays and is a warning. Each field
    gets each kind of error once, and of the unknown words the first ``MAX_UNKNOWN`` are reported.
    """
    parameters: dict[str, object] = {}
    violations: dict[tuple[str, str, str], Violation] = {}
    unknown: set[str] = set()
    kept, end, known = [], 0, _by_name()
    for match in _FLAG.finditer(prompt):
        flag = known.get(match["name"].lower())
        word = match["name"] + match["tail"]
        if flag is None and (word in unknown or len(unknown) == MAX_UNKNOWN):
            continue
        if flag is None:
            unknown.add(word)
        violation = _check_flag(match, flag, parameters)
        if violation is not None:
            violations.setdefault((violation.field, violation.code, word if flag is None else ""), violation)
        if flag is not None and _readable(flag, match):
            kept.append(prompt[end : match.start()].rstrip())
            end = match.end()
    kept.append(prompt[end:])
    return Lifted("".join(kept).strip(), parameters, list(violations.values()))


def recognised(prompt: str) -> Iterator[str]:
    """The known flags that still stand in a prompt, as they were typed, such as ``--dur``."""
    known = _by_name()
    for match in _FLAG.finditer(prompt):
        if match["name"].lower() in known:
            yield f"--{match['name']}"


def without_flags(prompt: str) -> str:
    """The words of a prompt that do not look like a flag, known or not."""
    return _FLAG.sub(" ", prompt).strip()


def lower(parameters: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """Write parameters as flags, for a host that documents no fields for them.

    Returns:
        The text to append to the prompt, such as ``--duration 5 --ratio 16:9`` (empty when there is nothing to say),
        and the parameters that have no inline form. ``None`` values are in neither.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    words = [f"--{flag.names[0]} {spelled(given.pop(flag.field))}" for flag in _flags() if flag.field in given]
    return " ".join(words), given


def _check_flag(match: re.Match[str], flag: _Flag | None, parameters: dict[str, object]) -> Violation | None:
    """Add the value of one flag to the parameters, or return what is wrong with it."""
    if flag is None:
        return _unknown((match["name"] + match["tail"])[:40])
    if not _readable(flag, match):
        return _unreadable(match, flag)
    value = flag.read(match["value"])
    if flag.names == _RATE_NAMES:
        return None if value == _FRAMES_PER_SECOND else _other_rate()
    earlier = parameters.setdefault(flag.field, value)
    return None if earlier == value else _contradiction(flag)


def _readable(flag: _Flag, match: re.Match[str]) -> bool:
    return not match["tail"] and match["value"] is not None and re.fullmatch(flag.form, match["value"]) is not None


def _unknown(name: str) -> Violation:
    names = ", ".join(f"--{flag.names[0]}" for flag in _flags())
    return Violation(
        "prompt",
        "unknown_flag",
        LazyMessage(_("--%(name)s is no inline flag; known are %(names)s."), {"name": name, "names": names}),
        LazyMessage(_("Remove it, or leave it if it is part of the description; the provider would not act on it.")),
        "warning",
    )


def _unreadable(match: re.Match[str], flag: _Flag) -> Violation:
    if match["tail"]:
        message = _("%(typed)s in the prompt runs a flag and something else together.")
    elif match["value"]:
        message = _("The flag --%(name)s in the prompt cannot be %(value)s.")
    else:
        message = _("The flag --%(name)s in the prompt has no value.")
    values = {
        "name": match["name"][:40],
        "value": (match["value"] or "")[:40],
        "typed": match[0][:40],
        "example": f"--{match['name']} {flag.example}",
    }
    hint = LazyMessage(_("Write for example %(example)s, or remove the flag."), values)
    return Violation(flag.field, "unreadable_flag", LazyMessage(message, values), hint)


def _contradiction(flag: _Flag) -> Violation:
    return Violation(
        flag.field,
        "conflicting_flags",
        LazyMessage(_("The prompt sets %(name)s twice, to different values."), {"name": flag.field}),
        LazyMessage(_("Keep one --%(name)s."), {"name": flag.names[0]}),
    )


def _other_rate() -> Violation:
    return Violation(
        "prompt",
        "frame_rate_fixed",
        LazyMessage(_("Every video has %(rate)s frames per second."), {"rate": _FRAMES_PER_SECOND}),
        LazyMessage(_("Leave the flag --%(name)s out."), {"name": _RATE_NAMES[0]}),
        "warning",
    )
