"""In a browser: the video plays, rows refresh themselves, and the strict content security policy allows it."""

import io
import re
import shutil

import av
import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image
from playwright.sync_api import sync_playwright

from seedance.models import GenerationTask, Status

from ..conftest import SAMPLE_MODEL, require_service
from .conftest import page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


#: Plays a little, jumps near the end, and answers with the width once that end is reached.
PLAY_AND_SEEK = """async () => {
  const video = document.querySelector("video");
  const heard = (name) => new Promise((done) => video.addEventListener(name, done, { once: true }));
  video.muted = true;
  await video.play();
  while (video.currentTime < 0.2) await heard("timeupdate");
  const ended = heard("ended");
  video.currentTime = 1.5;
  await ended;
  return video.videoWidth;
}"""


@pytest.fixture
def browser_page(live_server, operator, monkeypatch):
    """A logged-in page that remembers every complaint of the browser."""
    require_service("Chromium", CHROMIUM is not None)
    # Playwright keeps an event loop in this thread, and Django would refuse to touch the database beside one.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url)
        cookie = operator.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        opened = context.new_page()
        opened.complaints = []
        opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.on("console", lambda line: opened.complaints.append(line.text) if "Policy" in line.text else None)
        yield opened
        browser.close()


@pytest.fixture
def film():
    """Two seconds of a real mp4, 320×180."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(48):
            picture = Image.new("RGB", (320, 180), (number * 5, 90, 160))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return ContentFile(buffer.getvalue())


def test_video_plays_and_can_be_sought_in(browser_page, make_task, film):
    task = make_task(status="succeeded")
    task.video.save(f"{task.pk}.mp4", film, save=False)
    task.save(update_fields=["video"])

    browser_page.goto(page("change", task.pk))
    width = browser_page.evaluate(PLAY_AND_SEEK)

    assert width == 320
    assert browser_page.complaints == []


def test_row_of_the_list_follows_its_task(browser_page, make_task):
    task = make_task(status="running")
    browser_page.goto(page("changelist"))

    task.advance(Status.FAILED, cause="test")

    browser_page.wait_for_selector(".seedance-badge >> text=failed", timeout=20_000)
    assert browser_page.locator("[data-seedance-refresh]").count() == 0
    assert browser_page.complaints == []


def test_page_of_a_task_follows_it(browser_page, make_task):
    task = make_task(status="queued")
    browser_page.goto(page("change", task.pk))

    task.advance(Status.RUNNING, cause="test")

    browser_page.wait_for_selector("text=queued → running", timeout=20_000)
    assert browser_page.complaints == []


def fill_in(browser_page, prompt="A paper boat."):
    browser_page.goto(page("add"))
    browser_page.select_option("#id_model_choice", SAMPLE_MODEL)
    browser_page.fill("#id_prompt", prompt)


def press_twice(browser_page, selector, gap):
    """Press a button twice as a nervous hand does, and wait for the page that follows."""
    button = browser_page.locator(selector)
    if gap is None:
        button.dblclick(no_wait_after=True)
    else:
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        for _ in range(2):
            browser_page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            browser_page.wait_for_timeout(gap)
    # Not wait_for_url: the second press may break off the navigation that the first one began.
    browser_page.wait_for_selector(".seedance-task")
    browser_page.wait_for_load_state("networkidle")


@pytest.mark.slow
def test_pressing_twice_or_going_back_creates_one_task(browser_page, provider):
    for number, gap in enumerate([None, 0, 60, 120], start=1):
        fill_in(browser_page)
        press_twice(browser_page, "[name=_submit]", gap)
        assert GenerationTask.objects.count() == number, f"save and submit, gap {gap}"

    browser_page.go_back()
    browser_page.select_option("#id_model_choice", SAMPLE_MODEL)
    browser_page.fill("#id_prompt", "A paper boat.")
    browser_page.click("[name=_submit]")
    browser_page.wait_for_url(re.compile(r"/change/"))
    assert GenerationTask.objects.count() == 4

    old = GenerationTask.objects.first()
    for number, gap in enumerate([None, 0, 60, 120], start=1):
        GenerationTask.objects.filter(pk=old.pk).update(status="failed", finished_at=timezone.now())
        browser_page.goto(page("change", old.pk))
        browser_page.click("text=Retry…")
        press_twice(browser_page, "[name=confirmed]", gap)
        assert old.retries.count() == number, f"retry, gap {gap}"

    fill_in(browser_page, "Saved by Enter.")
    browser_page.press("#id_seed", "Enter")
    browser_page.wait_for_url(re.compile(r"/change/"))
    assert GenerationTask.objects.get(prompt="Saved by Enter.").status == "new"
    assert browser_page.complaints == []
