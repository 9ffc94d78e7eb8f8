"""The form for a task: what a person typed, judged by the same rules as every other door."""

import re
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.formsets import DELETION_FIELD_NAME
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf, intake
from ..catalogue.inputs import PARAMETERS
from ..catalogue.price import Estimate
from ..catalogue.violations import Violation
from ..exceptions import TransitionError
from ..models import GenerationTask, MediaItem, chaining
from ..models.after_commit import delete_after_commit
from ..models.manager import request_columns
from .choices import YES_NO, model_choices, offered
from .presentation import column_label

#: Names of the buttons besides *Save*.
SUBMIT_BUTTON = "_submit"
ESTIMATE_BUTTON = "_estimate"

#: Parameters with a closed list of words.
WORDS = ("ratio", "resolution", "service_tier", "output_format", "omni_reference_task_type")

#: The first name in a problem's path -> the field of the form, where the two differ.
_FIELD_OF = {"model": "model_choice", "model_name": "model_choice", "draft_task": "draft_task_id"}

_MADE_BEFORE = gettext_lazy(
    "This form was sent before and made the task %(task)s, without what you have changed since. To make another task "
    "of it, save once more."
)

_MEDIA_PATH = re.compile(r"media\[(\d+)\](?:\.(\w+))?")


class YesNoOrDefault(forms.NullBooleanSelect):
    """Yes, no, or what the model does when nobody says."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.choices = YES_NO


class MediaForm(forms.ModelForm):
    """One medium: a role, and an address or a file."""

    class Meta:
        model = MediaItem
        fields = ("role", "url", "file")
        # Not Django's "Currently: …" widget: it needs a public address, which not every storage has.
        widgets = {"url": AdminTextInputWidget(attrs={"class": "seedance-address"}), "file": forms.FileInput}


class MediaFormSet(forms.BaseInlineFormSet):
    """The media of one task.

    Django makes the formsets for the instance of the form, before either is validated; the formset leaves
    itself on that instance, so that ``TaskForm.clean`` can judge the request as a whole.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.admin_media = self
        #: What is wrong with the media as a whole.
        self.violations: list[str] = []

    def used_forms(self) -> list[forms.ModelForm]:
        """The rows that are filled in and stay, in order; ask only when every row is valid by itself."""
        return [
            form
            for form in self.forms
            if (form.has_changed() or form.instance.pk) and not form.cleaned_data.get(DELETION_FIELD_NAME)
        ]

    def given(self) -> list[dict[str, Any]]:
        """The media as ``intake.prepare`` takes them."""
        return [{name: form.cleaned_data.get(name) for name in ("role", "url", "file")} for form in self.used_forms()]

    def non_form_errors(self) -> forms.utils.ErrorList:
        """Django's own, and what the rules say about the media together."""
        errors = super().non_form_errors()
        errors.extend(violation for violation in self.violations if violation not in errors)
        return errors

    def save_existing(self, form: forms.ModelForm, obj: MediaItem, commit: bool = True) -> MediaItem:
        """Store a changed row; a file that was replaced goes."""
        if "file" in form.changed_data:
            delete_after_commit(form.initial.get("file"), using=obj._state.db)
        return super().save_existing(form, obj, commit=commit)

    def delete_existing(self, obj: MediaItem, commit: bool = True) -> None:
        """Delete a row together with its file."""
        delete_after_commit(obj.file, using=obj._state.db)
        super().delete_existing(obj, commit=commit)

    def save_new(self, form: forms.ModelForm, commit: bool = True) -> MediaItem:
        """Store a new row behind the ones there are."""
        rows = MediaItem.objects.filter(task=self.instance)
        last = rows.aggregate(last=models.Max("position"))["last"]
        form.instance.position = 0 if last is None else last + 1
        return super().save_new(form, commit=commit)


class TaskForm(forms.ModelForm):
    """A request for one video. Valid when ``intake.prepare`` finds no errors in it."""

    model_choice = forms.ChoiceField(label=gettext_lazy("Model"), required=False)
    #: What ``intake.prepare`` made of the input; ``None`` when something could not even be read.
    prepared: intake.Prepared | None = None
    #: The task whose last frame is the first of this one; the admin sets it on the class it makes for each request.
    continued: GenerationTask | None = None
    #: Why the site refused this request when it was to be stored; the admin sets it on the class, too.
    refused: ValidationError | None = None
    #: The task that this very form has made before; set like ``continued``.
    made_before: GenerationTask | None = None

    class Meta:
        model = GenerationTask
        fields = ("provider", "model_name", "prompt", "draft_task_id", "metadata", *PARAMETERS)
        widgets = {"prompt": AdminTextareaWidget(attrs={"rows": 5}), "model_name": AdminTextInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self._chosen_provider()
        self._offer_providers(chosen)
        # The choices of a provider that is not configured are nobody's; the field itself tells what is wrong with it.
        alias = chosen if chosen in conf.provider_aliases() else "default"
        self._offer_models(alias)
        self.fields["duration"].help_text = _("Seconds; -1 lets the model decide.")
        for name in WORDS:
            self._offer_words(alias, name)
        for name, field in self.fields.items():
            if isinstance(field, forms.NullBooleanField):
                self.fields[name].widget = YesNoOrDefault()

    @property
    def is_estimate(self) -> bool:
        """Whether only the price was asked for."""
        return ESTIMATE_BUTTON in self.data

    @property
    def accepted(self) -> intake.Prepared:
        """The prepared request of a valid form."""
        if self.prepared is None:
            raise ValueError("The form was not validated, or holds what cannot be read.")
        return self.prepared

    @property
    def estimate(self) -> Estimate | None:
        """What the request would cost; ``None`` while it has errors."""
        return None if self.prepared is None or self.prepared.errors else intake.estimate(self.prepared)

    def is_valid(self) -> bool:
        """Whether to save: never when only the price was asked for."""
        return super().is_valid() and not self.is_estimate

    def clean(self) -> dict[str, Any]:
        """Judge form and media together, and put every problem where it can be mended."""
        data = super().clean() or self.cleaned_data
        if self.made_before is not None and not self.is_estimate:
            self.add_error(None, _MADE_BEFORE % {"task": self.made_before.pk})
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
            # The frame stands behind the rows, whose positions stay what they are.
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
        """Nothing typed means an empty object."""
        return {} if (value := self.cleaned_data["metadata"]) is None else value

    @property
    def note(self) -> str:
        """A line for the timeline of a new task; empty for none."""
        return "" if self.continued is None else chaining.note_of(self.continued)

    def lifted_in_words(self) -> str:
        """What was typed as flags into the prompt and is a field now; empty when nothing was."""
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

    def _offer_words(self, alias: str, name: str) -> None:
        choices = offered(alias, name)
        current = self.initial.get(name)
        if current and current not in dict(choices):
            choices.append((current, current))
        self.fields[name] = forms.TypedChoiceField(
            label=self.fields[name].label, choices=choices, required=False, empty_value=None
        )
