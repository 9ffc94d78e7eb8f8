"""The parameters of a request, one entry each. Everything that lists or describes parameters reads this table.

Storage, type checks, simple ranges, inline flags, the REST body, multipart, the admin form, command options, the
OpenAPI schema and the table in docs/catalogue.md follow from an entry. What one model accepts stands in
``models.toml``.

Source: the provider's page of the create call; ``verified`` in ``models.toml`` says when it was read for each model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.utils.translation import gettext_lazy as _

from .violations import Text

if TYPE_CHECKING:
    from .rows import ModelRow

#: Largest absolute value of a number whose range only the model knows, and longest text of such a word, in characters.
LARGEST_NUMBER, LONGEST_WORD = 2**15 - 1, 16


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name at the provider, its type, its bounds for every model, and how people read it."""

    name: str
    #: Its type in JSON.
    kind: Literal["integer", "boolean", "text", "list"]
    #: Heading of the form field.
    label: Text
    #: One sentence for the form, the command line and the API reference.
    help: Text
    #: Values that a hint may propose, the best first; the first that a request can have is used.
    examples: tuple[Any, ...]
    #: Range of a number for every model; ``None``: the model decides.
    minimum: int | None = None
    maximum: int | None = None
    step: int = 1
    #: Characters of a text.
    max_length: int = LONGEST_WORD
    #: The words that one model offers; ``None``: any text.
    words: Callable[[ModelRow], Iterable[str]] | None = None
    #: Names of the inline prompt flag, the one to write first; empty: no inline form.
    flags: tuple[str, ...] = ()
    #: Pattern of the flag's value, for a text.
    flag_pattern: str = ""
    #: Whether the final video of a draft may set it; it inherits everything else.
    free_on_final: bool = False
    #: Whether the form of the ``openai_video`` dialect has a field for it.
    in_video_form: bool = False
    #: Whether the admin form shows it without opening *More parameters*.
    is_common: bool = False

    @property
    def range(self) -> range | None:
        """The numbers that are valid for every model; ``None`` when the model decides."""
        if self.minimum is None or self.maximum is None:
            return None
        return range(self.minimum, self.maximum + 1, self.step)

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema in OpenAPI 3.0."""
        schema: dict[str, Any] = {"type": "string" if self.kind == "text" else self.kind, "nullable": True}
        if self.kind == "integer" and self.range is not None:
            schema = {"type": "integer", "minimum": self.minimum, "maximum": self.maximum, "nullable": True}
        if self.kind == "text":
            schema["maxLength"] = self.max_length
        if self.kind == "list":
            schema = {"type": "array", "items": {"type": "object", "additionalProperties": {}}, "nullable": True}
        return schema


#: Name -> parameter, in the order in which people read them. Read it at the time of use, so that an entry is enough.
PARAMETERS: dict[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            "duration",
            "integer",
            _("duration"),
            _("Seconds; -1 lets the model decide, where it can."),
            (5, -1),
            flags=("duration", "dur"),
            in_video_form=True,
            is_common=True,
        ),
        Parameter(
            "ratio",
            "text",
            _("ratio"),
            _("Such as 16:9; adaptive follows the input, where the model can."),
            ("16:9", "adaptive"),
            words=lambda row: (*row.limits.ratios, *(("adaptive",) if row.capabilities.adaptive else ())),
            flags=("ratio", "rt"),
            flag_pattern=r"[0-9]+:[0-9]+|adaptive",
            in_video_form=True,
            is_common=True,
        ),
        Parameter(
            "resolution",
            "text",
            _("resolution"),
            _("Such as 720p."),
            ("720p", "480p", "1080p"),
            words=lambda row: row.limits.resolutions,
            flags=("resolution", "rs"),
            flag_pattern=r"[0-9]+[pPkK]",
            free_on_final=True,
            in_video_form=True,
            is_common=True,
        ),
        Parameter(
            "frames",
            "integer",
            _("frames"),
            _("Instead of a duration: 29, 33, … 289."),
            (121,),
            minimum=29,
            maximum=289,
            step=4,  # whole groups of four behind the first 25
            flags=("frames",),
        ),
        Parameter(
            "seed",
            "integer",
            _("seed"),
            _("The same seed gives a similar video; -1 is a random one."),
            (42,),
            minimum=-1,
            maximum=2**31 - 1,
            flags=("seed",),
            is_common=True,
        ),
        Parameter(
            "camera_fixed",
            "boolean",
            _("fixed camera"),
            _("Keep the camera still."),
            (True,),
            flags=("camerafixed", "cf"),
        ),
        Parameter(
            "watermark",
            "boolean",
            _("watermark"),
            _("Put the provider's mark on the video."),
            (True,),
            flags=("watermark", "wm"),
            free_on_final=True,
        ),
        Parameter(
            "generate_audio",
            "boolean",
            _("audio"),
            _("Make sound, too; it costs more."),
            (False,),
            is_common=True,
        ),
        Parameter(
            "return_last_frame",
            "boolean",
            _("return last frame"),
            _("Return the last frame as an image, to continue from."),
            (True,),
            free_on_final=True,
        ),
        Parameter("draft", "boolean", _("draft"), _("A low-cost preview."), (True,)),
        Parameter(
            "service_tier",
            "text",
            _("service tier"),
            _("default, or flex: cheaper and later."),
            ("default",),
            words=lambda row: row.capabilities.service_tiers,
            free_on_final=True,
        ),
        Parameter(
            "priority",
            "integer",
            _("priority"),
            _("0 to 9; higher goes first in the provider's queue."),
            (0,),
            minimum=0,
            maximum=9,
        ),
        Parameter(
            "execution_expires_after",
            "integer",
            _("expires after"),
            _("Seconds after which the provider gives up."),
            (172_800,),
            minimum=3600,
            maximum=259_200,
            free_on_final=True,
        ),
        Parameter(
            "safety_identifier",
            "text",
            _("safety identifier"),
            _("A hash of your end user, for the provider's abuse checks."),
            ("user-7f3a",),
            max_length=64,
            free_on_final=True,
        ),
        Parameter("tools", "list", _("tools"), _('Such as [{"type": "web_search"}].'), ([{"type": "web_search"}],)),
        Parameter(
            "output_format",
            "text",
            _("output format"),
            _("mp4 or mov, where the model has both."),
            ("mp4",),
            max_length=8,
            words=lambda row: row.capabilities.output_formats,
        ),
        Parameter(
            "omni_reference_task_type",
            "text",
            _("task type"),
            _("auto, reference, edit or extend, where the model has them."),
            ("auto",),
            words=lambda row: row.capabilities.task_types,
        ),
    )
}


def markdown_table() -> str:
    """The table of docs/catalogue.md; ``tests/test_docs.py`` compares the two."""
    lines = ["| parameter | type | bounds | inline flag | meaning |", "|---|---|---|---|---|"]
    for parameter in PARAMETERS.values():
        flags = ", ".join(f"`--{name}`" for name in parameter.flags)
        meaning = str(parameter.help).replace("|", "\\|")
        lines.append(f"| `{parameter.name}` | {parameter.kind} | {_bounds(parameter)} | {flags} | {meaning} |")
    return "\n".join(lines)


def _bounds(parameter: Parameter) -> str:
    if parameter.range is not None:
        step = f" in steps of {parameter.step}" if parameter.step > 1 else ""
        return f"{parameter.minimum} to {parameter.maximum}{step}"
    if parameter.words is not None or parameter.kind == "integer":
        return "the model's"
    return f"{parameter.max_length} characters" if parameter.kind == "text" else ""


def spelled(value: object) -> str:
    """A value as an inline flag or a JSON hint has it."""
    return value if isinstance(value, str) else json.dumps(value)
