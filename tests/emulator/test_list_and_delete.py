"""List and delete under /api/v3; their absence under /volc/v3."""

import pytest

from .conftest import MODEL


def ids(response):
    return [item["id"] for item in response.json()["items"]]


def test_empty_list(ark):
    assert ark.list().json() == {"total": 0, "items": []}


def test_list_shows_the_newest_first(emulator, ark):
    first = ark.new()
    emulator.clock.advance(1)
    second = ark.new()

    assert ids(ark.list()) == [second, first]


def test_list_items_look_like_single_answers(ark):
    task_id = ark.new()

    assert ark.list().json()["items"] == [ark.show(task_id)]


def test_list_comes_in_pages(emulator, ark):
    made = [ark.new(), ark.new(), ark.new()]

    response = ark.list(page_num=2, page_size=2)

    assert response.json()["total"] == 3
    assert len(ids(response)) == 1
    assert set(ids(response)) < set(made)


@pytest.mark.parametrize(
    "query",
    [{"page_num": 0}, {"page_num": 501}, {"page_size": 0}, {"page_size": 501}, {"page_size": "many"}],
    ids=["page 0", "page 501", "size 0", "size 501", "words"],
)
def test_list_refuses_pages_out_of_range(ark, query):
    assert ark.list(**query).status_code == 400


def test_list_filters_by_repeated_ids(ark):
    first, second, _third = ark.new(), ark.new(), ark.new()

    response = ark.list(**{"filter.task_ids": [first, second, "cgt-unknown"]})

    assert set(ids(response)) == {first, second}
    assert response.json()["total"] == 2


def test_list_filters_by_status(emulator, ark):
    first, _second = ark.new(), ark.new()
    emulator.finish(first)

    assert ids(ark.list(**{"filter.status": "succeeded"})) == [first]


def test_list_filters_by_model(ark):
    _first, second = ark.new(), ark.new(model="doubao-seedance-2-0-260128")

    assert ids(ark.list(**{"filter.model": "doubao-seedance-2-0-260128"})) == [second]


def test_list_hides_flex_tasks_unless_asked(ark):
    plain, flex = ark.new(), ark.new(service_tier="flex")

    assert ids(ark.list()) == [plain]
    assert ids(ark.list(**{"filter.service_tier": "flex"})) == [flex]


def test_list_forgets_after_seven_days(emulator, ark):
    ark.new()

    emulator.clock.advance(7 * 86_400)

    assert ark.list().json()["total"] == 0


def test_delete_cancels_a_queued_task(emulator, ark):
    task_id = ark.new()

    response = ark.delete(task_id)
    emulator.clock.advance(1000)

    assert (response.status_code, response.json()) == (200, {})
    assert ark.show(task_id)["status"] == "cancelled"


def test_delete_cannot_stop_a_running_task(emulator, ark):
    task_id = ark.new()
    emulator.clock.advance(10)

    response = ark.delete(task_id)

    assert response.status_code == 409
    assert response.json()["error"]["code"] == "InvalidAction.RunningTaskDeletion"
    assert "currently running" in response.json()["error"]["message"]


@pytest.mark.parametrize("status", ["succeeded", "failed", "expired"])
def test_delete_erases_the_record_of_a_finished_task(emulator, ark, status):
    task_id = ark.new()
    emulator.set_status(task_id, status)

    response = ark.delete(task_id)

    assert response.status_code == 200
    assert ark.get(task_id).status_code == 404


def test_delete_refuses_a_cancelled_task(ark):
    task_id = ark.new()
    ark.delete(task_id)

    response = ark.delete(task_id)

    assert response.status_code == 409
    assert response.json()["error"]["code"] == "InvalidAction"


def test_delete_of_an_unknown_task(ark):
    assert ark.delete("cgt-unknown").status_code == 404


@pytest.mark.parametrize("verb", ["list", "delete"])
def test_comet_flavour_has_neither_list_nor_delete(volc, verb):
    task_id = volc.new()

    response = {"list": volc.list, "delete": lambda: volc.delete(task_id)}[verb]()

    assert response.status_code == 404
    assert response.json()["error"]["type"] == "comet_api_error"


def test_model_catalogue_lists_every_model(emulator, ark):
    response = ark.session.get(f"{emulator.ark_url}/models", timeout=10)

    assert MODEL in [each["id"] for each in response.json()["data"]]
    assert len(response.json()["data"]) == 9
