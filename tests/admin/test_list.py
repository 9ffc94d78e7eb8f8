"""The list: columns, filters, search, and its queries."""

import datetime as dt
import uuid

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from django.utils.formats import localize

from seedance.admin import list as task_list
from seedance.models import Status

from .conftest import page


def shown(client, **query):
    return list(client.get(page("changelist"), query).context["cl"].result_list)


@pytest.mark.parametrize("status", Status)
def test_list_shows_every_status_as_icon_and_word(operator, make_task, status):
    make_task(status=status)

    content = operator.get(page("changelist")).content.decode()

    assert f"</span> {status.label}</span>" in content


@pytest.mark.parametrize(
    ("status", "bar"),
    [("new", False), ("pending", True), ("running", True), ("unconfirmed", False), ("succeeded", False)],
)
def test_list_shows_a_progress_bar_without_a_value_while_something_goes_on(operator, make_task, status, bar):
    make_task(status=status)

    content = operator.get(page("changelist")).content.decode()

    assert ("<progress" in content) is bar
    assert "<progress value" not in content


def test_list_marks_what_needs_attention(operator, make_task):
    make_task(status="running", attention="overdue")

    content = operator.get(page("changelist")).content.decode()

    assert 'class="seedance-flag"' in content


def test_list_shows_the_first_frame_of_a_video_without_a_still(operator, stored_task):
    content = operator.get(page("changelist")).content.decode()

    assert f'src="{page("video", stored_task.pk)}" preload="metadata" muted' in content


def test_list_shows_the_still_where_there_is_one(operator, stored_task):
    stored_task.poster.save("still.jpg", ContentFile(b"x"), save=False)
    stored_task.save(update_fields=["poster"])

    content = operator.get(page("changelist")).content.decode()

    assert f'<img class="seedance-thumb" src="{page("poster", stored_task.pk)}"' in content


def test_list_shows_cost_to_those_who_may_see_it(staff_with, make_task):
    make_task(status="succeeded", cost_amount="0.26", cost_currency="USD")

    content = staff_with("view", "view_cost").get(page("changelist")).content.decode()

    assert "0.26 USD" in content


def test_list_hides_cost_from_all_others(staff_with, make_task):
    make_task(status="succeeded", cost_amount="0.26", cost_currency="USD")

    content = staff_with("view").get(page("changelist")).content.decode()

    assert "0.26" not in content


def test_list_asks_the_database_equally_often_for_one_row_and_for_many(
    operator, make_task, admin_user, django_assert_num_queries
):
    make_task(status="running", owner=admin_user)
    operator.get(page("changelist"))

    # Four for the list, and nine to find out whether the work is being done.
    with django_assert_num_queries(13) as for_one:
        operator.get(page("changelist"))
    for status in (*Status, *Status):
        make_task(status=status, owner=admin_user)
    with django_assert_num_queries(len(for_one)):
        operator.get(page("changelist"))


def test_list_stops_counting_early(operator, make_task, monkeypatch):
    monkeypatch.setattr(task_list, "COUNTED_ROWS", 2)
    for _ in range(4):
        make_task()

    response = operator.get(page("changelist"))

    assert response.context["cl"].result_count == 3
    assert b"Only the newest 2 tasks" in response.content


@pytest.mark.parametrize("spelled", [str, lambda pk: pk.hex, lambda pk: f"  {pk} "], ids=["dashed", "hex", "spaces"])
def test_search_finds_our_id(operator, make_task, spelled):
    make_task()
    task = make_task()

    assert shown(operator, q=spelled(task.pk)) == [task]


@pytest.mark.parametrize("name", ["cgt-wanted", uuid.uuid4().hex], ids=["cgt", "looks like a uuid"])
def test_search_finds_the_exact_provider_id(operator, make_task, name):
    make_task(status="queued", provider_task_id=name + "-not")
    task = make_task(status="queued", provider_task_id=name)

    assert shown(operator, q=name) == [task]


def test_search_finds_tasks_of_a_provider_that_is_gone(operator, make_task):
    task = make_task(status="succeeded", provider="former", provider_task_id="cgt-old")

    assert shown(operator, q="cgt-old") == [task]


