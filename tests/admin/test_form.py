"""The form of a request: validated like everywhere else, with every error at its field."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from seedance.models import GenerationTask

from ..conftest import content_of
from .conftest import media_of, messages_of, page, request_of

TOO_LATE = "The task was sent after this form was opened"

IMAGE = "https://example.com/boat.png"


def add(client, **fields):
    return client.post(page("add"), request_of(**fields), follow=True)


def change(client, task, **fields):
    return client.post(page("change", task.pk), request_of(**fields), follow=True)


def test_save_stores_a_new_task_of_the_user(operator, admin_user, provider):
    response = add(operator, _save="1")

    task = GenerationTask.objects.get()
    assert (task.status, task.owner, task.parameters.get("duration"), task.parameters.get("resolution")) == (
        "new",
        admin_user,
        5,
        "720p",
    )
    assert response.redirect_chain == [(page("change", task.pk), 302)]


def test_save_and_submit_hands_the_task_in(operator, provider):
    add(operator, _submit="1")

    assert GenerationTask.objects.get().status == "pending"


def test_save_and_submit_is_refused_without_permission(staff_with, provider):
    response = add(staff_with("view", "add"), _submit="1")

    assert response.status_code == 403
    assert not GenerationTask.objects.exists()


def test_save_and_submit_is_not_offered_without_permission(staff_with, provider):
    response = staff_with("view", "add").get(page("add"))

    assert b'name="_submit"' not in response.content


def test_save_is_refused_without_permission(staff_with, provider):
    assert add(staff_with("view")).status_code == 403


def test_save_and_submit_without_a_key_saves_and_says_what_is_missing(operator, no_key):
    response = add(operator, _submit="1")

    assert GenerationTask.objects.get().status == "new"
    assert any('["API_KEY"]' in message for message in messages_of(response))


def test_save_shows_the_estimated_price(operator, provider):
    response = add(operator, _save="1")

    assert any(message.startswith("Estimated price: 0.26") for message in messages_of(response))
    assert b"estimate</small>" in response.content


def test_save_shows_no_price_to_users_who_may_not_see_it(staff_with, provider):
    response = add(staff_with("view", "add"), _save="1")

    assert not any("price" in message for message in messages_of(response))


def test_save_lifts_flags_out_of_the_prompt_and_says_so(operator, provider):
    response = add(operator, prompt="A boat --ratio 9:16 --seed 7", ratio="", _save="1")

    task = GenerationTask.objects.get()
    assert (task.prompt, task.parameters.get("ratio"), task.parameters.get("seed")) == ("A boat", "9:16", 7)
    assert "Taken out of the prompt and into the fields: ratio 9:16, seed 7." in messages_of(response)


def test_save_shows_warnings(operator, provider):
    response = add(operator, prompt="A boat --zoom", _save="1")

    assert any("--zoom is no inline flag" in message for message in messages_of(response))


def test_estimate_shows_a_price_and_stores_nothing(operator, provider):
    response = add(operator, prompt="A boat --seed 7", _estimate="1")

    assert response.status_code == 200
    assert response.context["estimate_result"]["price"].startswith("Estimated price: 0.26")
    assert "seed 7" in response.context["estimate_result"]["lifted"]
    assert b"A boat --seed 7" in response.content
    assert not GenerationTask.objects.exists()


def test_estimate_says_so_when_the_price_is_not_known(operator, provider):
    response = add(operator, model_choice="", model_name="ep-20260101-abcde", _estimate="1")

    assert response.context["estimate_result"]["price"].startswith("The price cannot be estimated.")


def test_estimate_shows_errors_instead_when_there_are_some(operator, provider):
    response = add(operator, duration="99", _estimate="1")

    assert response.context["estimate_result"] is None
    assert "duration" in response.context["adminform"].form.errors


def test_estimate_shows_errors_of_the_media_instead(operator, provider):
    response = add(operator, **media_of({"role": "last_frame", "url": IMAGE}), _estimate="1")

    assert response.context["estimate_result"] is None
    assert formset_of(response).non_form_errors()


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"duration": "99"}, "duration"),
        ({"duration": "soon"}, "duration"),
        ({"model_choice": "", "model_name": ""}, "model_choice"),
        ({"model_name": "gpt-4"}, "model_choice"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "nul \x00"}, "prompt"),
        ({"metadata": "[1]"}, "metadata"),
        ({"metadata": "{"}, "metadata"),
        ({"prompt": "A boat --duration 4"}, "duration"),
        ({"provider": "nowhere"}, "provider"),
        ({"resolution": "8k"}, "resolution"),
    ],
    ids=lambda value: ",".join(f"{k}={v!a}" for k, v in value.items()) if isinstance(value, dict) else value,
)
def test_error_lands_on_its_field(operator, provider, fields, name):
    response = add(operator, **fields, _save="1")

    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [name]
    assert not GenerationTask.objects.exists()


def test_error_keeps_what_was_typed(operator, provider):
    response = add(operator, duration="99", prompt="Two words", _save="1")

    assert b"Two words" in response.content
    assert b'value="99"' in response.content


def formset_of(response):
    return response.context["inline_admin_formsets"][0].formset


def test_error_of_a_medium_lands_on_its_row(operator, provider):
    rows = media_of({"role": "first_frame", "url": IMAGE}, {"role": "last_frame", "url": "ftp://x/y.png"})

    response = add(operator, **rows, ratio="adaptive", _save="1")

    assert [list(errors) for errors in formset_of(response).errors] == [[], ["url"]]


def test_error_of_all_media_lands_above_them(operator, provider):
    response = add(operator, **media_of({"role": "last_frame", "url": IMAGE}), _save="1")

    assert formset_of(response).non_form_errors()
    assert not GenerationTask.objects.exists()


@pytest.mark.parametrize(
    "row",
    [
        {"role": "first_frame", "url": ""},
        {"role": "", "url": IMAGE},
        {"role": "first_frame", "url": IMAGE, "file": SimpleUploadedFile("a.png", b"x", "image/png")},
    ],
    ids=["neither", "no role", "both"],
)
def test_row_that_is_wrong_by_itself_is_refused(operator, provider, row):
    response = add(operator, **media_of(row), _save="1")

    assert response.status_code == 200
    assert any(formset_of(response).errors)
    assert not GenerationTask.objects.exists()


def test_media_are_stored_in_the_order_given(operator, provider, png):
    rows = media_of(
        {"role": "first_frame", "url": IMAGE},
        {"role": "", "url": ""},
        {"role": "last_frame", "file": SimpleUploadedFile("end.png", png.read(), "image/png")},
    )

    add(operator, **rows, ratio="adaptive", _save="1")

    first, last = GenerationTask.objects.get().media.all()
    assert (first.position, first.role, first.url) == (0, "first_frame", IMAGE)
    assert (last.position, last.role) == (1, "last_frame")
    png.seek(0)
    assert content_of(last.file) == png.read()


def test_model_may_be_an_endpoint_id(operator, provider):
    add(operator, model_choice="", model_name="ep-20260101-abcde", _save="1")

    assert GenerationTask.objects.get().model_name == "ep-20260101-abcde"


def test_models_are_grouped_and_of_the_chosen_provider_first(operator, settings):
    settings.SEEDANCE = {
        "PROVIDERS": {
            "default": {"PRESET": "cometapi", "API_KEY": "k"},
            "second": {"PRESET": "byteplus", "API_KEY": "k"},
        }
    }

    form = operator.get(page("add"), {"provider": "second"}).context["adminform"].form

    groups = [group for group, _rows in form.fields["model_choice"].choices[1:]]
    assert groups[0] == "second: Seedance 2.5"
    assert groups[-1].startswith("default: ")


def test_form_begins_with_what_the_user_used_last(operator, make_task, admin_user):
    make_task(owner=admin_user)

    form = operator.get(page("add")).context["adminform"].form

    assert form["model_choice"].value() == "doubao-seedance-1-5-pro-251215"


def test_new_task_can_be_edited(operator, make_task, provider):
    task = make_task(duration=10, estimate_amount="9")

    change(operator, task, duration="4", prompt="Another boat", _save="1")

    task.refresh_from_db()
    assert (task.status, task.parameters.get("duration"), task.prompt) == ("new", 4, "Another boat")
    assert task.estimate_amount < 1
    assert task.estimate_price["price"] == "2.40"
    assert task.events.get().actor == "admin"


def test_new_task_can_be_edited_and_submitted(operator, make_task, provider):
    task = make_task()

    change(operator, task, prompt="Another boat", _submit="1")

    task.refresh_from_db()
    assert (task.status, task.prompt) == ("pending", "Another boat")


def test_media_of_a_new_task_can_be_edited(operator, make_task, provider):
    task = make_task()
    kept = task.media.create(role="first_frame", url=IMAGE, position=0)
    gone = task.media.create(role="reference_image", url=IMAGE, position=1)
    rows = media_of(
        {"id": kept.pk, "task": task.pk, "role": "first_frame", "url": IMAGE},
        {"id": gone.pk, "task": task.pk, "role": "reference_image", "url": IMAGE, "DELETE": "on"},
        {"role": "last_frame", "url": IMAGE + "?2", "task": task.pk},
        initial=2,
    )

    change(operator, task, **rows, ratio="adaptive", _save="1")

    assert [(item.role, item.url) for item in task.media.all()] == [
        ("first_frame", IMAGE),
        ("last_frame", IMAGE + "?2"),
    ]


def test_file_of_a_replaced_medium_goes(operator, make_task, provider, png, django_capture_on_commit_callbacks):
    task = make_task()
    upload = SimpleUploadedFile("old.png", b"old", "image/png")
    item = task.media.create(role="first_frame", file=upload)
    old = item.file.name
    new = SimpleUploadedFile("new.png", png.read(), "image/png")
    rows = media_of({"id": item.pk, "task": task.pk, "role": "first_frame", "file": new}, initial=1)

    with django_capture_on_commit_callbacks(execute=True):
        change(operator, task, **rows, ratio="adaptive", _save="1")

    item.refresh_from_db()
    assert content_of(item.file) != b"old"
    assert not item.file.storage.exists(old)


def test_edit_that_comes_too_late_changes_nothing(operator, make_task, provider, monkeypatch):
    task = make_task()
    amend = GenerationTask.amend

    def sent_meanwhile(self, **changes):
        GenerationTask.objects.filter(pk=self.pk).update(status="pending")
        return amend(self, **changes)

    monkeypatch.setattr(GenerationTask, "amend", sent_meanwhile)

    response = change(operator, task, prompt="Too late", _save="1")

    assert any(TOO_LATE in message for message in messages_of(response))
    assert GenerationTask.objects.get().prompt == task.prompt


def test_edit_is_refused_without_permission(staff_with, make_task, provider):
    task = make_task()

    assert change(staff_with("view"), task, prompt="Mine now").status_code == 403


def test_history_of_django_shows_who_added_a_task(operator, provider):
    add(operator, _save="1")

    response = operator.get(page("history", GenerationTask.objects.get().pk))

    assert b"Added." in response.content


def test_user_who_may_only_add_sees_the_result(staff_with, provider):
    response = staff_with("add", "submit").post(page("add"), request_of(_submit="1"), follow=True)

    assert response.redirect_chain == [(page("add"), 302)]
    assert "The task is saved and will be sent." in messages_of(response)
