"""One video from the shell."""

import datetime as dt
import os
import signal

import pytest
from django.utils import timezone

from seedance import tasks
from seedance.catalogue import current_catalogue, host_of
from seedance.management import watch
from seedance.management.request_options import default_model
from seedance.models import Account, GenerationTask, Lease, Status
from seedance.models.lease import ROUND_LEASE

from ..conftest import SAMPLE_MODEL, SAMPLE_PROMPT, content_of

pytestmark = pytest.mark.django_db(transaction=True)

NEVER_LOOKED_AT = [SAMPLE_PROMPT, "--model", SAMPLE_MODEL]


def only_task():
    return GenerationTask.objects.get()


@pytest.fixture
def picture(png, tmp_path):
    """An image file on disk."""
    path = tmp_path / "lake.png"
    path.write_bytes(content_of(png))
    return path


def test_task_is_made_and_left_to_the_workers(run, provider):
    spoken = run("seedance_generate", SAMPLE_PROMPT, "--duration", 4, "--ratio", "16:9")

    assert spoken.status == 0
    assert str(only_task().pk) in spoken.out
    assert only_task().status == Status.PENDING
    assert (only_task().parameters["duration"], only_task().parameters["ratio"]) == (4, "16:9")


def test_model_of_cometapis_own_page_is_taken_there_when_none_is_named(settings):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "cometapi", "API_KEY": "sk-of-a-test"}}}

    assert default_model("default") == "doubao-seedance-1-5-pro-251215"


def test_best_current_model_is_taken_when_none_is_named(run, provider):
    run("seedance_generate", SAMPLE_PROMPT)

    row = current_catalogue().models_for(host_of("default"))[0]
    assert only_task().model_name == row.name


def test_every_parameter_has_an_option(run, provider):
    arguments = ["--seed", 7, "--camera-fixed", "--no-watermark", "--no-generate-audio", "--return-last-frame"]
    arguments += ["--service-tier", "flex", "--execution-expires-after", 7200, "--safety-identifier", "u1"]

    run("seedance_generate", *NEVER_LOOKED_AT, "--duration=-1", "--resolution", "480p", *arguments)

    assert only_task().parameters == {
        "duration": -1,
        "resolution": "480p",
        "seed": 7,
        "camera_fixed": True,
        "watermark": False,
        "generate_audio": False,
        "return_last_frame": True,
        "service_tier": "flex",
        "execution_expires_after": 7200,
        "safety_identifier": "u1",
    }


def test_tools_are_named(run, provider):
    run("seedance_generate", SAMPLE_PROMPT, "--model", "doubao-seedance-2-5-260628", "--tools", "web_search")

    assert only_task().parameters["tools"] == [{"type": "web_search"}]


def test_first_image_is_the_first_frame_and_the_second_the_last(run, provider, picture):
    arguments = ["--image", picture, "--image", "https://cdn.example.com/b.png"]

    spoken = run("seedance_generate", *NEVER_LOOKED_AT, *arguments)

    first, last = only_task().media.all()
    assert spoken.status == 0
    assert (first.role, content_of(first.file)) == ("first_frame", picture.read_bytes())
    assert (last.role, last.url) == ("last_frame", "https://cdn.example.com/b.png")


def test_references_keep_their_order(run, provider):
    arguments = ["--reference-image", "https://a.example.com/1.png", "--reference-image", "https://a.example.com/2.png"]
    arguments += [
        "--reference-video",
        "https://a.example.com/3.mp4",
        "--reference-audio",
        "https://a.example.com/4.mp3",
    ]

    run("seedance_generate", SAMPLE_PROMPT, "--model", "doubao-seedance-2-0-260128", *arguments)

    assert [(item.role, item.url[-5:]) for item in only_task().media.all()] == [
        ("reference_image", "1.png"),
        ("reference_image", "2.png"),
        ("reference_video", "3.mp4"),
        ("reference_audio", "4.mp3"),
    ]


def test_problems_come_one_on_a_line_with_their_field(run, provider):
    spoken = run("seedance_generate", *NEVER_LOOKED_AT, "--duration", 99, "--ratio", "5:4")

    problems = spoken.err.splitlines()[1:]
    assert spoken.status == 1
    assert [line.partition(":")[0] for line in problems] == ["duration", "ratio"]
    assert not GenerationTask.objects.exists()


def test_warnings_are_printed_and_do_not_stop(run, provider):
    spoken = run("seedance_generate", "A boat. --hd true", "--model", SAMPLE_MODEL)

    assert spoken.status == 0
    assert spoken.err.startswith("prompt: ")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--provider", "elsewhere"], "provider: There is no provider of this name"),
        (["--owner", "nobody"], "There is no user “nobody”"),
        (["--image", "missing.png"], "missing.png cannot be read"),
        (["--output", "missing/a.mp4"], "There is no folder"),
    ],
    ids=["provider", "owner", "file", "folder"],
)
def test_impossible_request_is_refused_before_anything_is_made(run, provider, arguments, reason):
    spoken = run("seedance_generate", *NEVER_LOOKED_AT, *arguments)

    assert spoken.status == 1
    assert reason in spoken.err
    assert not GenerationTask.objects.exists()


