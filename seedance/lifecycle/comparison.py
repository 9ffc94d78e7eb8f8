"""Compare a stored video with what was requested."""

from collections.abc import Iterator

from ..catalogue import MediaFacts, current_catalogue, host_of
from ..exceptions import ConfigurationError
from ..models import EventText, GenerationTask

#: Encoders round; a difference below this is none. Seconds.
SLACK = 0.5


def differences(task: GenerationTask, facts: MediaFacts | None) -> str:
    """How a video differs from what was requested, as text; ``""`` when it does not, or that is not known.

    Args:
        facts: what was measured of the file; ``None`` when nothing could be.
    """
    found = list(_differences(task, facts)) if facts else []
    return EventText("both", first=found[0], second=found[1]) if len(found) == 2 else next(iter(found), "")


def _differences(task: GenerationTask, facts: MediaFacts) -> Iterator[EventText]:
    asked = task.parameters.get("duration") or 0
    if asked > 0 and facts.duration is not None and abs(facts.duration - asked) > SLACK:
        yield EventText("length_differs", asked=asked, got=f"{facts.duration:.1f}")
    size = _asked_size(task)
    if size and facts.width and facts.height and size != (facts.width, facts.height):
        yield EventText("size_differs", asked=f"{size[0]}×{size[1]}", got=f"{facts.width}×{facts.height}")


def _asked_size(task: GenerationTask) -> tuple[int, int] | None:
    """The exact size that follows from resolution and ratio; ``None`` where one of them was left to the model."""
    try:
        host = host_of(task.provider)
    except ConfigurationError:
        return None  # the alias left the settings since
    row = current_catalogue().find(task.model_name, host)
    resolution, ratio = task.parameters.get("resolution"), task.parameters.get("ratio")
    return row.size(resolution, ratio) if row and resolution and ratio else None
