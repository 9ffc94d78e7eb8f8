"""One POST, and the truth about its outcome."""

import datetime as dt
import io
import socket
import tracemalloc
import wave

import pytest
import requests
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db.models.signals import post_save
from django.utils import timezone

from seedance import lifecycle
from seedance.models import Account, GenerationTask, TaskEvent

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT
from .conftest import claim_next


def posts(provider):
    return [heard for heard in provider.requests if heard.method == "POST"]


def test_accepted_task_has_the_providers_id(provider, sent):
    task = sent()

    assert task.status == "queued"
    assert task.provider_task_id == provider.creates[0].id


def test_accepted_task_knows_when_the_provider_gives_up(sent):
    task = sent(execution_expires_after=7200)

    assert task.expires_at - task.submitted_at == dt.timedelta(hours=2)


def test_request_says_every_parameter_once(provider, sent):
    sent(prompt=f"{SAMPLE_PROMPT} --ratio 9:16", seed=7)

    body = provider.requests[-1].json
    assert body["content"] == [{"type": "text", "text": SAMPLE_PROMPT}]
    assert (body["ratio"], body["duration"], body["seed"], body["resolution"]) == ("9:16", 4, 7, "480p")


@pytest.mark.parametrize(
    "fault",
    ["lost_response_after_accept", "html_200", "truncated_json", "empty_body", "empty_id", "missing_id", "html_502"],
)
def test_create_without_a_readable_answer_is_unconfirmed(provider, sent, fault):
    provider.fault(fault, on="create")

    task = sent()

    assert task.status == "unconfirmed"
    assert task.attention == "unconfirmed"
    assert task.error_charged == "unknown"


@pytest.mark.parametrize(
    "fault", ["lost_response_after_accept", "html_502", "rate_limited", "redirect_301", "flat_error"]
)
def test_create_is_sent_once_whatever_comes_back(provider, sent, fault):
    provider.fault(fault, on="create")

    sent()

    assert len(posts(provider)) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524, 408])
def test_server_trouble_after_sending_is_unconfirmed(provider, sent, status):
    provider.fail_next(status)

    assert sent().status == "unconfirmed"


def test_unconfirmed_task_is_never_sent_again_by_itself(provider, sent):
    provider.fault("lost_response_after_accept", on="create")
    sent()

    assert claim_next() is None


def test_what_the_provider_answered_stands_on_the_timeline(provider, sent):
    provider.fail_next(502, body="<html><body>Bad Gateway</body></html>")

    task = sent()

    assert "<html><body>Bad Gateway" in task.events.last().detail


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 451])
def test_refused_task_failed_and_cost_nothing(provider, sent, status):
    provider.fail_next(status, code="InvalidParameter", message="the parameter duration is not valid")

    task = sent()

    assert task.status == "failed"
    assert (task.error_code, task.error_charged) == ("InvalidParameter", "no")
    assert "duration" in task.error_message


@pytest.mark.parametrize(("status", "code"), [(500, "invalid_request"), (503, "model_not_found")])
def test_refusal_in_a_server_errors_clothes_is_a_refusal(provider, sent, status, code):
    provider.fail_next(status, code=code, message="no")

    assert sent().status == "failed"


def test_redirect_is_not_followed_and_named_as_wrong_configuration(provider, sent):
    provider.fault("redirect_301", on="create")

    task = sent()

    assert (task.status, task.error_code) == ("failed", "redirect")
    assert "BASE_URL" in task.error_message


def test_too_many_requests_waits_as_long_as_the_answer_says(provider, sent):
    provider.fail_next(429, code="RateLimitExceeded", headers={"Retry-After": "120"})

    task = sent()

    assert task.status == "pending"
    assert task.not_before - timezone.now() == pytest.approx(dt.timedelta(seconds=120), abs=dt.timedelta(seconds=5))


def test_too_many_requests_without_a_time_backs_off(provider, sent):
    provider.fail_next(429, code="RateLimitExceeded")

    task = sent()

    assert task.status == "pending"
    assert task.not_before > timezone.now()
    assert claim_next() is None


