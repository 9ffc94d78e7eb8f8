"""Tables for operators are as complete as the state machine."""

import pytest

from seedance import lifecycle
from seedance.admin.detail import possible_verbs
from seedance.admin.presentation import STATUS_STYLES, error_meaning
from seedance.models import Status
from seedance.models.status import UNCANCELLABLE


def test_every_status_has_a_style():
    assert set(STATUS_STYLES) == set(Status)


@pytest.mark.parametrize("status", Status)
def test_status_has_icon_colour_and_description(status):
    status_style = STATUS_STYLES[status]

    assert all([status_style.icon, status_style.color, str(status_style.description)])


@pytest.mark.parametrize("status", [status for status in Status if status not in UNCANCELLABLE])
def test_status_that_can_be_cancelled_is_accepted_by_the_row_too(make_task, provider, status):
    task = make_task(status=status)

    lifecycle.cancel(task, cause="test")

    assert "cancel_selected" in [verb.action for verb in possible_verbs(make_task(status=status))]


def test_error_code_is_explained_with_what_helps():
    assert "real person" in error_meaning("InputImageSensitiveContentDetected.PrivacyInformation")


def test_no_code_needs_no_explanation():
    assert error_meaning("") == ""
