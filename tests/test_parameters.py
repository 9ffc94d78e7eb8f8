"""A parameter is described once: everything that lists parameters follows from its entry in the catalogue."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.urls import reverse
from rest_framework.test import APIClient

from seedance import intake, tasks
from seedance.api.docs import SeedanceSchemaGenerator
from seedance.api.urls import endpoints
from seedance.catalogue import flags
from seedance.catalogue.parameters import PARAMETERS, Parameter, markdown_table
from seedance.models import GenerationTask
from seedance.provider import videos

from .admin.conftest import request_of
from .conftest import SAMPLE_MODEL, SAMPLE_PROMPT

CATALOGUE_PAGE = Path(__file__).parent.parent / "docs" / "catalogue.md"
TASKS = "/seedance/api/v1/tasks/"


@pytest.fixture
def invented(monkeypatch, provider, settings):
    """A parameter that no provider has, taken by one model."""
    parameter = Parameter(
        "fps_boost",
        "integer",
        "frame boost",
        "How many times the usual frames, 1 to 4.",
        (2,),
        minimum=1,
        maximum=4,
        flags=("fpsboost",),
    )
    monkeypatch.setitem(PARAMETERS, parameter.name, parameter)
    row = intake.current_catalogue().find(SAMPLE_MODEL, intake.host_of("default"))
    taken = [*row.capabilities.parameters, parameter.name]
    settings.SEEDANCE = {**settings.SEEDANCE, "MODELS": {row.family: {"parameters": taken}}}
    return parameter


@pytest.fixture
def api(admin_user):
    """A client of the REST API."""
    client = APIClient()
    client.force_authenticate(admin_user)
    return client


def body(**fields):
    return {"model": SAMPLE_MODEL, "prompt": SAMPLE_PROMPT, **fields}


def test_invented_parameter_goes_from_rest_to_the_wire(invented, api, provider):
    created = api.post(TASKS, body(fps_boost=3), format="json")

    task = GenerationTask.objects.get()
    assert (created.status_code, created.json()["parameters"]["fps_boost"]) == (202, 3)
    assert task.parameters["fps_boost"] == 3
    tasks.send_pending()
    assert [sent.json["fps_boost"] for sent in provider.requests if sent.method == "POST"] == [3]


@pytest.mark.parametrize(("value", "code"), [("3", "wrong_type"), (5, "out_of_range"), (True, "wrong_type")])
def test_invented_parameter_is_checked(invented, api, value, code):
    refused = api.post(TASKS, body(fps_boost=value), format="json")

    assert refused.status_code == 400
    assert [(error["field"], error["code"]) for error in refused.json()["errors"]] == [("fps_boost", code)]


def test_invented_parameter_is_read_from_a_multipart_form(invented, api):
    created = api.post(TASKS, body(fps_boost="3"), format="multipart")

    assert created.json()["parameters"]["fps_boost"] == 3


def test_invented_parameter_is_an_inline_flag(invented):
    assert flags.lift("A boat --fpsboost 3").parameters == {"fps_boost": 3}
    assert flags.lower({"fps_boost": 3}) == ("--fpsboost 3", {})


def test_invented_parameter_is_in_the_schema(invented):
    schema = json.loads(json.dumps(SeedanceSchemaGenerator(patterns=endpoints).get_schema(), default=str))

    field = schema["components"]["schemas"]["VideoTaskBodyRequest"]["properties"]["fps_boost"]
    assert field == {
        "type": "integer",
        "nullable": True,
        "minimum": 1,
        "maximum": 4,
        "description": "How many times the usual frames, 1 to 4.",
    }


def test_invented_parameter_is_in_the_admin_form(invented, admin_client):
    page = admin_client.get(reverse("admin:seedance_generationtask_add"))
    admin_client.post(reverse("admin:seedance_generationtask_add"), request_of(fps_boost="3", _save="1"))

    field = page.context["adminform"].form.fields["fps_boost"]
    assert (field.label, field.help_text) == ("Frame boost", invented.help)
    assert b'name="fps_boost"' in page.content
    assert GenerationTask.objects.get().parameters["fps_boost"] == 3


def test_invented_parameter_can_be_edited_and_is_compared(invented, admin_client, make_task):
    task = make_task(fps_boost=3)
    address = reverse("admin:seedance_generationtask_change", args=[task.pk])

    page = admin_client.get(address)
    admin_client.post(address, request_of(fps_boost="2", _save="1"))
    task.refresh_from_db()

    assert page.context["adminform"].form["fps_boost"].value() == 3
    assert "frame boost" in [compared.label for compared in page.context["comparison"]]
    assert task.parameters["fps_boost"] == 2


def test_invented_parameter_is_a_command_option(invented, db):
    command = load_command_class(get_commands()["seedance_generate"], "seedance_generate")
    assert "--fps-boost N" in command.create_parser("manage.py", "seedance_generate").format_help()

    call_command("seedance_generate", SAMPLE_PROMPT, "--model", SAMPLE_MODEL, "--fps-boost", "3")

    assert GenerationTask.objects.get().parameters["fps_boost"] == 3


def test_priority_is_a_column_that_follows_the_parameters(make_task):
    task = make_task(parameters={"priority": 3})
    assert GenerationTask.objects.get(priority=3) == task

    task.amend(parameters={"priority": 4})
    assert GenerationTask.objects.get(priority=4) == task

    task.parameters = {}
    task.save(update_fields=["parameters"])
    assert GenerationTask.objects.get(priority=None) == task


def test_form_of_the_videos_dialect_has_a_field_for_each_parameter_said_to_be_in_it():
    carried = {name for name, parameter in PARAMETERS.items() if parameter.in_video_form}

    assert carried | {"size"} == videos.CARRIED


def test_name_of_an_entry_is_its_key():
    assert [parameter.name for parameter in PARAMETERS.values()] == list(PARAMETERS)


def test_every_example_is_of_the_type_and_in_the_range():
    kinds = {"integer": int, "boolean": bool, "text": str, "list": list}

    for parameter in PARAMETERS.values():
        assert {type(example) for example in parameter.examples} == {kinds[parameter.kind]}
        assert parameter.range is None or all(example in parameter.range for example in parameter.examples)
        assert bool(parameter.flag_pattern) == (parameter.kind == "text" and bool(parameter.flags))


def test_table_of_the_catalogue_page_is_the_one_in_the_code():
    [listed] = re.findall(r"^\| parameter \|.*?(?=\n\n)", CATALOGUE_PAGE.read_text(), re.MULTILINE | re.DOTALL)

    assert listed == markdown_table()
