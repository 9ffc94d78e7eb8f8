"""What the doctor finds, and what it shows without sending."""

import datetime as dt
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.utils import timezone
from django_q.models import Schedule

from seedance import queue, tasks
from seedance.management.doctor import UNKNOWN_TASK_ID
from seedance.models import Account, GenerationTask, Lease, Status

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT, content_of

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-very-secret-0123456789"


def use(settings, **provider):
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": {"API_KEY": KEY, **provider}}}


def marks(spoken):
    """(mark, subject) of every line."""
    return [tuple(line.partition(":")[0].split(maxsplit=1)) for line in spoken.lines]


@pytest.fixture
def healthy(provider, settings):
    """A site with nothing to complain of."""
    use(settings, PRESET="emulator", BASE_URL=provider.ark_url)
    queue.install_schedules()
    tasks.step()
    return provider


def test_healthy_site_has_only_good_lines(run, healthy):
    spoken = run("seedance_doctor")

    assert spoken.status == 0
    assert {mark for mark, _subject in marks(spoken)} == {"ok"}


def test_everything_has_a_line(run, healthy):
    subjects = [subject for _mark, subject in marks(run("seedance_doctor"))]

    assert subjects == [
        "settings",
        "provider default",
        "provider default",
        "storage",
        "database",
        "cluster",
        "schedules",
        "accounts",
        "models",
        "polls",
        "sends",
        "links",
        "needs attention",
    ]


def test_provider_is_asked_one_harmless_thing(run, healthy):
    run("seedance_doctor")

    assert [(heard.method, heard.path) for heard in healthy.requests] == [
        ("GET", f"/api/v3/contents/generations/tasks/{UNKNOWN_TASK_ID}")
    ]


@pytest.mark.parametrize("address", ["ark_url", "volc_url", "videos_url"])
def test_every_kind_of_host_says_that_the_key_is_accepted(run, healthy, settings, address):
    dialect = "openai_video" if address == "videos_url" else "ark"
    use(settings, PRESET="cometapi", BASE_URL=getattr(healthy, address), DIALECT=dialect)

    assert "accepts the key" in run("seedance_doctor").out


def test_refused_key_is_trouble_and_never_printed(run, healthy):
    healthy.configure(api_keys=["another"])

    spoken = run("seedance_doctor")

    assert spoken.status == 1
    assert ("trouble", "provider default") in marks(spoken)
    assert KEY not in spoken.out + spoken.err


def test_provider_that_cannot_be_reached_is_trouble(run, healthy, settings):
    use(settings, PRESET="emulator", BASE_URL="http://127.0.0.1:9/api/v3")

    spoken = run("seedance_doctor")

    assert spoken.status == 1
    assert "cannot be reached" in spoken.out


@pytest.mark.parametrize(
    ("fault", "mark"),
    [("html_200", "trouble"), ("redirect_301", "trouble"), ("html_502", "warning"), ("rate_limited", "warning")],
)
def test_strange_answer_is_told_by_its_weight(run, healthy, fault, mark):
    healthy.fault(fault, "get", None)

    assert (mark, "provider default") in marks(run("seedance_doctor"))


def test_wrong_path_is_a_warning(run, healthy, settings):
    use(settings, PRESET="emulator", BASE_URL=f"{healthy.url}/elsewhere")

    spoken = run("seedance_doctor")

    assert ("warning", "provider default") in marks(spoken)
    assert "check BASE_URL" in spoken.out


def test_missing_key_is_trouble(run, healthy, settings):
    use(settings, PRESET="ark", API_KEY="")

    spoken = run("seedance_doctor")

    assert spoken.status == 1
    assert "no API_KEY" in spoken.out


def test_key_that_cannot_be_fetched_is_trouble(run, healthy, settings):
    use(settings, PRESET="ark", API_KEY=lambda: {}["vault"])

    spoken = run("seedance_doctor")

    assert spoken.status == 1
    assert "KeyError" in spoken.out


@pytest.mark.parametrize("entry", [{"PRESET": "unheard-of"}, {"PRESET": "ark", "DIALECT": "klingon"}], ids=str)
def test_wrong_settings_are_trouble(run, healthy, settings, entry):
    use(settings, **entry)

    spoken = run("seedance_doctor")

    assert spoken.status == 1
    assert "seedance.E006" in spoken.out


def test_site_without_providers_is_trouble(run, healthy, settings):
    settings.SEEDANCE = {}

    spoken = run("seedance_doctor")

    assert spoken.status == 1
    assert "seedance.E001" in spoken.out


