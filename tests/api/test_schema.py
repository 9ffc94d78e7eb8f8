"""The API describes itself, completely and correctly."""

import json
import re

import jsonschema
import pytest
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from django.utils import timezone

from seedance.api.docs import SeedanceSchemaGenerator
from seedance.api.urls import endpoints
from seedance.catalogue.parameters import PARAMETERS
from seedance.models import MediaItem

from .conftest import SAMPLE_MODEL, SAMPLE_PROMPT, TASKS

API = "/seedance/api/v1"
VERBS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema():
    """The document, made without a request."""
    return json.loads(json.dumps(SeedanceSchemaGenerator(patterns=endpoints).get_schema(), default=str))


def closed(schema, name):
    """A component as a JSON schema that allows nothing beyond what it names."""

    def convert(node):
        if isinstance(node, list):
            return [convert(item) for item in node]
        if not isinstance(node, dict):
            return node
        node = {key: convert(value) for key, value in node.items()}
        if "$ref" in node:
            node["$ref"] = node["$ref"].replace("#/components/schemas/", "#/$defs/")
        if node.get("properties") and node.get("type") == "object":
            node.setdefault("additionalProperties", False)
        if node.pop("nullable", False):
            return {"anyOf": [node, {"type": "null"}]}
        return node

    return {"$ref": f"#/$defs/{name}", "$defs": convert(schema["components"]["schemas"])}


def test_schema_is_made_without_complaints(capsys):
    SeedanceSchemaGenerator(patterns=endpoints).get_schema()

    assert "Warning" not in capsys.readouterr().err


def test_schema_is_served_as_json(client, db):
    response = client.get(f"{API}/schema/")

    assert response.json()["info"]["title"] == "Seedance videos"
    assert response.json()["servers"] == [{"url": API}]


def test_schema_is_served_as_yaml(client, db):
    response = client.get(f"{API}/schema/", headers={"Accept": "application/vnd.oai.openapi"})

    assert response.content.startswith(b"openapi: 3.")


def test_schema_has_every_endpoint(schema):
    paths = {re.sub(r"<str:(\w+)>", r"{\1}", f"/{pattern.pattern}") for pattern in endpoints}

    assert set(schema["paths"]) == paths


def test_schema_says_what_every_operation_does(schema):
    operations = [operation for methods in schema["paths"].values() for operation in methods.values()]

    assert all(operation["summary"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_schema_describes_every_field(schema):
    undescribed = [
        f"{name}.{field}"
        for name, component in schema["components"]["schemas"].items()
        for field, definition in component.get("properties", {}).items()
        if not definition.get("description") and not name.startswith("Paginated")
    ]

    assert undescribed == []


def test_schema_describes_every_parameter(schema):
    undescribed = [
        (path, parameter["name"])
        for path, methods in schema["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]

    assert undescribed == []


def test_schema_has_the_errors_of_every_operation(schema):
    missing = [
        (path, method, status)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        for status in ("401", "403", "429")
        if "application/problem+json" not in operation["responses"].get(status, {}).get("content", {})
    ]

    assert missing == []


def test_schema_has_every_parameter_of_a_request(schema):
    assert set(PARAMETERS) <= set(schema["components"]["schemas"]["VideoTaskBodyRequest"]["properties"])


def test_schema_shows_the_sample_request(schema):
    content = schema["paths"]["/tasks/"]["post"]["requestBody"]["content"]["application/json"]

    assert content["examples"]["TextToVideo"]["value"] == {
        "prompt": SAMPLE_PROMPT,
        "model": SAMPLE_MODEL,
        "duration": 5,
        "ratio": "16:9",
    }


@pytest.mark.django_db
def test_schema_example_can_be_sent(schema, api_client):
    content = schema["paths"]["/tasks/"]["post"]["requestBody"]["content"]["application/json"]

    response = api_client.post(TASKS, content["examples"]["TextToVideo"]["value"], format="json")

    assert response.status_code == 202


@pytest.mark.django_db
def test_schema_fits_a_task_with_everything(schema, api_client, make_task, user):
    task = make_task(
        owner=user,
        status="succeeded",
        video=ContentFile(b"video", name="boat.mp4"),
        video_url="https://cdn.example.com/boat.mp4",
        last_frame=ContentFile(b"png", name="boat.png"),
        total_tokens=1,
        estimate_amount="1",
        estimate_currency="USD",
        cost_amount="1",
        cost_currency="USD",
        error_code="E",
        error_message="m",
        error_charged="yes",
        result={"duration": 5},
        retry_of=make_task(owner=user),
        expires_at=timezone.now(),
    )
    MediaItem.objects.create(task=task, role="first_frame", url="https://example.com/a.png")

    shown = api_client.get(f"{TASKS}{task.pk}/").json()

    jsonschema.validate(shown, closed(schema, "VideoTask"))
    assert None not in shown.values()


@pytest.mark.django_db
def test_schema_fits_a_bare_task(schema, api_client, make_task, user):
    shown = api_client.get(f"{TASKS}{make_task(owner=user).pk}/").json()

    jsonschema.validate(shown, closed(schema, "VideoTask"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "component"),
    [
        ("/tasks/", "PaginatedVideoTaskList"),
        ("/models/", "VideoCatalogue"),
        ("/tasks/{id}/events/", "VideoTaskTimeline"),
    ],
)
def test_schema_fits_the_other_answers(schema, api_client, body, path, component):
    task_id = api_client.post(TASKS, body, format="json").json()["id"]

    answer = api_client.get(API + path.replace("{id}", task_id)).json()

    jsonschema.validate(answer, closed(schema, component))


@pytest.mark.django_db
def test_schema_fits_an_estimate(schema, api_client, body):
    answer = api_client.post(f"{TASKS}estimate/", body, format="json").json()

    jsonschema.validate(answer, closed(schema, "VideoTaskEstimate"))


@pytest.mark.django_db
def test_schema_fits_a_refusal(schema, api_client):
    answer = api_client.post(TASKS, {"colour": 1}, format="json").json()

    jsonschema.validate(answer, closed(schema, "VideoProblem"))


@pytest.mark.django_db
def test_schema_fits_a_conflict(schema, api_client, make_task, user):
    task = make_task(owner=user, status="running")

    answer = api_client.post(f"{TASKS}{task.pk}/submit/").json()

    jsonschema.validate(answer, closed(schema, "VideoTaskConflict"))


def test_docs_page_lists_every_endpoint_without_script(client, schema, db):
    page = client.get(f"{API}/docs/").content.decode()

    operations = [operation for methods in schema["paths"].values() for operation in methods.values()]
    assert page.count("<code>") == len(operations)


def test_docs_page_has_nothing_inline_and_nothing_from_elsewhere(client, db):
    page = client.get(f"{API}/docs/").content.decode()

    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?://", page) == []


def test_docs_page_loads_files_that_exist(client, db):
    page = client.get(f"{API}/docs/").content.decode()

    files = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert len(files) == 5
    assert all(finders.find(file) for file in files)


def test_models_list_names_price_and_limits(api_client, db):
    (provider,) = api_client.get(f"{API}/models/").json()["providers"]

    model = next(model for model in provider["models"] if model["model"] == SAMPLE_MODEL)
    assert provider["provider"] == "default"
    assert (model["limits"]["duration"]["minimum"], model["prices"][0]["currency"]) == (4, "USD")
