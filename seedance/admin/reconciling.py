"""What a person says about a task of which nobody knows whether the provider has it.

Either the person brings the provider's id, which is then looked at, or confirms that the provider has none.
"""

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy


class FoundForm(forms.Form):
    """It is there, under this id."""

    provider_task_id = forms.CharField(
        label=gettext_lazy("Provider task id"),
        max_length=128,
        validators=[RegexValidator(r"^[\w.:-]+$", gettext_lazy("This does not look like an id of the provider."))],
    )


class AbsentForm(forms.Form):
    """It is not there, and may be sent again."""

    looked = forms.BooleanField(
        label=gettext_lazy("I looked in the provider's console: this task was not started."),
        error_messages={"required": gettext_lazy("Sending again could be paid twice. Confirm that you have looked.")},
    )
