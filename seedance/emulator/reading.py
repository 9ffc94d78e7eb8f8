"""One create body, parameter by parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .content import Content, check_media, check_mode
from .errors import ApiError, invalid
from .model_table import ADAPTIVE, RATIOS, Model, closest_ratio
from .prompt import read_flags
from .task_spec import TaskSpec
from .validation_context import ValidationContext

#: What the model settles on when asked to choose a duration itself, in seconds.
_CHOSEN_DURATION = {True: 10, False: 5}


class Reading:
    """One create body being read, parameter by parameter, in the order in which the service complains."""

    def __init__(
        self, model_id: str, model: Model, fields: Mapping[str, Any], content: Content, context: ValidationContext
    ) -> None:
        self.model_id = model_id
        self.model = model
        self.fields = fields
        self.content = content
        self.context = context
        self.flags = read_flags(content.prompt)
        self.name = model_id.rsplit("-", 1)[0]

    def spec(self) -> TaskSpec:
        check_mode(self.content, self.model, self.name)
        task_type = self._task_type()
        ratio = self._ratio(task_type)
        flagged = self._flagged_duration()
        resolution = self._resolution()
        self._check_camera()
        frames = self._frames()
        duration = None if frames else self._duration(flagged, task_type)
        output_format = self._output_format()
        self._check_terms()
        check_media(self.content, self.context.inputs)
        return TaskSpec(
            model_id=self.model_id,
            model=self.model,
            mode=self.content.mode,
            prompt=self.content.prompt,
            resolution=resolution,
            ratio=self._resolved(ratio),
            duration=duration,
            frames=frames,
            seed=self._value("seed", -1),
            camera_fixed=self._value("camera_fixed", False),
            generate_audio=self._value("generate_audio", True),
            watermark=self._value("watermark", False),
            return_last_frame=self._value("return_last_frame", False),
            service_tier=self._value("service_tier", "default"),
            execution_expires_after=self._value("execution_expires_after", 172800),
            draft=self._value("draft", False),
            priority=self._value("priority", 0),
            output_format=output_format,
            tools=tuple(tool for tool in self._value("tools", []) if isinstance(tool, dict)),
            safety_identifier=self._value("safety_identifier", ""),
            callback_url=self._value("callback_url", ""),
            input_seconds=self.content.count("video") * self.context.reference_video_seconds,
        )

    def _value(self, name: str, default: Any) -> Any:
        """A body field, else the inline flag, else the default."""
        return self.fields.get(name, self.flags.get(name, default))

    def _refuse(self, name: str, param: str = "", detail: str = "is not valid") -> ApiError:
        return invalid(
            f"the parameter {name} specified in the request {detail} for model {self.name} in {self.content.mode}",
            param or name,
        )

    def _task_type(self) -> str:
        value = self._value("omni_reference_task_type", "auto") if self.model.omni else "auto"
        if value not in ("auto", "reference", "edit", "extend"):
            raise self._refuse("omni_reference_task_type")
        if value in ("edit", "extend") and not self.content.count("video"):
            raise invalid(
                f"The task is determined as video {value}. Issues: a reference video is required",
                "omni_reference_task_type",
                "InvalidParameter.TaskTypeConstraint",
            )
        return str(value)

    def _ratio(self, task_type: str) -> str:
        """The ratio as asked, which may be `adaptive`. A wrong inline flag is ignored, a wrong field is not."""
        given = self.fields.get("ratio")
        if given is None and self.flags.get("ratio") in (*RATIOS, ADAPTIVE):
            given = self.flags["ratio"]
        if given is None:
            return self._default_ratio()
        if given not in (*RATIOS, ADAPTIVE):
            raise self._refuse("ratio")
        if given == ADAPTIVE and self.content.mode == "t2v" and not self.model.adaptive_for_text:
            raise self._refuse("ratio")
        if given != ADAPTIVE and self.model.omni and self.content.mode in ("i2v", "flf2v"):
            raise invalid(
                "For first-frame or first-last-frame generation, the output ratio follows the first-frame image",
                "ratio",
            )
        if given != ADAPTIVE and task_type in ("edit", "extend"):
            raise self._edit_rule(task_type, "ratio must be adaptive", "ratio")
        return str(given)

    def _default_ratio(self) -> str:
        if self.content.mode in ("t2v", "r2v") and not self.model.adaptive_for_text:
            return "16:9"
        return ADAPTIVE

    def _resolved(self, ratio: str) -> str:
        if ratio != ADAPTIVE:
            return ratio
        return closest_ratio(*self.content.first_size) if self.content.first_size else "16:9"

    def _edit_rule(self, task_type: str, issue: str, param: str) -> ApiError:
        kind = {"edit": "editing", "extend": "extension"}[task_type]
        return invalid(
            f"The task is determined as video {kind}. Issues: {issue}", param, "InvalidParameter.TaskTypeConstraint"
        )

    def _resolution(self) -> str:
        in_field = "resolution" in self.fields
        draft = self.fields.get("draft", False)
        given = self._value("resolution", "480p" if draft else self.model.default_resolution)
        name = given.lower() if given == "4K" else given
        # The smallest reference model loses its largest picture in reference mode.
        too_large = name == "1080p" and self.content.mode == "r2v" and not self.model.reference_media
        if name not in self.model.resolutions or too_large:
            raise self._refuse("resolution", "resolution" if in_field else "contents[0].text.resolution")
        if draft and name != "480p":
            raise invalid("the parameter resolution specified in the request is not valid: draft requires 480p")
        return str(name)

    def _check_camera(self) -> None:
        asked = self.fields.get("camera_fixed", False)
        if asked and (not self.model.camera_fixed or self.content.mode == "r2v"):
            raise self._refuse("camera_fixed")

    def _frames(self) -> int | None:
        if not self.model.frames:
            return None
        frames = self._value("frames", None)
        if frames is None:
            return None
        if not 29 <= frames <= 289 or (frames - 25) % 4:
            raise self._refuse("frames", "frames" if "frames" in self.fields else "contents[0].text.frames")
        return int(frames)

    def _flagged_duration(self) -> int | None:
        """The inline duration, judged before everything else that a prompt can say."""
        if "duration" in self.fields or "duration" not in self.flags:
            return None
        value = self.flags["duration"]
        if not isinstance(value, int):
            raise self._refuse("duration", "contents[0].text.duration")
        self._check_duration(value, "contents[0].text.duration")
        return value

    def _duration(self, flagged: int | None, task_type: str) -> int:
        value = self.fields.get("duration", flagged)
        if value is None:
            value = -1 if task_type == "edit" else self.model.default_duration
        self._check_duration(value, "duration")
        if task_type == "edit" and value != -1:
            raise self._edit_rule(task_type, "duration must be -1", "duration")
        return _CHOSEN_DURATION[self.model.omni] if value == -1 else int(value)

    def _check_duration(self, value: int, param: str) -> None:
        if value == -1 and self.model.auto_duration:
            return
        if value > self.model.longest:
            raise self._refuse("duration", param, f"must be less than or equal to {self.model.longest}")
        if value < 1:
            raise self._refuse("duration", param)
        if value < self.model.shortest:
            raise self._refuse("duration", param, f"must be greater than or equal to {self.model.shortest}")

    def _output_format(self) -> str:
        value = self._value("output_format", "mp4")
        if value != "mp4" and not (value == "mov" and self.model.omni):
            raise self._refuse("output_format")
        return str(value)

    def _check_terms(self) -> None:
        expires = self.fields.get("execution_expires_after", 172800)
        if not 3600 <= expires <= 259200:
            raise self._refuse("execution_expires_after")
        if not self.fields.get("draft", False):
            return
        if not self.model.draft:
            raise invalid(
                f"the parameter draft is not supported for model {self.name}",
                "draft",
                "InvalidParameter.UnsupportedParameter",
            )
        for name, wrong in (("return_last_frame", True), ("service_tier", "flex")):
            if self.fields.get(name) == wrong:
                raise invalid(f"the parameter {name} specified in the request is not valid in draft mode", name)
