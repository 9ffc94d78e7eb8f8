"""Continuation of a video: its last frame becomes the first frame of the next."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core.files.base import File
from django.utils.translation import gettext as _

from .. import intake
from ..catalogue import Violation
from ..exceptions import TransitionError
from ..media.stills import last_frame_file
from .event_text import EventText
from .media import MediaItem

if TYPE_CHECKING:
    from .task import GenerationTask

#: Either of these sets the length; giving one replaces both.
_LENGTH = frozenset({"duration", "frames"})

#: The violation of a ratio where only the given image can set it.
_RATIO_FOLLOWS = "ratio_follows_input"


def first_frame(task: "GenerationTask") -> dict[str, Any]:
    """The last frame of a stored video as a first frame, as a medium for ``intake.prepare``.

    Raises:
        TransitionError: the video is not stored, or no frame can be decoded from it.
    """
    return {"role": MediaItem.Role.FIRST_FRAME.value, "file": _last_frame(task)}


def note_of(task: "GenerationTask") -> str:
    """The text for the timeline of a task that continues this one."""
    return EventText("continues", task=str(task.pk))


def prepare(
    task: "GenerationTask",
    *,
    prompt: str | None = None,
    model_name: str = "",
    media: Sequence[Mapping[str, Any]] = (),
    draft_task_id: str = "",
    provider: str = "",
    metadata: Mapping[str, Any] | None = None,
    **parameters: object,
) -> intake.Order:
    """A request that begins with the last frame of a task's video; values that are not given are those of that task.

    A parameter of the old task that the rules refuse for the new one is left out, and a ratio that only the image
    may set becomes ``adaptive``; the note names both. Metadata are not copied. The frame comes after the given
    media, whose positions do not change.

    Raises:
        TransitionError: the video is not stored, or no frame can be decoded from it.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    inherited = dict(_inherited(task, given))
    request: dict[str, Any] = {
        "model_name": model_name or task.model_name,
        "prompt": task.prompt if prompt is None else prompt,
        "media": [*media, first_frame(task)],
        "draft_task_id": draft_task_id,
        "provider": provider or task.provider,
        "metadata": metadata,
    }
    prepared = intake.prepare(**request, parameters={**inherited, **given})
    changed = {
        violation.field: _instead(violation) for violation in prepared.violations if _is_outdated(violation, inherited)
    }
    if changed:
        prepared = intake.prepare(**request, parameters={**inherited, **changed, **given})
        return intake.Order(prepared, note=EventText("continues_changed", task=str(task.pk), names=", ".join(changed)))
    return intake.Order(prepared, note=note_of(task))


def _inherited(task: "GenerationTask", given: Mapping[str, object]) -> Iterator[tuple[str, Any]]:
    replaced = _LENGTH if _LENGTH & given.keys() else frozenset()
    for name, value in task.parameters.items():
        if name not in given and name not in replaced:
            yield name, value


def _is_outdated(violation: Violation, inherited: Mapping[str, object]) -> bool:
    """Whether a value of the old task is not valid with a first frame; for an endpoint id the rules only warn."""
    return violation.field in inherited and (violation.is_error or violation.code == _RATIO_FOLLOWS)


def _instead(violation: Violation) -> str | None:
    return "adaptive" if violation.code == _RATIO_FOLLOWS else None


def _last_frame(task: "GenerationTask") -> File:
    if not task.video:
        raise TransitionError(_("Only a task whose video is stored can be continued; this one has none."))
    try:
        frame = last_frame_file(task.video, task.last_frame, name=f"{task.pk}-last-frame.png")
    except FileNotFoundError:
        raise TransitionError(_("The storage no longer has the video of this task.")) from None
    if frame is None:
        raise TransitionError(
            _(
                "No frame can be taken from this video. Ask for return_last_frame next time, or have the extra "
                "“media” of django-seedance installed."
            )
        )
    return frame
