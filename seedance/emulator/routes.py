"""Which request goes where, and the faults in its way."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from . import ark, control, files, videos
from .errors import ApiError, ark_error, comet_error
from .faults import Armed, faults_marked_in
from .wire import Answer, Heard, json_answer
from .world import World

Act = Callable[[], Answer]
_TASKS = re.compile(r"/(?P<face>api|volc)/v3/contents/generations/tasks(?:/(?P<id>[^/]+))?(?P<rest>/.*)?")
_VIDEOS = re.compile(r"/v1/videos(?:/(?P<id>[^/]+))?(?P<content>/content)?")
_FILES = re.compile(r"/files/(?P<id>[^/]+)/(?P<name>[0-9a-f]+)\.(?P<suffix>mp4|mov|png)")


def answer(world: World, heard: Heard) -> Answer:
    """Find and run the route of one request."""
    if heard.path.startswith("/__control__/"):
        return control.answer(world, heard)
    world.heard.append(heard)
    world.agenda.catch_up()
    if match := _TASKS.fullmatch(heard.path):
        face = "ark" if match["face"] == "api" else "volc"
        return _tasks(world, heard, face, match["id"] or "", bool(match["rest"]))
    if match := _FILES.fullmatch(heard.path):
        act = partial(files.serve, world, heard, match["id"], match["name"], match["suffix"])
        return _perform(world, "download", match["id"], act, ark_error)
    if match := _VIDEOS.fullmatch(heard.path):
        return _videos(world, heard, match["id"] or "", bool(match["content"]))
    return _catalogue(world, heard)


def _tasks(world: World, heard: Heard, face: str, task_id: str, deeper: bool) -> Answer:
    wrap = ark_error if face == "ark" else comet_error
    if heard.method == "POST":
        # The service has no sub-routes: whatever is posted below a task is read as another create.
        own = faults_marked_in(heard.body)
        return _perform(world, "create", "", lambda: ark.create(world, face, heard, own), wrap, own)
    if heard.method == "GET" and not task_id:
        return _perform(world, "list", "", lambda: ark.list_tasks(world, face, heard), wrap)
    if heard.method == "GET" and not deeper:
        return _perform(world, "get", task_id, lambda: ark.get(world, face, heard, task_id), wrap)
    if heard.method == "DELETE" and task_id and not deeper:
        return _perform(world, "delete", task_id, lambda: ark.delete(world, face, heard, task_id), wrap)
    return wrap(_no_route(heard))


def _videos(world: World, heard: Heard, task_id: str, content: bool) -> Answer:
    if heard.method == "POST" and not task_id:
        own = faults_marked_in(heard.body)
        return _perform(world, "create", "", lambda: videos.create(world, heard, own), comet_error, own)
    if heard.method == "GET" and content:
        return _perform(world, "download", task_id, lambda: videos.content(world, heard, task_id), comet_error)
    if heard.method == "GET" and task_id:
        return _perform(world, "get", task_id, lambda: videos.get(world, heard, task_id), comet_error)
    return comet_error(_no_route(heard))


def _catalogue(world: World, heard: Heard) -> Answer:
    if heard.method == "GET" and heard.path == "/api/v3/models":
        return _guarded(lambda: ark.models(world, heard), ark_error)
    if heard.method == "GET" and heard.path == "/v1/models":
        return _guarded(lambda: videos.keyed_models(world, heard), comet_error)
    if heard.method == "GET" and heard.path == "/api/models":
        return json_answer(videos.public_models())
    return comet_error(_no_route(heard))


def _perform(
    world: World,
    operation: str,
    task_id: str,
    act: Act,
    wrap: Callable[[ApiError], Answer],
    own: list[Armed] | None = None,
) -> Answer:
    """Carry a request out, unless and except as an armed fault says."""
    task = world.state.results.get(task_id)
    if own is None and task is not None:
        own = task.faults
    fault = world.faults.strike(operation, task_id, own)
    if fault is None:
        return _guarded(act, wrap)
    if not fault.acts_first:
        return fault.answer()
    true = _guarded(act, wrap)
    return fault.spoil(true)


def _guarded(act: Act, wrap: Callable[[ApiError], Answer]) -> Answer:
    try:
        return act()
    except ApiError as error:
        return wrap(error)


def _no_route(heard: Heard) -> ApiError:
    return ApiError(404, "invalid_request", f"Invalid URL ({heard.method} {heard.path})")