@pytest.mark.parametrize("providers", ["ark", ["ark"], {"default": "ark"}, {"default": None}, {}], ids=repr)
def test_providers_written_wrongly_are_trouble_and_no_crash(run, healthy, settings, providers):
    settings.SEEDANCE = {"PROVIDERS": providers}

    spoken = run("seedance_doctor")

    assert spoken.status == 1
    assert "Found trouble" in spoken.err


def test_dead_cluster_is_trouble(run, healthy):
    Lease.objects.all().delete()

    assert ("trouble", "cluster") in marks(run("seedance_doctor"))


def test_missing_schedule_is_trouble_without_running_rounds(run, healthy):
    Schedule.objects.all().delete()
    Lease.objects.all().delete()

    spoken = run("seedance_doctor")

    assert ("trouble", "schedules") in marks(spoken)
    assert "seedance_schedule" in spoken.out


def test_missing_schedule_is_not_mentioned_where_the_rounds_are_done_without_it(run, healthy):
    Schedule.objects.all().delete()

    spoken = run("seedance_doctor")

    assert (spoken.status, "schedules" in spoken.out) == (0, False)


def test_late_round_is_trouble_for_doctor_and_health_alike(run, healthy, make_task):
    make_task(status=Status.RUNNING)
    Lease.objects.update(until=timezone.now() - dt.timedelta(minutes=4))

    spoken = run("seedance_doctor")

    assert {("trouble", "cluster"), ("trouble", "work")} <= set(marks(spoken))