def test_provider_that_cannot_be_reached_leaves_the_task_pending(sent, settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    settings.SEEDANCE = {
        "PROVIDERS": {"default": {"PRESET": "emulator", "BASE_URL": f"http://127.0.0.1:{port}/api/v3"}}
    }

    task = sent()

    assert (task.status, task.submit_attempts) == ("pending", 1)


def test_missing_key_keeps_the_task_pending_with_a_flag(sent, settings, provider):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "ark", "BASE_URL": provider.ark_url, "API_KEY": ""}}}

    task = sent()

    assert (task.status, task.attention) == ("pending", "provider")
    assert "API_KEY" in task.attention_detail
    assert not posts(provider)


SECRET = "sk-in-the-text-of-an-exception"


def failing_with(exception):
    def api_key():
        raise exception

    return api_key


@pytest.fixture
def keyed(settings, provider):
    """Returns a function that has the default provider's key come from a function of the site's own."""

    def use(api_key):
        alias = {**settings.SEEDANCE["PROVIDERS"]["default"], "API_KEY": api_key}
        settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": alias}}

    return use


@pytest.mark.parametrize(
    "exception",
    [FileNotFoundError(SECRET), requests.ConnectionError(SECRET), RuntimeError(SECRET)],
    ids=["key file missing", "vault away", "no error of ours"],
)
def test_failing_key_function_leaves_no_task_failed_or_unconfirmed(provider, sent, keyed, exception):
    keyed(failing_with(exception))

    task = sent()

    assert (task.status, task.attention) == ("pending", "provider")
    assert type(exception).__name__ in task.attention_detail
    assert SECRET not in task.attention_detail
    assert not posts(provider)


def test_failing_key_function_has_a_running_task_asked_about_later(provider, sent, keyed, polled):
    task = sent()
    keyed(failing_with(RuntimeError(SECRET)))

    seen = polled(task)

    assert (seen.status, seen.poll_failures) == ("queued", 1)
    assert SECRET not in seen.events.last().detail


def test_rotated_key_pauses_no_account_and_fails_no_task(provider, sent, keyed):
    provider.configure(api_keys={"new"})
    keys = iter(["old", "new"])
    keyed(lambda: next(keys))

    task = sent()
    GenerationTask.objects.update(not_before=None)
    lifecycle.submit(claim_next())

    assert (task.status, GenerationTask.objects.get().status) == ("pending", "queued")
    assert Account.objects.paused_aliases() == []


def test_key_that_stays_wrong_pauses_the_account(provider, sent, keyed):
    provider.configure(api_keys={"new"})
    keyed(lambda: "old")

    task = sent()

    assert task.status == "failed"
    assert Account.objects.paused_aliases() == ["default"]


def test_rotated_key_is_fetched_when_a_poll_is_refused(provider, sent, keyed, polled):
    keys = iter(["old", "new"])
    keyed(lambda: next(keys))
    task = sent()
    provider.configure(api_keys={"new"})

    polled(task)
    seen = polled(task)

    assert [heard.headers["Authorization"] for heard in provider.requests[-2:]] == ["Bearer old", "Bearer new"]
    assert seen.status == "queued"


def test_task_that_the_rules_refuse_by_now_is_not_sent(provider, make_task):
    make_task(status="pending", duration=99)

    lifecycle.submit(claim_next())

    task = GenerationTask.objects.get()
    assert (task.status, task.error_charged) == ("failed", "no")
    assert not posts(provider)


def test_two_tasks_never_get_the_same_provider_id(provider, sent, make_task):
    first = sent()
    provider.fail_next(200, body={"id": first.provider_task_id})

    second = sent(prompt="Another one.")

    assert second.status == "unconfirmed"
    assert first.provider_task_id in second.events.last().detail


