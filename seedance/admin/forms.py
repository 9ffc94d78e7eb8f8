"""The form of a task, validated by the same rules as every entry point, and the forms that reconcile a task."""

import re
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminIntegerFieldWidget, AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf, intake
from ..catalogue import PARAMETERS, Estimate, Parameter, Violation
from ..exceptions import TransitionError
from ..models import GenerationTask, chaining
from ..models.manager import request_columns
from .choices import YES_NO, model_choices, offered
from .media import MediaFormSet
from .presentation import column_label

#: Names of the buttons besides *Save*.
SUBMIT_BUTTON = "_submit"
ESTIMATE_BUTTON = "_estimate"

#: First name in the path of a violation -> field of the form, where the two differ.
_FIELD_OF = {"model": "model_choice", "model_name": "model_choice", "draft_task": "draft_task_id"}

_SUBMITTED_BEFORE = gettext_lazy(
    "This form was sent before and made the task %(task)s, without what you have changed since. To make another task "
    "of it, save once more."
)

_MEDIA_PATH = re.compile(r"media\[(\d+)\](?:\.(\w+))?")


class YesNoOrDefault(forms.NullBooleanSelect):
    """Yes, no, or the model's default."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.choices = YES_NO


class TaskForm(forms.ModelForm):
    """A request for one video. Valid when ``intake.prepare`` finds no errors in it."""

    model_choice = forms.ChoiceField(label=gettext_lazy("Model"), required=False)
    #: The result of ``intake.prepare``; ``None`` when a field could not be parsed.
    prepared: intake.Prepared | None = None
    #: The task whose last frame is the first of this one. ``get_form`` sets it on the class, which is made per request.
    continued: GenerationTask | None = None
    #: Why the site refused to store this request; set like ``continued``.
    refused: ValidationError | None = None
    #: The task that this form has created before; set like ``continued``.
    earlier_task: GenerationTask | None = None

    class Meta:
        model = GenerationTask
        fields = ("provider", "model_name", "prompt", "draft_task_id", "metadata")
        widgets = {"prompt": AdminTextareaWidget(attrs={"rows": 5}), "model_name": AdminTextInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self._chosen_provider()
        self._offer_providers(chosen)
        # A provider that is not configured has no choices; the field itself reports the error.
        alias = chosen if chosen in conf.provider_aliases() else "default"
        self._offer_models(alias)
        for name, parameter in PARAMETERS.items():
            self.initial.setdefault(name, self.instance.parameters.get(name))
            self.fields[name] = self._parameter_field(alias, parameter)

    @property
    def is_estimate(self) -> bool:
        """Whether the *Estimate* button was pressed, which saves nothing."""
        return ESTIMATE_BUTTON in self.data

    @property
    def accepted(self) -> intake.Prepared:
        """The prepared request of a valid form."""
        if self.prepared is None:
            raise ValueError("The form was not validated, or a field could not be parsed.")
        return self.prepared

    @property
    def estimate(self) -> Estimate | None:
        """The estimated price of the request; ``None`` while it has errors."""
        return None if self.prepared is None or self.prepared.errors else intake.estimate(self.prepared)

    def is_valid(self) -> bool:
        """Whether to save; never for an estimate."""
        return super().is_valid() and not self.is_estimate

    def clean(self) -> dict[str, Any]:
        """Validate form and media together, and report each violation at its field."""
        data = super().clean() or self.cleaned_data
        if self.earlier_task is not None and not self.is_estimate:
            self.add_error(None, _SUBMITTED_BEFORE % {"task": self.earlier_task.pk})
        data["model_name"] = data.get("model_name") or data.get("model_choice", "")
        media: MediaFormSet | None = getattr(self.instance, "admin_media", None)
        if self.errors or (media is not None and not media.is_valid()):
            return data
        try:
            frames = [] if self.continued is None else [chaining.first_frame(self.continued)]
        except TransitionError as error:
            self.add_error(None, str(error))
            return data
        self.prepared = intake.prepare(
            model_name=data["model_name"],
            prompt=data["prompt"],
            # Last, so that the indexes in violations are those of the rows.
            media=[*(media.given() if media is not None else []), *frames],
            parameters={name: data.get(name) for name in PARAMETERS},
            draft_task_id=data.get("draft_task_id", ""),
            provider=data["provider"],
            metadata=data.get("metadata") or {},
        )
        for violation in self.prepared.errors:
            self._place(violation, media)
        if self.refused is not None:
            self._place_refusal(self.refused)
        return data

    def clean_metadata(self) -> Any:
        """An empty field means an empty object."""
        return {} if (value := self.cleaned_data["metadata"]) is None else value

    @property
    def note(self) -> str:
        """The note in the timeline of a new task; empty for none."""
        return "" if self.continued is None else chaining.note_of(self.continued)

    def describe_lifted(self) -> str:
        """The flags that were moved from the prompt into fields; empty for none."""
        lifted = self.prepared.lifted if self.prepared else {}
        values = ", ".join(f"{column_label(name)} {value}" for name, value in lifted.items())
        return _("Taken out of the prompt and into the fields: %(values)s.") % {"values": values} if values else ""

    def columns(self) -> dict[str, Any]:
        """What the prepared request writes into the row."""
        return request_columns(self.accepted)

    def _place(self, violation: Violation, media: MediaFormSet | None) -> None:
        match = _MEDIA_PATH.fullmatch(violation.field)
        if media is not None and (match or violation.field == "media"):
            self._place_on_media(violation, media, match)
        else:
            name = _FIELD_OF.get(violation.field, violation.field)
            self.add_error(name if name in self.fields else None, str(violation))

    def _place_refusal(self, refused: ValidationError) -> None:
        by_field = refused.error_dict if hasattr(refused, "error_dict") else {"": refused.error_list}
        for field, errors in by_field.items():
            name = _FIELD_OF.get(field, field)
            for error in errors:
                self.add_error(name if name in self.fields else None, error)

    def _place_on_media(self, violation: Violation, media: MediaFormSet, match: re.Match[str] | None) -> None:
        rows = media.used_forms()
        if match is None or int(match[1]) >= len(rows):
            media.violations.append(str(violation))
        else:
            row = rows[int(match[1])]
            row.add_error(match[2] if match[2] in row.fields else None, str(violation))

    def _chosen_provider(self) -> str:
        typed = self.data.get(self.add_prefix("provider")) if self.is_bound else self.initial.get("provider")
        return typed or self.instance.provider

    def _offer_providers(self, alias: str) -> None:
        aliases = conf.provider_aliases() or ["default"]
        is_settled = aliases == [alias]
        widget = forms.HiddenInput() if is_settled else forms.Select(choices=[(name, name) for name in aliases])
        self.fields["provider"] = forms.CharField(
            label=_("Provider"), widget=widget, initial=alias, help_text=_("Which configured provider makes the video.")
        )

    def _offer_models(self, alias: str) -> None:
        choices = model_choices(alias)
        self.fields["model_choice"].choices = choices  # type: ignore[attr-defined]
        self.fields["model_name"].required = False
        self.fields["model_name"].label = _("Other model id")
        self.fields["model_name"].help_text = _(
            "For what the list lacks, such as an endpoint id (ep-…). Wins over the list."
        )
        offered_names = {name for group in choices[1:] for name, _title in group[1]}
        if (current := self.initial.get("model_name")) in offered_names:
            self.initial.update(model_choice=current, model_name="")

    def _parameter_field(self, alias: str, parameter: Parameter) -> forms.Field:
        label = capfirst(parameter.label)
        common: dict[str, Any] = {"label": label, "help_text": parameter.help, "required": False}
        if parameter.kind == "integer":
            return forms.IntegerField(widget=AdminIntegerFieldWidget, **common)
        if parameter.kind == "boolean":
            return forms.NullBooleanField(widget=YesNoOrDefault, **common)
        if parameter.kind == "list":
            return forms.JSONField(widget=AdminTextareaWidget(attrs={"rows": 2}), **common)
        if parameter.words is None:
            return forms.CharField(
                max_length=parameter.max_length, widget=AdminTextInputWidget, empty_value=None, **common
            )
        choices = offered(alias, parameter)
        current = self.initial.get(parameter.name)
        if current and current not in dict(choices):
            choices.append((current, current))
        return forms.TypedChoiceField(choices=choices, empty_value=None, **common)


class LinkForm(forms.Form):
    """The operator found the task at the provider, under this id."""

    provider_task_id = forms.CharField(
        label=gettext_lazy("Provider task id"),
        max_length=128,
        validators=[RegexValidator(r"^[\w.:-]+$", gettext_lazy("This does not look like an id of the provider."))],
    )


class ResubmitForm(forms.Form):
    """The operator confirms that the provider does not have the task, so that it may be sent again."""

    confirmed = forms.BooleanField(
        label=gettext_lazy("I looked in the provider's console: this task was not started."),
        error_messages={"required": gettext_lazy("Sending again could be paid twice. Confirm that you have looked.")},
    )
