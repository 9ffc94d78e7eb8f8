"""Texts of the timeline are stored as a code, and worded in the language of whoever reads them."""

import ast
import copy
import pickle
from pathlib import Path

import pytest
from django.template import Context, Template
from django.utils import translation

import seedance
from seedance.models import Attention, EventText, TaskEvent
from seedance.models import event_text as module

pytestmark = pytest.mark.django_db


@pytest.fixture
def shout(monkeypatch):
    """Translates by capitals, as another language would."""
    monkeypatch.setattr(module, "gettext", lambda text: text.replace("Accepted as", "ACCEPTED AS"))


def stored(task, detail):
    return TaskEvent.objects.get(pk=task.note(TaskEvent.What.NOTE, detail=detail).pk)


@pytest.mark.parametrize("text", ["", "HTTP 500", '{"code": "accepted"}', "100 %", "\x1enonsense"])
def test_free_text_is_stored_as_it_is(make_task, text):
    assert stored(make_task(), text).detail.removeprefix("\x1e") == text.removeprefix("\x1e")


def test_code_is_stored_with_its_arguments(make_task):
    detail = stored(make_task(), EventText("accepted", id="cgt-1")).detail

    assert (detail.code, detail.arguments) == ("accepted", {"id": "cgt-1"})
    assert detail == "Accepted as cgt-1."


def test_text_is_worded_when_it_is_shown(make_task, shout):
    event = stored(make_task(), EventText("accepted", id="<cgt>"))

    shown = Template("{{ event.detail }}").render(Context({"event": event}))

    assert shown == "ACCEPTED AS &lt;cgt&gt;."
    assert f"{event.detail}" == str(event.detail) == "ACCEPTED AS <cgt>."


def test_text_within_a_text_is_worded_too(make_task, shout):
    inner = EventText("accepted", id="cgt-1")

    detail = stored(make_task(), EventText("with_answer", text=inner, answer="HTTP 200")).detail

    assert str(detail) == "ACCEPTED AS cgt-1.\n\nHTTP 200"
    assert detail == "Accepted as cgt-1.\n\nHTTP 200"


def test_flag_keeps_its_code_and_is_raised_once(make_task):
    task = make_task(status="queued")
    detail = EventText("link_taken", id="cgt-1")

    task.flag(Attention.GONE, cause="test", detail=detail)
    task.refresh_from_db()
    task.flag(Attention.GONE, cause="test", detail=detail)

    assert task.attention_detail.code == "link_taken"
    assert [event.detail for event in task.events.all()] == ["gone: Another task has the id cgt-1 already."]
    assert type(task).objects.filter(attention_detail=detail).count() == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda text: pickle.loads(pickle.dumps(text))])
def test_text_can_be_copied(copied):
    text = copied(EventText("accepted", id="cgt-1"))

    assert (text, text.code) == ("Accepted as cgt-1.", "accepted")


def test_code_of_a_later_version_is_shown_as_it_is_stored(make_task, monkeypatch):
    event = make_task().note(TaskEvent.What.NOTE, detail=EventText("accepted", id="cgt-1"))
    monkeypatch.delitem(module.TEMPLATES, "accepted")

    assert '"cgt-1"' in TaskEvent.objects.get(pk=event.pk).detail


def test_every_code_in_use_has_a_template_and_every_template_is_used():
    used = set()
    for path in Path(seedance.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "EventText":
                used |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}

    assert used == module.TEMPLATES.keys()


def test_string_is_english_whatever_language_is_active():
    with translation.override("ja"):
        assert EventText("accepted", id="cgt-1") == "Accepted as cgt-1."
