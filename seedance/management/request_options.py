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
from ..catalogue import PARAMETERS, Parameter, current_catalogue, host_of

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
    for parameter in PARAMETERS.values():
        _add_parameter(parameters, parameter)


def _add_parameter(group: Any, parameter: Parameter) -> None:
    option, text = f"--{parameter.name.replace('_', '-')}", str(parameter.help).replace("%", "%%")
    if parameter.kind == "boolean":
        group.add_argument(option, action=BooleanOptionalAction, default=None, help=text)
    elif parameter.kind == "integer":
        group.add_argument(option, type=int, metavar="N", help=text)
    elif parameter.kind == "list":
        group.add_argument(option, action="append", metavar="TYPE", help=text)
    else:
        group.add_argument(option, metavar="WORD", help=text)


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
            parameters={name: _value(parameter, options[name]) for name, parameter in PARAMETERS.items()},
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
    rows = current_catalogue().models_for(host_of(alias))
    return next((row.name for row in rows if row.state == "current"), "")


def _value(parameter: Parameter, given: Any) -> Any:
    """What an option says; the items of a list are named by their type."""
    return [{"type": name} for name in given] if parameter.kind == "list" and given else given


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