def test_claim_of_a_dead_worker_becomes_unconfirmed(provider, make_task):
    task = make_task(status="submitting", lease_until=timezone.now() - dt.timedelta(seconds=1))

    count = lifecycle.mark_abandoned()

    task.refresh_from_db()
    assert (count, task.status) == (1, "unconfirmed")
    assert not posts(provider)


def test_claim_of_a_living_worker_is_left_alone(make_task):
    make_task(status="submitting")

    assert lifecycle.mark_abandoned() == 0


def test_late_answer_links_a_task_that_was_already_unconfirmed(provider, make_task):
    GenerationTask.objects.create_task(prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, submit=True)
    slow = claim_next()
    GenerationTask.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    lifecycle.mark_abandoned()

    lifecycle.submit(slow)

    task = GenerationTask.objects.get()
    assert (task.status, task.attention) == ("queued", "")
    assert task.provider_task_id == provider.creates[0].id


@pytest.fixture
def broken_timeline():
    """A site whose own receiver fails for every line of the timeline that tells of a status."""

    def fail(instance, **signal):
        if instance.to_status == "queued":
            raise ValueError("a bug of the site's own")

    post_save.connect(fail, sender=TaskEvent)
    yield
    post_save.disconnect(fail, sender=TaskEvent)


def test_paid_id_is_kept_when_the_timeline_cannot_be_written(provider, sent, broken_timeline):
    task = sent()

    assert (task.status, task.provider_task_id) == ("queued", provider.creates[0].id)


def test_callback_before_the_answer_makes_the_first_poll_due(provider, make_task):
    task = make_task(status="pending")
    claimed = claim_next()
    lifecycle.receive_callback(task, b"{}")

    lifecycle.submit(claimed)

    assert GenerationTask.objects.get().next_poll_at <= timezone.now()


class FailingStorage(FileSystemStorage):
    """A storage that fails with an error of its own, as those of cloud vendors do."""

    def _open(self, name, mode="rb"):
        raise RuntimeError("AccessDenied: secret-bucket")


def test_upload_that_cannot_be_read_fails_the_task_before_anything_is_sent(provider, make_task, png):
    item = make_task(status="pending").media.create(role="first_frame", file=png)
    claimed = claim_next()
    claimed.media.model.file.field.storage, kept = FailingStorage(), item.file.storage

    try:
        lifecycle.submit(claimed)
    finally:
        claimed.media.model.file.field.storage = kept

    task = GenerationTask.objects.get()
    assert (task.status, task.error_code, task.error_charged) == ("failed", "media_unreadable", "no")
    assert "secret-bucket" not in task.error_message
    assert not posts(provider)


def test_forty_megabytes_of_uploads_take_no_memory_to_send(drain, make_task, settings):
    address = f"http://127.0.0.1:{drain.server_port}"
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "emulator", "BASE_URL": address}}}
    task = make_task(status="pending", model_name="doubao-seedance-2-0-260128")
    for position in range(2):
        file = ContentFile(bytes(20 * 1024**2), name="large.png")
        task.media.create(position=position, role="reference_image", file=file)
    claimed = claim_next()
    tracemalloc.start()

    lifecycle.submit(claimed)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert GenerationTask.objects.get().status == "queued"
    assert peak < 8 * 1024**2


def test_uploaded_image_travels_as_a_data_uri(provider, sent, png):
    sent(media=[{"role": "first_frame", "file": png}])

    item = provider.requests[-1].json["content"][1]
    assert item["role"] == "first_frame"
    assert item["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_uploaded_sound_travels_under_the_name_that_the_provider_documents(provider, sent, png):
    tone = io.BytesIO()
    with wave.open(tone, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 8000 * 3))
    uploads = [
        {"role": "reference_image", "file": png},
        {"role": "reference_audio", "file": ContentFile(tone.getvalue(), name="tone.wav")},
    ]

    sent(model_name="doubao-seedance-2-0-260128", media=uploads)

    assert provider.requests[-1].json["content"][2]["audio_url"]["url"].startswith("data:audio/wav;base64,")
