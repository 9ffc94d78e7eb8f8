"""The state of one check: the request, what it is compared with, and the violations found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext_lazy as _

from .host import Host
from .inputs import FRAME_ROLES, Inputs
from .loading import Catalogue
from .rows import ModelRow
from .violations import LazyMessage, Text, Violation

#: Mode -> its label.
MODE_LABELS = {
    "t2v": _("text to video"),
    "i2v": _("first frame"),
    "flf2v": _("first and last frame"),
    "r2v": _("references"),
    "draft_final": _("final video of a draft"),
}


@dataclass
class Review:
    """A request, the row it is compared with, and the violations found so far."""

    inputs: Inputs
    host: Host
    catalogue: Catalogue
    #: ``None`` when nothing is known about the model, so that only what holds for every model is checked.
    row: ModelRow | None = None
    #: ``False`` when the row is only the nearest one: its rules then only warn.
    certain: bool = True
    violations: list[Violation] = field(default_factory=list)

    def add_error(
        self, place: str, code: str, message: Text, hint: Text, suggest: Sequence[object] = (), **values: object
    ) -> None:
        """Add a violation that forbids sending.

        Args:
            suggest: the values that the hint proposes, which must pass the rules of ``place``; ``None``: leave it out.
            values: what message and hint mention.
        """
        self._note(place, code, message, hint, values, "error", suggest)

    def add_warning(self, place: str, code: str, message: Text, hint: Text, **values: object) -> None:
        """Add a violation that only warns."""
        self._note(place, code, message, hint, values, "warning")

    def add_model_error(
        self, place: str, code: str, message: Text, hint: Text, suggest: Sequence[object] = (), **values: object
    ) -> None:
        """Add an error, or only a warning when the model is not in the catalogue."""
        self._note(place, code, message, hint, values, "error" if self.certain else "warning", suggest)

    def trial(self, **changes: object) -> Review:
        """The same review of a request that differs in some fields of :class:`Inputs`, with no violations yet."""
        return replace(self, inputs=replace(self.inputs, **changes), violations=[])  # type: ignore[arg-type]

    @property
    def mode(self) -> str:
        """The mode the request is meant for."""
        return self.inputs.mode

    @property
    def mode_is_clear(self) -> bool:
        """Whether every medium has a role, and frames and references are not mixed."""
        roles = {medium.role for medium in self.inputs.media}
        return all(medium.kind for medium in self.inputs.media) and (roles <= FRAME_ROLES or not roles & FRAME_ROLES)

    @property
    def task_type(self) -> str:
        """The 2.5 task type that was asked for; ``auto`` when none was."""
        return str(self.inputs.parameters.get("omni_reference_task_type") or "auto")

    def _note(
        self,
        place: str,
        code: str,
        message: Text,
        hint: Text,
        values: dict[str, object],
        severity: str,
        suggest: Sequence[object] = (),
    ) -> None:
        wordings = LazyMessage(message, values), LazyMessage(hint, values)
        self.violations.append(Violation(place, code, *wordings, severity, tuple(suggest)))


def listed(words: Iterable[object]) -> str:
    """Values as a sentence lists them."""
    return ", ".join(str(word) for word in words)