def test_site_without_a_queue_learns_what_to_run(run, healthy, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django_q"]
    Lease.objects.all().delete()

    spoken = run("seedance_doctor")

    assert spoken.status == 0
    assert "seedance_sync --every" in spoken.out
    assert "schedules" not in spoken.out


def test_storage_that_cannot_be_written_is_trouble(run, healthy, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings.MEDIA_ROOT = tmp_path / "file"

    assert ("trouble", "storage") in marks(run("seedance_doctor"))


def test_storage_is_left_as_it_was(run, healthy, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path

    run("seedance_doctor")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_paused_account_is_trouble(run, healthy):
    Account.objects.pause("default", code="AccountOverdueError", reason="Unpaid.")

    spoken = run("seedance_doctor")

    assert ("trouble", "accounts") in marks(spoken)
    assert "Unpaid." in spoken.out


def test_tasks_that_need_attention_are_counted_by_reason(run, healthy, make_task):
    make_task(status=Status.UNCONFIRMED, attention="unconfirmed")
    make_task(status=Status.UNCONFIRMED, attention="unconfirmed")

    spoken = run("seedance_doctor")

    assert spoken.status == 0
    assert "needs attention: 2 tasks: The create call got no readable answer" in spoken.out


def test_late_poll_is_trouble(run, healthy, make_task):
    make_task(status=Status.RUNNING, next_poll_at=timezone.now() - dt.timedelta(minutes=10))

    assert ("trouble", "polls") in marks(run("seedance_doctor"))


def test_link_that_dies_before_its_video_is_stored_is_trouble(run, healthy, make_task):
    make_task(status=Status.SUCCEEDED, video_url_expires_at=timezone.now() + dt.timedelta(hours=1))

    assert ("trouble", "links") in marks(run("seedance_doctor"))


# -- Showing a request -------------------------------------------------------------------------------------------------


def shown_json(spoken):
    return json.loads(spoken.out.partition("\n\n")[2])


ALIASES = {
    "ark": {"PRESET": "ark"},
    "byteplus": {"PRESET": "byteplus"},
    "cometapi": {"PRESET": "cometapi"},
    "cometapi-videos": {"PRESET": "cometapi-videos"},
}


@pytest.fixture
def aliases(provider, settings):
    """One provider of every preset."""
    entries = {alias: {"API_KEY": KEY, **entry} for alias, entry in ALIASES.items()}
    providers = {"default": settings.SEEDANCE["PROVIDERS"]["default"], **entries}
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": providers}


def test_stored_task_is_shown_as_it_would_be_sent(run, provider):
    task = GenerationTask.objects.create_task(
        prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, duration=4, resolution="480p", submit=True
    )

    spoken = run("seedance_doctor", "--show-request", task.pk)
    tasks.send_pending()

    sent = provider.requests[0]
    assert shown_json(spoken) == sent.json
    assert spoken.lines[0] == f"POST {provider.url}{sent.path}"


def test_shown_headers_are_those_that_are_sent_but_for_the_key(run, provider):
    task = GenerationTask.objects.create_task(prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, duration=4, submit=True)

    spoken = run("seedance_doctor", "--show-request", task.pk)
    tasks.send_pending()

    shown = dict(line.split(": ", 1) for line in spoken.out.partition("\n\n")[0].splitlines()[1:])
    sent = {name.lower(): value for name, value in provider.requests[0].headers.items()}
    assert {name.lower(): value for name, value in shown.items()} == {**sent, "authorization": "Bearer …"}


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_can_be_shown(run, aliases, alias):
    spoken = run("seedance_doctor", "--show-request", "--prompt", SAMPLE_PROMPT, "--provider", alias, "--duration", 5)

    assert spoken.status == 0
    assert spoken.lines[0].startswith("POST https://")
    assert "Authorization: Bearer …" in spoken.lines
    assert KEY not in spoken.out


def test_relay_is_shown_the_flags_it_documents(run, aliases):
    arguments = ["--prompt", SAMPLE_PROMPT, "--provider", "cometapi", "--model", SAMPLE_MODEL, "--duration", 5]

    spoken = run("seedance_doctor", "--show-request", *arguments)

    assert spoken.lines[0] == "POST https://api.cometapi.com/volc/v3/contents/generations/tasks"
    assert shown_json(spoken)["content"][0]["text"].startswith(f"{SAMPLE_PROMPT} --duration 5")


def test_form_is_shown_field_by_field(run, aliases, png, tmp_path):
    picture = tmp_path / "lake.png"
    picture.write_bytes(content_of(png))
    arguments = ["--prompt", SAMPLE_PROMPT, "--provider", "cometapi-videos", "--reference-image", picture]

    spoken = run("seedance_doctor", "--show-request", *arguments)

    assert spoken.lines[0] == "POST https://api.cometapi.com/v1/videos"
    assert f"prompt: {SAMPLE_PROMPT}" in spoken.lines
    assert f"input_reference: reference-1.png, image/png, {picture.stat().st_size} bytes" in spoken.lines


def test_file_in_a_request_is_shown_by_its_beginning(run, provider, png, tmp_path):
    picture = tmp_path / "lake.png"
    picture.write_bytes(content_of(png))

    spoken = run("seedance_doctor", "--show-request", "--prompt", SAMPLE_PROMPT, "--image", picture)

    address = shown_json(spoken)["content"][1]["image_url"]["url"]
    assert address.startswith("data:image/png;base64,iVBOR")
    assert address.endswith(f"… ({picture.stat().st_size} bytes)")


def test_showing_sends_and_keeps_nothing(run, provider, settings, png, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    picture = tmp_path / "lake.png"
    picture.write_bytes(content_of(png))

    run("seedance_doctor", "--show-request", "--prompt", SAMPLE_PROMPT, "--image", picture)

    assert provider.requests == []
    assert not GenerationTask.objects.exists()
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []


def test_secrets_in_our_own_addresses_are_not_shown(run, provider, settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "PUBLIC_URL": "https://studio.example.com"}
    task = GenerationTask.objects.create_task(prompt=SAMPLE_PROMPT, model_name=SAMPLE_MODEL, duration=4)

    spoken = run("seedance_doctor", "--show-request", task.pk)

    assert task.callback_token not in spoken.out
    assert shown_json(spoken)["callback_url"].startswith("https://studio.example.com/seedance/callbacks/…")


def test_request_that_no_rule_allows_is_not_shown(run, provider):
    spoken = run("seedance_doctor", "--show-request", "--prompt", SAMPLE_PROMPT, "--duration", 99)

    assert spoken.status == 1
    assert "\nduration: " in spoken.err


def test_request_that_its_dialect_cannot_express_is_not_shown(run, aliases, make_task):
    task = make_task(provider="cometapi-videos", model_name="seedance-2-5", seed=7)

    spoken = run("seedance_doctor", "--show-request", task.pk)

    assert spoken.status == 1
    assert "no field for: seed" in spoken.err


@pytest.mark.parametrize("text", ["nonsense", "019ab000-0000-7000-8000-000000000000"])
def test_unknown_task_cannot_be_shown(run, provider, text):
    spoken = run("seedance_doctor", "--show-request", text)

    assert spoken.status == 1
    assert f"There is no task {text}" in spoken.err


def test_showing_needs_no_proxy(run, provider, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    spoken = run("seedance_doctor", "--show-request", "--prompt", SAMPLE_PROMPT)

    assert spoken.status == 0


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [("--prompt", SAMPLE_PROMPT), (str(uuid.uuid4()),)], ids=["prompt", "task"])
def test_request_on_a_database_without_tables_says_what_to_run(wanted):
    command = [sys.executable, "manage.py", "seedance_doctor", "--show-request", *wanted]
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings"}  # its database is a fresh, empty file

    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr
