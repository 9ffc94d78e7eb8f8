"""The fields of request bodies. Each field is read by itself, so that all violations are reported."""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import SkipField, empty

from ..catalogue import PARAMETERS, Parameter, Violation
from ..intake import MAX_MEDIA
from .errors import refusal, violations_of

#: Codes of violations after which nothing of an object was read.
UNREAD = frozenset({"not_an_object", "too_many_names"})
#: Maximum number of names in an object; one with more is not read.
MAX_NAMES = 200
#: How many unknown names of an object are reported, and how many are compared with the known ones.
_MOST_UNKNOWN, _MOST_COMPARED = 10, 3
#: How much of a name is quoted in a response. Characters.
_LONGEST_NAME = 100

SAMPLE = {
    "prompt": "A paper boat drifts on a quiet lake at sunrise.",
    "model": "doubao-seedance-1-5-pro-251215",
    "duration": 5,
    "ratio": "16:9",
}


class TextField(serializers.CharField):
    """Text, unchanged. Numbers and booleans are not converted to text."""

    default_error_messages = {"invalid": _("This must be text.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"required": False, "allow_blank": True, "allow_null": True, "trim_whitespace": False, **kwargs}
        )

    def to_internal_value(self, data: Any) -> str:
        """The text itself; anything else is refused."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class StrictBooleanField(serializers.BooleanField):
    """``true`` or ``false``; no other word is converted."""

    default_error_messages = {"invalid": _("This must be true or false.")}

    def to_internal_value(self, data: Any) -> bool:
        """The value itself; anything else is refused."""
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(serializers.Field):
    """A JSON object with any content; ``intake`` validates it."""

    default_error_messages = {"invalid": _("This must be a JSON object.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The object itself; anything else is refused."""
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        """The object itself."""
        return value


class ParameterField(serializers.Field):
    """One parameter of the provider, taken as it is: the catalogue's rules check type and value."""

    default_error_messages = {"unstorable_text": _("This holds a NUL character or half a surrogate pair.")}

    def __init__(self, parameter: Parameter) -> None:
        super().__init__(required=False, allow_null=True, help_text=parameter.help)
        self.parameter = parameter

    def to_internal_value(self, data: Any) -> Any:
        """The value itself, unless no database can hold it."""
        # The rules only advise on models that they do not know, so they would let it pass.
        text = json.dumps(data, ensure_ascii=False, default=str)
        if "\\u0000" in text or text.encode(errors="replace").decode() != text:
            self.fail("unstorable_text")
        return data

    def to_representation(self, value: Any) -> Any:
        """The value itself."""
        return value


class ParameterSchema(OpenApiSerializerFieldExtension):
    """Type and bounds of a parameter in the API reference."""

    target_class = ParameterField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """The schema of the parameter's entry."""
        schema: dict[str, Any] = self.target.parameter.schema
        return schema


class RequestSerializer(serializers.Serializer):
    """A body that is read field by field, so that one invalid field does not hide the others."""

    def read(self, given: object, path: str = "") -> tuple[dict[str, Any], list[Violation]]:
        """The valid fields, and a violation for each invalid field and each unknown name.

        Args:
            path: the path of this object in the whole body, such as ``media[0]``.
        """
        if not isinstance(given, Mapping):
            return {}, [
                refusal(path, "not_an_object", _("This must be a JSON object."), _("Send an object, as in {…}."))
            ]
        if len(given) > MAX_NAMES:
            message = _("An object may have %(most)s names here; this one has %(count)s.")
            hint = _("Leave out what is not needed.")
            return {}, [refusal(path, "too_many_names", message, hint, most=MAX_NAMES, count=len(given))]
        values: dict[str, Any] = {}
        violations = list(_unknown(given, self.fields, path))
        for name, field in self.fields.items():
            try:
                values[name] = field.run_validation(given.get(name, empty))
            except SkipField:
                continue
            except serializers.ValidationError as error:
                violations += violations_of(error.detail, f"{path}.{name}" if path else name)
        return values, violations


@extend_schema_serializer(component_name="VideoTaskMediaBody")
class MediaRequestSerializer(RequestSerializer):
    """One image, video or sound: a role, and either an address or a file."""

    role = TextField(help_text="first_frame, last_frame, reference_image, reference_video or reference_audio.")
    url = TextField(help_text="http(s), data: or asset:// address. Either this or a file.")
    file = serializers.FileField(
        required=False,
        allow_null=True,
        max_length=None,
        help_text="A file part of a multipart request: its name, or the part itself. Either this or an address.",
    )


@extend_schema_field(MediaRequestSerializer(many=True))
class MediaListField(serializers.ListField):
    """Media; each is read by itself later, so that violations have a path."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """The items; one more than allowed is enough to show that there are too many."""
        return list(super().to_internal_value(data[: MAX_MEDIA + 1] if isinstance(data, list) else data))


@extend_schema_serializer(
    component_name="VideoTaskBody",
    examples=[
        OpenApiExample("Text to video", value=SAMPLE, request_only=True),
        OpenApiExample(
            "First frame",
            value={**SAMPLE, "media": [{"role": "first_frame", "url": "https://example.com/boat.png"}]},
            request_only=True,
        ),
        OpenApiExample(
            "Next shot",
            value={"continue_from": "019ab3c1-5d2e-7c41-9b7e-3f0a6f2d8c11", "prompt": "The boat reaches the shore."},
            request_only=True,
        ),
    ],
)
class TaskRequestSerializer(RequestSerializer):
    """A request for one video."""

    prompt = TextField(help_text="What should be seen. Inline flags such as --ratio 16:9 are lifted out of it.")
    model = TextField(help_text="The provider's id of the model; models/ lists them.")
    media = MediaListField(required=False, allow_null=True, help_text="Images, videos and sounds, in order.")
    continue_from = TextField(
        help_text=(
            "Our id of a task whose video is stored: its last frame becomes the first frame, and model, prompt, "
            "provider and parameters are those of that task where this body gives none. No frames in media then, and "
            "not in a batch."
        )
    )
    draft_task = TextField(
        help_text="Our id of a draft of yours that has succeeded; this request makes its final video."
    )
    provider = TextField(help_text='Which of the site\'s providers makes it; "default" if nothing is said.')
    metadata = ObjectField(
        required=False, allow_null=True, help_text="Yours, up to 16 KiB of JSON: kept, filtered by, given back."
    )
    submit = StrictBooleanField(required=False, default=True, help_text="False: only keep it, to be submitted later.")

    def get_fields(self) -> dict[str, serializers.Field]:
        """The fields above, and one for each parameter."""
        return {**super().get_fields(), **{name: ParameterField(entry) for name, entry in PARAMETERS.items()}}


@extend_schema_field(TaskRequestSerializer(many=True))
class TaskListField(serializers.ListField):
    """Requests; each is read by itself later, so that violations have a path."""


@extend_schema_serializer(
    component_name="VideoTaskBatchBody",
    examples=[
        OpenApiExample("Two seeds", value={"tasks": [{**SAMPLE, "seed": 1}, {**SAMPLE, "seed": 2}]}, request_only=True)
    ],
)
class BatchRequestSerializer(RequestSerializer):
    """Many requests at once."""

    tasks = TaskListField(help_text="Bodies as for one task, 1 to 100 of them.")


#: Content types of a body, for ``extend_schema(request=…)``.
CONTENT = {"application/json": TaskRequestSerializer, "multipart/form-data": TaskRequestSerializer}
BATCH_CONTENT = {"application/json": BatchRequestSerializer}


def _unknown(given: Mapping[str, Any], known: Mapping[str, Any], path: str) -> Iterator[Violation]:
    unknown = [str(name)[:_LONGEST_NAME] for name in given if name not in known]
    for position, name in enumerate(unknown[:_MOST_UNKNOWN]):
        near = get_close_matches(name, known, n=1) if position < _MOST_COMPARED else []
        hint = _("Write %(near)s, or leave it out.") if near else _("Leave it out.")
        if not near and position == 0:
            hint = _("Leave it out; the fields are %(known)s.")
        yield refusal(
            f"{path}.{name}" if path else name,
            "unknown_field",
            _("There is no field %(name)s."),
            hint,
            name=name,
            near=near[0] if near else "",
            known=", ".join(known),
        )
    if (left := len(unknown) - _MOST_UNKNOWN) > 0:
        message = _("There are %(count)s more names that are no fields.")
        yield refusal(path, "unknown_field", message, _("Leave them out."), count=left)
