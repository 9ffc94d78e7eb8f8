"""A request that begins where a stored video ended: how it is asked for, and what its form starts with."""

from typing import Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest
from django.utils.http import urlencode

from ..models import GenerationTask, chaining
from .links import page_url

#: Names the task in the address of the form, and in what the form sends back.
FIELD = "continue_from"


def asked_for(request: HttpRequest) -> UUID | None:
    """The id of the task to go on from; ``None`` when the form begins empty.

    Raises:
        Http404: what is named is no id.
    """
    given = request.POST if request.method == "POST" else request.GET
    if FIELD not in given:
        return None
    try:
        return UUID(given[FIELD])
    except ValueError:
        raise Http404 from None


def form_url(site: AdminSite, task: GenerationTask) -> str:
    """The address of the form that goes on from a task."""
    return f"{page_url(site, 'add')}?{urlencode({FIELD: str(task.pk)})}"


def initial_of(task: GenerationTask) -> dict[str, Any]:
    """Provider, model and parameters of a task as the rules take them for the next one; the prompt is left to people.

    Raises:
        TransitionError: its video is not stored, or no frame can be had from it.
    """
    prepared = chaining.prepare(task).prepared
    return {"provider": prepared.provider, "model_name": prepared.inputs.model_name, **prepared.inputs.given()}
