"""Which request goes where, and the faults in its way."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from . import ark, control, files, videos
from .app_state import AppState
from .errors import ApiError, ark_error, comet_error
from .faults import Armed, faults_marked_in
from .wire import Request, Response, json_response

Act = Callable[[], Response]
_TASKS = re.compile(r"/(?P<flavour>api|volc)/v3/contents/generations/tasks(?:/(?P<id>[^/]+))?(?P<rest>/.*)?")
_VIDEOS = re.compile(r"/v1/videos(?:/(?P<id>[^/]+))?(?P<content>/content)?")
_FILES = re.compile(r"/files/(?P<id>[^/]+)/(?P<name>[0-9a-f]+)\.(?P<suffix>mp4|mov|png)")


def response(app: AppState, request: Request) -> Response:
    """Find and run the route of one request."""
    if request.path.startswith("/__control__/"):
        return control.response(app, request)
    app.requests.append(request)
    app.scheduler.catch_up()
    if match := _TASKS.fullmatch(request.path):
        flavour = "ark" if match["flavour"] == "api" else "volc"
        return _tasks(app, request, flavour, match["id"] or "", bool(match["rest"]))
    if match := _FILES.fullmatch(request.path):
        act = partial(files.serve, app, request, match["id"], match["name"], match["suffix"])
        return _perform(app, "download", match["id"], act, ark_error)
    if match := _VIDEOS.fullmatch(request.path):
        return _videos(app, request, match["id"] or "", bool(match["content"]))
    return _catalogue(app, request)


def _tasks(app: AppState, request: Request, flavour: str, task_id: str, deeper: bool) -> Response:
    wrap = ark_error if flavour == "ark" else comet_error
    if request.method == "POST":
        # The service has no sub-routes: whatever is posted below a task is read as another create.
        own = faults_marked_in(request.body)
        return _perform(app, "create", "", lambda: ark.create(app, flavour, request, own), wrap, own)
    if request.method == "GET" and not task_id:
        return _perform(app, "list", "", lambda: ark.list_tasks(app, flavour, request), wrap)
    if request.method == "GET" and not deeper:
        return _perform(app, "get", task_id, lambda: ark.get(app, flavour, request, task_id), wrap)
    if request.method == "DELETE" and task_id and not deeper:
        return _perform(app, "delete", task_id, lambda: ark.delete(app, flavour, request, task_id), wrap)
    return wrap(_no_route(request))


def _videos(app: AppState, request: Request, task_id: str, content: bool) -> Response:
    if request.method == "POST" and not task_id:
        own = faults_marked_in(request.body)
        return _perform(app, "create", "", lambda: videos.create(app, request, own), comet_error, own)
    if request.method == "GET" and content:
        return _perform(app, "download", task_id, lambda: videos.content(app, request, task_id), comet_error)
    if request.method == "GET" and task_id:
        return _perform(app, "get", task_id, lambda: videos.get(app, request, task_id), comet_error)
    return comet_error(_no_route(request))


def _catalogue(app: AppState, request: Request) -> Response:
    if request.method == "GET" and request.path == "/api/v3/models":
        return _guarded(lambda: ark.models(app, request), ark_error)
    if request.method == "GET" and request.path == "/v1/models":
        return _guarded(lambda: videos.keyed_models(app, request), comet_error)
    if request.method == "GET" and request.path == "/api/models":
        return json_response(videos.public_models())
    return comet_error(_no_route(request))


def _perform(
    app: AppState,
    operation: str,
    task_id: str,
    act: Act,
    wrap: Callable[[ApiError], Response],
    own: list[Armed] | None = None,
) -> Response:
    """Carry a request out, unless and except as an armed fault says."""
    task = app.store.results.get(task_id)
    if own is None and task is not None:
        own = task.faults
    fault = app.faults.take(operation, task_id, own)
    if fault is None:
        return _guarded(act, wrap)
    if not fault.acts_first:
        return fault.response()
    true = _guarded(act, wrap)
    return fault.spoil(true)


def _guarded(act: Act, wrap: Callable[[ApiError], Response]) -> Response:
    try:
        return act()
    except ApiError as error:
        return wrap(error)


def _no_route(request: Request) -> ApiError:
    return ApiError(404, "invalid_request", f"Invalid URL ({request.method} {request.path})")