def test_owner_is_named(run, provider, user):
    run("seedance_generate", *NEVER_LOOKED_AT, "--owner", "alice")

    assert only_task().owner == user


def test_output_has_the_video_where_no_cluster_works(run, quick, tmp_path):
    target = tmp_path / "boat.mp4"

    spoken = run("seedance_generate", *NEVER_LOOKED_AT, "--output", target)

    assert spoken.status == 0
    assert target.read_bytes() == content_of(only_task().video)
    assert list(tmp_path.iterdir()) == [target]


def test_output_may_be_a_folder(run, quick, tmp_path):
    run("seedance_generate", *NEVER_LOOKED_AT, "--output", tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [f"{only_task().pk}.mp4"]


def test_wait_prints_every_stage_once(run, quick):
    spoken = run("seedance_generate", *NEVER_LOOKED_AT, "--wait")

    stages = [line.partition(" s  ")[2] for line in spoken.lines if " s  " in line]
    assert spoken.status == 0
    assert stages[-1] == "stored"
    assert len(set(stages)) == len(stages)


def test_wait_leaves_the_work_to_a_cluster_that_lives(run, quick, monkeypatch):
    Lease.objects.take(ROUND_LEASE, "a cluster", 60)

    def cluster_works(seconds):
        tasks.send_pending()
        tasks.poll_due()
        tasks.archive_next()

    steps = []
    monkeypatch.setattr(watch.tasks, "step", lambda sign: steps.append("own step"))
    monkeypatch.setattr("seedance.queue.ShutdownSignal.wait", lambda self, seconds: cluster_works(seconds))

    spoken = run("seedance_generate", *NEVER_LOOKED_AT, "--wait")

    assert spoken.status == 0
    assert steps == []


def test_failure_is_printed_with_its_code(run, quick):
    spoken = run("seedance_generate", "[[fail:OutputVideoSensitiveContentDetected]] A boat.", "--wait")

    assert spoken.status == 1
    assert "OutputVideoSensitiveContentDetected" in spoken.err


def test_wait_goes_on_while_a_task_without_an_answer_is_searched_for(run, quick):
    quick.fault("lost_response_after_accept")

    spoken = run("seedance_generate", *NEVER_LOOKED_AT, "--wait")

    assert spoken.status == 0
    assert only_task().archived_at


def test_unconfirmed_task_ends_the_wait_where_no_search_is_possible(run, quick, settings):
    entry = settings.SEEDANCE["PROVIDERS"]["default"]
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": {**entry, "LISTS": False}}}
    quick.fault("lost_response_after_accept")

    spoken = run("seedance_generate", *NEVER_LOOKED_AT, "--wait")

    assert spoken.status == 1
    assert only_task().status == Status.UNCONFIRMED
    assert "may be running and billed" in spoken.err


def test_paused_account_ends_the_wait(run, quick):
    Account.objects.pause("default", code="AccountOverdueError", reason="Unpaid.")

    spoken = run("seedance_generate", *NEVER_LOOKED_AT, "--wait")

    assert spoken.status == 1
    assert "is paused" in spoken.err
    assert quick.creates == []


def test_provider_without_a_key_ends_the_wait(run, quick, settings):
    settings.SEEDANCE = {**settings.SEEDANCE, "PROVIDERS": {"default": {"PRESET": "ark"}}}

    spoken = run("seedance_generate", *NEVER_LOOKED_AT, "--wait")

    assert spoken.status == 1
    assert "API_KEY" in spoken.err


def test_interrupt_leaves_the_task_running_and_says_how_to_find_it(run, provider, monkeypatch):
    monkeypatch.setattr(watch.tasks, "archive_next", lambda _alive: os.kill(os.getpid(), signal.SIGINT))

    spoken = run("seedance_generate", *NEVER_LOOKED_AT, "--wait")

    assert spoken.status == 130
    assert f"seedance_sync {only_task().pk}" in spoken.err
    assert only_task().status == Status.QUEUED


def test_wait_is_over_for_a_video_that_is_lost(make_task):
    task = make_task(status=Status.SUCCEEDED, attention="lost_media", next_archive_at=None)

    assert watch.is_done(task)


def test_wait_goes_on_while_a_video_is_archived(make_task):
    task = make_task(status=Status.SUCCEEDED, video_url_expires_at=timezone.now() + dt.timedelta(hours=1))

    assert not watch.is_done(task)
