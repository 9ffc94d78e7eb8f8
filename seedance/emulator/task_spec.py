"""A create request that passed: every default filled in, every choice made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .model_table import FRAMES_PER_SECOND, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """What will be made. Sizes are pixels, durations whole seconds."""

    model_id: str
    model: Model
    mode: str
    prompt: str
    resolution: str
    ratio: str
    #: None when `frames` was asked for instead.
    duration: int | None
    frames: int | None = None
    seed: int = -1
    camera_fixed: bool = False
    generate_audio: bool = True
    watermark: bool = False
    return_last_frame: bool = False
    service_tier: str = "default"
    execution_expires_after: int = 172800
    draft: bool = False
    draft_task_id: str = ""
    priority: int = 0
    output_format: str = "mp4"
    tools: tuple[dict[str, Any], ...] = ()
    safety_identifier: str = ""
    callback_url: str = ""
    #: Seconds of reference video that count as input.
    input_seconds: float = 0.0

    @property
    def width(self) -> int:
        return self.model.size(self.resolution, self.ratio)[0]

    @property
    def height(self) -> int:
        return self.model.size(self.resolution, self.ratio)[1]

    @property
    def frame_count(self) -> int:
        """Pictures in the file."""
        return self.frames or FRAMES_PER_SECOND * (self.duration or 0)

    @property
    def has_audio(self) -> bool:
        return self.model.audio and self.generate_audio

    @property
    def tokens(self) -> int:
        """Billed tokens: pixels of every frame by 1024, with one frame more than a duration holds."""
        billed = self.frames or FRAMES_PER_SECOND * ((self.duration or 0) + self.input_seconds) + 1
        tokens = math.floor(self.width * self.height * billed / 1024)
        if self.input_seconds:
            # Fewer are never billed with a given video. Source: the provider's price calculator.
            least = FRAMES_PER_SECOND * math.ceil(5 * (self.duration or 0) / 3)
            tokens = max(tokens, math.floor(self.width * self.height * least / 1024))
        if not self.draft:
            return tokens
        silent, with_audio = self.model.draft_factors
        return math.floor(tokens * (with_audio if self.has_audio else silent))
