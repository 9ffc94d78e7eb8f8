"""*Continue from this video*: a form with the parameters of the old task, and its last frame as the first one."""

import pytest
from django.core.files.base import ContentFile

from seedance.media import stills
from seedance.models import GenerationTask
from tests.films import film

from ..conftest import SAMPLE_MODEL, content_of
from .conftest import media_of, messages_of, page, request_of

IMAGE = "https://example.com/boat.png"


@pytest.fixture
def shot(make_task, provider, png):
    """A finished task whose video and last frame are stored."""
    video = ContentFile(film(["navy", "teal"]), name="boat.mp4")
    return make_task(
        status="succeeded", duration=7, ratio="9:16", prompt="The boat sails.", video=video, last_frame=png
    )


@pytest.fixture
def shot_without_frame(make_task, provider):
    """A finished task whose video alone is stored."""
    return make_task(status="succeeded", video=ContentFile(film(["navy", "teal"]), name="boat.mp4"))


def form_of(task):
    return f"{page('add')}?continue_from={task.pk}"


def save(client, task, **fields):
    data = request_of(**{"continue_from": str(task.pk), "ratio": "adaptive", "_save": "1", **fields})
    return client.post(form_of(task), data, follow=True)


def test_page_of_a_stored_video_leads_to_the_form(operator, shot):
    content = operator.get(page("change", shot.pk)).content.decode()

    assert f'<a class="button" href="{form_of(shot)}">Continue from this video…</a>' in content


def test_page_of_a_task_without_a_video_does_not(operator, make_task):
    content = operator.get(page("change", make_task(status="succeeded").pk)).content.decode()

    assert "Continue from" not in content


def test_page_does_not_offer_it_to_those_who_may_not_add(staff_with, shot):
    assert b"Continue from" not in staff_with("view").get(page("change", shot.pk)).content


def test_form_begins_with_model_and_parameters_and_without_a_prompt(operator, shot):
    form = operator.get(form_of(shot)).context["adminform"].form

    assert (form["model_choice"].value(), form["duration"].value(), form["ratio"].value()) == (SAMPLE_MODEL, 7, "9:16")
    assert not form["prompt"].value()


def test_form_begins_with_the_ratio_that_the_rules_want(operator, shot, settings):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "ark", "API_KEY": "k"}}}
    GenerationTask.objects.filter(pk=shot.pk).update(model_name="doubao-seedance-2-5-260628")

    form = operator.get(form_of(shot)).context["adminform"].form

    assert form["ratio"].value() == "adaptive"


def test_form_shows_the_frame_and_the_video_it_comes_from(operator, shot):
    content = operator.get(form_of(shot)).content.decode()

    assert f'src="{page("last_frame", shot.pk)}"' in content
    assert f'<a href="{page("change", shot.pk)}">The boat sails.</a>' in content


def test_form_says_where_the_frame_comes_from_when_it_is_not_stored(operator, shot_without_frame):
    content = operator.get(form_of(shot_without_frame)).content.decode()

    assert "is taken out of the stored video" in content
    assert 'class="seedance-thumb"' not in content


def test_save_attaches_the_frame(operator, shot, png):
    save(operator, shot, prompt="It lands.")

    new = GenerationTask.objects.exclude(pk=shot.pk).get()
    assert (new.status, new.prompt) == ("new", "It lands.")
    assert [item.role for item in new.media.all()] == ["first_frame"]
    assert content_of(new.media.get().file) == content_of(shot.last_frame)
    assert f"Continues the video of {shot.pk}." in [event.detail for event in new.events.all()]


def test_save_takes_the_frame_out_of_the_video_when_it_is_not_stored(operator, shot_without_frame):
    save(operator, shot_without_frame)

    new = GenerationTask.objects.exclude(pk=shot_without_frame.pk).get()
    assert new.media.get().content_type == "image/png"


def test_save_and_submit_hands_it_in(operator, shot):
    save(operator, shot, _submit="1")

    assert GenerationTask.objects.exclude(pk=shot.pk).get().status == "pending"


def test_error_keeps_the_form_a_continuation(operator, shot):
    response = save(operator, shot, duration="99")

    assert response.status_code == 200
    assert response.context["continued"] == shot
    assert f'name="continue_from" value="{shot.pk}"' in response.content.decode()


def test_estimate_counts_the_frame_in_and_stores_nothing(operator, shot):
    response = save(operator, shot, _save="", _estimate="1")

    assert response.context["estimate_result"]["price"].startswith("Estimated price")
    assert GenerationTask.objects.count() == 1


def test_another_first_frame_is_refused_above_the_media(operator, shot):
    response = save(operator, shot, **media_of({"role": "first_frame", "url": IMAGE}))

    assert response.context["inline_admin_formsets"][0].formset.non_form_errors()
    assert GenerationTask.objects.count() == 1


def test_last_frame_may_be_given_beside_it(operator, shot):
    save(operator, shot, **media_of({"role": "last_frame", "url": IMAGE}))

    new = GenerationTask.objects.exclude(pk=shot.pk).get()
    assert {item.role for item in new.media.all()} == {"first_frame", "last_frame"}


def test_form_for_a_video_that_is_not_stored_leads_back_with_the_reason(operator, make_task, provider):
    task = make_task(status="succeeded")

    response = operator.get(form_of(task), follow=True)

    assert response.redirect_chain == [(page("change", task.pk), 302)]
    assert "whose video is stored" in messages_of(response)[0]


def test_frame_that_is_gone_at_saving_keeps_what_was_typed(operator, shot_without_frame, monkeypatch):
    monkeypatch.setattr(stills, "av", None)

    response = save(operator, shot_without_frame, prompt="Long thought about")

    assert b"Long thought about" in response.content
    assert "return_last_frame" in str(response.context["adminform"].form.non_field_errors())
    assert GenerationTask.objects.count() == 1


@pytest.mark.parametrize("named", ["", "nonsense", "019ab3c1-5d2e-7c41-9b7e-3f0a6f2d8c11"], ids=ascii)
def test_form_for_what_does_not_exist_is_not_found(operator, db, named):
    assert operator.get(page("add"), {"continue_from": named}).status_code == 404


def test_form_takes_the_permission_to_view_the_old_task(staff_with, shot):
    assert staff_with("add").get(form_of(shot)).status_code == 403


def test_form_takes_the_permission_to_add(staff_with, shot):
    assert staff_with("view").get(form_of(shot)).status_code == 403


def test_save_takes_the_permission_to_view_the_old_task(staff_with, shot):
    assert save(staff_with("add"), shot).status_code == 403
    assert GenerationTask.objects.count() == 1
