"""One request for one video, independent of database rows and of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

#: Role of a medium -> the kind of file it must be. The order is the one in which roles are offered.
MEDIA_ROLES: Mapping[str, str] = MappingProxyType(
    {
        "first_frame": "image",
        "last_frame": "image",
        "reference_image": "image",
        "reference_video": "video",
        "reference_audio": "audio",
    }
)

#: Roles that fix a frame of the output; they never mix with the reference roles.
FRAME_ROLES: frozenset[str] = frozenset({"first_frame", "last_frame"})


@dataclass(frozen=True)
class MediaFacts:
    """What was measured on an uploaded file. ``None``: it could not be measured."""

    #: Such as ``image/png``.
    mime: str
    #: File size.
    bytes: int
    #: Pixels; ``None`` for audio.
    width: int | None = None
    #: Pixels; ``None`` for audio.
    height: int | None = None
    #: Seconds; ``None`` for images.
    duration: float | None = None
    #: Video only.
    frames_per_second: float | None = None


@dataclass(frozen=True)
class MediaInput:
    """One image, video or audio that goes into a request."""

    #: A key of :data:`MEDIA_ROLES`; empty: no role was given.
    role: str
    #: ``http(s)://``, ``data:`` or ``asset://``; empty means an uploaded file.
    url: str = ""
    #: Known for uploaded files only.
    facts: MediaFacts | None = None

    @property
    def kind(self) -> str:
        """``image``, ``video`` or ``audio``; empty when the role is missing or unknown."""
        return MEDIA_ROLES.get(self.role, "")


@dataclass(frozen=True)
class Inputs:
    """One request for one video."""

    model_name: str
    prompt: str = ""
    media: tuple[MediaInput, ...] = ()
    #: Names of :data:`~seedance.catalogue.parameters.PARAMETERS` to values; ``None`` means unset.
    parameters: Mapping[str, object] = field(default_factory=dict)
    #: The provider task id of a draft, when this request turns that draft into its final video.
    draft_task_id: str = ""

    @property
    def mode(self) -> str:
        """The provider's word for what is asked: t2v, i2v, flf2v, r2v, or ``draft_final``.

        References win over frames and a last frame over a first one, so an impossible mixture still has an answer;
        the rules refuse the mixture itself.
        """
        roles = {medium.role for medium in self.media}
        if self.draft_task_id:
            return "draft_final"
        if any(role.startswith("reference_") for role in roles):
            return "r2v"
        if "last_frame" in roles:
            return "flf2v"
        return "i2v" if "first_frame" in roles else "t2v"

    def given(self) -> dict[str, object]:
        """The parameters that were set, without the ``None`` ones."""
        return {name: value for name, value in self.parameters.items() if value is not None}

    def media_of(self, kind: str) -> list[MediaInput]:
        """The media of one kind (``image``, ``video``, ``audio``), in order."""
        return [medium for medium in self.media if medium.kind == kind]
