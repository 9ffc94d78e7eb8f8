"""Compare a stored video with what was requested."""

from collections.abc import Iterator

from .. import intake
from ..catalogue.inputs import MediaFacts
from ..exceptions import ConfigurationError
from ..models import GenerationTask

#: Encoders round; a difference below this is none. Seconds.
SLACK = 0.5


def differences(task: GenerationTask, facts: MediaFacts | None) -> str:
    """How a video differs from what was requested, as text; ``""`` when it does not, or that is not known.

    Args:
        facts: what was measured of the file; ``None`` when nothing could be.
    """
    return "; ".join(_differences(task, facts)) if facts else ""


def _differences(task: GenerationTask, facts: MediaFacts) -> Iterator[str]:
    asked = task.duration if task.duration and task.duration > 0 else None
    if asked and facts.duration is not None and abs(facts.duration - asked) > SLACK:
        yield f"asked for {asked} s, got {facts.duration:.1f} s"
    size = _asked_size(task)
    if size and facts.width and facts.height and size != (facts.width, facts.height):
        yield f"asked for {size[0]}×{size[1]}, got {facts.width}×{facts.height}"


def _asked_size(task: GenerationTask) -> tuple[int, int] | None:
    """The exact size that follows from resolution and ratio; ``None`` where one of them was left to the model."""
    try:
        host = intake.host_of(task.provider)
    except ConfigurationError:
        return None  # the alias is no longer in the settings
    row = intake.current_catalogue().find(task.model_name, host)
    if row is None or not task.resolution or not task.ratio:
        return None
    return row.size(task.resolution, task.ratio)
