"""Every page opens in every state, for users with few permissions, and with hostile text in every column."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.files.base import ContentFile
from django.utils import timezone

from seedance.admin.detail import Compared
from seedance.models import Account, Callback, GenerationTask, ModelPause, Status, TaskEvent

from .conftest import messages_of, page

TOO_LATE = "The task was sent after this form was opened"

HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("name", ["change", "history", "delete"])
def test_page_of_a_task_opens_in_every_status(operator, make_task, status, name):
    task = make_task(status=status)

    response = operator.get(page(name, task.pk))

    assert response.status_code == 200


@pytest.mark.parametrize("name", ["changelist", "add"])
def test_page_without_a_task_opens(operator, db, name):
    assert operator.get(page(name)).status_code == 200


def test_registered_models_are_the_ones_for_operators():
    registered = {model for model in apps.get_app_config("seedance").get_models() if admin.site.is_registered(model)}

    assert registered == {GenerationTask, Account, ModelPause, Callback}


@pytest.mark.parametrize("status", [Status.NEW, Status.FAILED])
def test_page_escapes_words_from_outside(operator, make_task, status):
    task = make_task(
        status=status,
        prompt=HOSTILE,
        model_name=HOSTILE,
        error_code=HOSTILE,
        error_message=HOSTILE,
        attention="unknown_status",
        attention_detail=HOSTILE,
        raw={"x": HOSTILE},
        result={HOSTILE: HOSTILE},
        video_url=HOSTILE,
        request_id=HOSTILE,
    )
    task.media.create(role="first_frame", url=HOSTILE)
    task.note(TaskEvent.What.NOTE, detail=HOSTILE, actor=HOSTILE)

    content = operator.get(page("change", task.pk)).content.decode()

    assert HOSTILE not in content
    assert "&lt;script&gt;" in content


def test_list_escapes_words_from_outside(operator, make_task):
    make_task(prompt=HOSTILE, model_name=HOSTILE)

    content = operator.get(page("changelist")).content.decode()

    assert HOSTILE not in content


@pytest.mark.parametrize("status", [Status.NEW, Status.RUNNING, Status.SUCCEEDED])
def test_page_has_nothing_inline_that_a_strict_policy_forbids(operator, make_task, status):
    task = make_task(status=status)

    content = operator.get(page("change", task.pk)).content.decode()

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", content)


def test_page_of_a_new_task_can_be_written_in(operator, make_task):
    content = operator.get(page("change", make_task().pk)).content.decode()

    assert '<textarea name="prompt"' in content


@pytest.mark.parametrize("status", [status for status in Status if status != Status.NEW])
def test_page_of_any_other_task_is_to_read(operator, make_task, status):
    task = make_task(status=status)

    content = operator.get(page("change", task.pk)).content

    assert b'<textarea name="prompt"' not in content


@pytest.mark.parametrize("status", [status for status in Status if status != Status.NEW])
def test_form_that_comes_back_too_late_changes_nothing_and_says_so(operator, make_task, status):
    task = make_task(status=status)

    response = operator.post(page("change", task.pk), {"prompt": "something else"}, follow=True)

    task.refresh_from_db()
    assert task.prompt != "something else"
    assert [TOO_LATE in message for message in messages_of(response)] == [True]


@pytest.mark.parametrize("status", Status)
def test_page_of_a_task_whose_provider_is_gone_opens(operator, make_task, status):
    task = make_task(status=status, provider="former")

    assert operator.get(page("change", task.pk)).status_code == 200


def test_page_shows_the_still_until_the_video_is_played(operator, stored_task):
    stored_task.poster.save("still.jpg", ContentFile(b"x"), save=False)
    stored_task.save(update_fields=["poster"])

    content = operator.get(page("change", stored_task.pk)).content.decode()

    assert f'poster="{page("poster", stored_task.pk)}"' in content


def test_page_explains_an_unconfirmed_task(operator, make_task):
    content = operator.get(page("change", make_task(status="unconfirmed").pk)).content.decode()

    assert "It may be running, and it may be billed." in content


def test_page_shows_whether_a_failure_was_billed(operator, make_task):
    task = make_task(status="failed", error_code="OutputVideoSensitiveContentDetected", error_charged="no")

    content = operator.get(page("change", task.pk)).content.decode()

    assert "Nothing was billed." in content
    assert "moderation refused the finished video" in content


@pytest.mark.parametrize("status", ["cancelled", "expired"])
def test_page_says_whether_a_task_without_an_error_was_billed(operator, make_task, status):
    task = make_task(status=status, error_charged="unknown", estimate_amount="0.26", estimate_currency="USD")

    content = operator.get(page("change", task.pk)).content.decode()

    assert "It is not known whether it was billed." in content
    assert "Nothing was billed" not in content
    assert "≈ 0.26 USD <small>estimate</small>" in content


def test_page_shows_nothing_billed_beside_zero_and_the_estimate_as_one(operator, make_task):
    figures = {"cost_amount": "0", "cost_currency": "USD", "estimate_amount": "0.26", "estimate_currency": "USD"}
    task = make_task(status="cancelled", error_charged="no", **figures)

    content = operator.get(page("change", task.pk)).content.decode()

    assert "Nothing was billed." in content
    assert "<dd>0.00 USD</dd>" in content
    assert "≈ 0.26 USD <small>estimate</small>" in content


def test_page_compares_what_was_asked_with_what_was_made(operator, make_task):
    task = make_task(status="succeeded", resolution="720p", result={"resolution": "480p"})

    context = operator.get(page("change", task.pk)).context

    assert [(line.as_text, line.differs) for line in context["comparison"]] == [(("720p", "480p"), True)]


@pytest.mark.parametrize(
    ("asked", "made"),
    [(-1, 7), ("adaptive", "16:9"), ("", "24"), ("16:9", ""), (5, 5)],
    ids=["model chooses seconds", "model chooses ratio", "nobody asked", "provider is silent", "same"],
)
def test_comparison_does_not_complain_about(asked, made):
    assert not Compared("a parameter", asked, made).differs


def test_page_hides_money_from_those_who_may_not_see_it(staff_with, make_task):
    task = make_task(status="succeeded", cost_amount="0.26", cost_currency="USD")

    content = staff_with("view").get(page("change", task.pk)).content

    assert b"0.26" not in content


def test_page_marks_an_estimate_as_such(operator, make_task):
    task = make_task(estimate_amount="0.26", estimate_currency="USD")

    content = operator.get(page("change", task.pk)).content.decode()

    assert "≈ 0.26 USD <small>estimate</small>" in content


def test_page_is_closed_to_anonymous_visitors(client, make_task):
    response = client.get(page("change", make_task().pk))

    assert response.status_code == 302


def test_page_is_refused_without_permission(staff_with, make_task):
    assert staff_with().get(page("change", make_task().pk)).status_code == 403


def test_page_asks_the_database_equally_often_however_long_the_timeline(
    operator, make_task, django_assert_max_num_queries
):
    task = make_task(status="succeeded")
    for number in range(20):
        task.note(TaskEvent.What.NOTE, detail=str(number))

    with django_assert_max_num_queries(9):
        operator.get(page("change", task.pk))


def test_page_of_an_active_task_asks_the_database_equally_often_however_many_callbacks(
    operator, make_task, django_assert_num_queries
):
    task = make_task(status="running")
    for number in range(20):
        task.callbacks.create(body="{}", status_word=str(number))

    # Eight for the page, and nine to find out whether the work is being done.
    with django_assert_num_queries(17):
        operator.get(page("change", task.pk))


@pytest.mark.parametrize(
    ("status", "labels"),
    [
        ("new", ["Cancel…"]),
        ("pending", ["Cancel…"]),
        ("submitting", []),
        ("unconfirmed", ["Close as lost…"]),
        ("queued", ["Re-poll now", "Cancel…"]),
        ("running", ["Re-poll now"]),
        ("succeeded", ["Archive again", "Retry…"]),
        ("failed", ["Retry…"]),
        ("cancelled", ["Retry…"]),
        ("expired", ["Retry…"]),
    ],
)
def test_page_offers_what_the_status_allows(operator, make_task, status, labels):
    context = operator.get(page("change", make_task(status=status).pk)).context

    assert [str(verb.label) for verb in context["verbs"]] == labels


def test_page_offers_nothing_to_users_who_may_only_view(staff_with, make_task):
    context = staff_with("view").get(page("change", make_task().pk)).context

    assert context["verbs"] == []


def test_page_of_a_video_that_is_being_fetched_says_so(operator, make_task):
    text = operator.get(page("change", make_task(status="succeeded").pk)).content.decode()

    assert "The video is being stored." in text


def test_page_of_a_lost_video_names_the_free_way_before_the_paid_one(operator, make_task):
    task = make_task(status="succeeded", attention="lost_media", next_archive_at=None)

    text = operator.get(page("change", task.pk)).content.decode()

    assert "The video is not stored, and no further try is planned." in text
    assert 0 < text.index(">Archive again<") < text.index(">Retry…<")


def test_page_of_a_stored_video_offers_no_archiving(operator, make_task):
    task = make_task(status="succeeded", video="a.mp4", archived_at=timezone.now(), next_archive_at=None)

    assert "archive_selected" not in [verb.action for verb in operator.get(page("change", task.pk)).context["verbs"]]