def test_search_with_the_prefix_is_in_prompts(operator, make_task):
    make_task(prompt="A fox")
    task = make_task(prompt="A paper BOAT")

    assert shown(operator, q="prompt: boat") == [task]
    assert shown(operator, q="boat") == []


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"status__exact": "failed"}, {"failed": True}),
        ({"model": "ep-1"}, {"model_name": "ep-1"}),
        ({"provider": "other"}, {"provider": "other"}),
        ({"attention": "yes"}, {"attention": "overdue"}),
    ],
    ids=["status", "model", "provider", "attention"],
)
def test_filter_keeps_what_fits(operator, make_task, query, wanted):
    make_task()
    columns = {"status": "failed"} if "failed" in wanted else wanted
    task = make_task(**columns)

    assert shown(operator, **query) == [task]


def test_filter_keeps_what_needs_no_attention(operator, make_task):
    make_task(attention="overdue")
    task = make_task()

    assert shown(operator, attention="no") == [task]


@pytest.mark.parametrize(("choice", "days"), [("1", 2), ("7", 8), ("30", 31)])
def test_filter_by_age_leaves_out_what_is_older(operator, make_task, choice, days):
    make_task(created_at=timezone.now() - dt.timedelta(days=days))
    task = make_task()

    assert shown(operator, created=choice) == [task]


@pytest.mark.parametrize("choice", ["me", "admin"], ids=["mine", "by name"])
def test_filter_by_owner(operator, make_task, admin_user, user, choice):
    make_task(owner=user)
    make_task()
    task = make_task(owner=admin_user)

    assert shown(operator, owner=choice) == [task]


def test_filter_keeps_tasks_without_an_owner(operator, make_task, admin_user):
    make_task(owner=admin_user)
    task = make_task()

    assert shown(operator, owner="nobody") == [task]


@pytest.mark.parametrize("query", [{"created": "x"}, {"attention": "x"}, {"q": "\x00"}, {"owner": "x"}, {"page": "x"}])
def test_list_survives_nonsense_in_its_address(operator, make_task, query):
    make_task()

    assert operator.get(page("changelist"), query).status_code in (200, 302)


@pytest.mark.parametrize("name", ["changelist", "add"])
def test_missing_key_is_reported_with_the_setting_to_write(operator, no_key, name):
    content = operator.get(page(name)).content.decode()

    assert "SEEDANCE[&quot;PROVIDERS&quot;][&quot;default&quot;][&quot;API_KEY&quot;]" in content


@pytest.mark.parametrize("name", ["changelist", "add"])
def test_page_opens_and_shows_why_when_the_key_function_fails(operator, settings, name):
    def vault():
        raise RuntimeError("sk-secret")

    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "ark", "API_KEY": vault}}}

    content = operator.get(page(name)).content.decode()

    assert "RuntimeError" in content
    assert "sk-secret" not in content


@pytest.mark.parametrize("name", ["changelist", "add"])
@pytest.mark.parametrize("written", [{}, {"PROVIDERS": {"default": {}}}], ids=["nothing", "no preset"])
def test_page_opens_on_a_site_without_a_provider(operator, settings, name, written):
    settings.SEEDANCE = written

    response = operator.get(page(name))

    assert response.status_code == 200
    assert b"SEEDANCE" in response.content


def test_list_names_the_provider_where_there_are_several(operator, make_task, settings):
    settings.SEEDANCE = {"PROVIDERS": {"default": {"PRESET": "emulator"}, "second": {"PRESET": "ark", "API_KEY": "k"}}}
    make_task(provider="second")

    content = operator.get(page("changelist")).content.decode()

    assert '<td class="field-provider">second</td>' in content


def test_count_that_stopped_at_the_limit_is_not_shown_as_exact(operator, make_task, monkeypatch):
    monkeypatch.setattr(task_list, "COUNTED_ROWS", 2)
    for _ in range(3):
        make_task()

    content = operator.get(page("changelist")).content.decode()

    assert "more than 2 results" in content
    assert "3 video tasks" not in content
    assert "3 results" not in content


def test_count_that_was_not_finished_is_readable_with_separators(settings):
    settings.USE_THOUSAND_SEPARATOR = True

    assert localize(task_list.MoreThan(10_001)) == "10,000"
