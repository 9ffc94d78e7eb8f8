"""A request for a video, spelled as command line options. Shared by the commands that take one."""

from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from .. import conf, intake
from ..catalogue.parameters import PARAMETERS

#: Parameter -> how its option is read. What is not here is text.
_NUMBERS = frozenset({"duration", "frames", "seed", "priority", "execution_expires_after"})
_SWITCHES = frozenset({"camera_fixed", "watermark", "generate_audio", "return_last_frame", "draft"})
_HELP = {
    "duration": "Seconds; -1 lets the model decide, which also decides the price.",
    "ratio": "Such as 16:9, or adaptive.",
    "resolution": "480p, 720p, 1080p or 4k.",
    "frames": "Number of pictures, instead of a duration.",
    "seed": "-1 for a random one.",
    "camera_fixed": "Keep the camera still.",
    "watermark": "Print an “AI generated” mark.",
    "generate_audio": "Make sound as well.",
    "return_last_frame": "Keep the last frame as an image.",
    "draft": "A low-cost preview.",
    "service_tier": "default, or flex: cheaper and slower.",
    "priority": "0 to 9, higher first.",
    "execution_expires_after": "Seconds after which the provider gives up.",
    "safety_identifier": "Stable pseudonym of the end user.",
    "tools": 'JSON list, such as \'[{"type": "web_search"}]\'.',
    "output_format": "mp4 or mov.",
    "omni_reference_task_type": "auto, reference, edit or extend.",
}
#: Option -> role of what it names.
_MEDIA = {
    "--last-image": "last_frame",
    "--reference-image": "reference_image",
    "--reference-video": "reference_video",
    "--reference-audio": "reference_audio",
}
_ADDRESSES = ("http://", "https://", "data:", "asset://")


def add_request_arguments(parser: ArgumentParser) -> None:
    """Model, provider, media, and every parameter under the provider's name with dashes for underscores."""
    parser.add_argument("--model", metavar="ID", help="The provider's id of the model; default: the best current one.")
    parser.add_argument("--provider", default="default", metavar="ALIAS", help="An alias of PROVIDERS.")
    parser.add_argument(
        "--draft-task", default="", metavar="ID", help="Provider id of a draft to make in full quality."
    )
    media = parser.add_argument_group("media, each an address or a file; may be given several times")
    media.add_argument("--image", action="append", default=[], metavar="URL|FILE", help="First frame, then last frame.")
    for option, role in _MEDIA.items():
        text = role.replace("_", " ").capitalize()
        media.add_argument(option, action="append", default=[], metavar="URL|FILE", dest=role, help=f"{text}.")
    parameters = parser.add_argument_group("parameters; what is left out is the model's default")
    for name in PARAMETERS:
        _add_parameter(parameters, name)


def _add_parameter(group: Any, name: str) -> None:
    option = f"--{name.replace('_', '-')}"
    if name in _SWITCHES:
        group.add_argument(option, action=BooleanOptionalAction, default=None, help=_HELP[name])
    elif name in _NUMBERS:
        group.add_argument(option, type=int, metavar="N", help=_HELP[name])
    else:
        group.add_argument(option, action="append" if name == "tools" else "store", metavar="WORD", help=_HELP[name])


@contextmanager
def prepared(prompt: str, options: Mapping[str, Any]) -> Iterator[intake.Prepared]:
    """The request that the options spell, without errors; its files are open as long as the ``with`` block.

    Raises:
        CommandError: with every problem on a line of its own, field first.
    """
    alias = options["provider"]
    with ExitStack() as files:
        request = intake.prepare(
            prompt=prompt,
            model_name=options["model"] or default_model(alias),
            media=[_medium(role, text, files) for role, text in _media(options)],
            parameters={**{name: options[name] for name in PARAMETERS}, "tools": _tools(options["tools"])},
            draft_task_id=options["draft_task"],
            provider=alias,
        )
        if request.errors:
            lines = "\n".join(f"{violation.field}: {violation}" for violation in request.errors)
            raise CommandError(_("This request cannot be sent:\n%(problems)s") % {"problems": lines})
        yield request


def default_model(alias: str) -> str:
    """The first current model that the catalogue has for a provider; empty when it has none."""
    if alias not in conf.provider_aliases():
        return ""  # the rules say that there is no such provider
    rows = intake.current_catalogue().models_for(intake.host_of(alias))
    return next((row.name for row in rows if row.state == "current"), "")


def _tools(names: list[str] | None) -> list[dict[str, str]] | None:
    return [{"type": name} for name in names] if names else None


def _media(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    frames = [("first_frame" if number == 0 else "last_frame", text) for number, text in enumerate(options["image"])]
    return frames + [(role, text) for role in _MEDIA.values() for text in options[role]]


def _medium(role: str, text: str, files: ExitStack) -> dict[str, Any]:
    if text.startswith(_ADDRESSES):
        return {"role": role, "url": text}
    path = Path(text)
    try:
        return {"role": role, "file": File(files.enter_context(path.open("rb")), name=path.name)}
    except OSError as exc:
        raise CommandError(_("%(path)s cannot be read: %(reason)s") % {"path": text, "reason": exc.strerror}) from exc
