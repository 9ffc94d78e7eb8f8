"""Everything that can go wrong, said to programs: ``application/problem+json`` with a stable ``code``.

Source: RFC 9457, read 2026-11-22.
"""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from django.core import exceptions as django_errors
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.http.request import UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from .. import exceptions
from ..catalogue.errors import find
from ..catalogue.loading import CatalogueError
from ..catalogue.violations import LazyMessage, Text, Violation
from ..models import GenerationTask

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

#: What to do about a value of the wrong shape, by DRF's code for it.
_HINTS: Mapping[str, Text] = {
    "required": _("Give a value."),
    "null": _("Give a value, or leave the field out."),
    "blank": _("Give a value, or leave the field out."),
    "not_a_list": _("Send a list."),
    "empty": _("Send at least one."),
    "max_length": _("Shorten it."),
    "null_characters_not_allowed": _("Take the NUL characters out."),
    "surrogate_characters_not_allowed": _("Send valid Unicode text."),
}
_HINT = _("Correct the value; the API's schema describes it.")
#: What to do about what the site itself refuses as a whole.
_SITE_CURE = _("Change the request, or ask the operator of this site.")


class RequestRefused(drf.APIException):
    """The request is wrong; every ``problem`` of it is named at once."""

    status_code = 400
    default_code = "invalid"
    default_detail = _("The request was refused; nothing was created and nothing will be billed.")

    def __init__(self, violations: Iterable[Violation]) -> None:
        super().__init__()
        self.violations = list(violations)


class WrongState(drf.APIException):
    """The task's state forbids it. ``task`` is the task as it is, ready to be rendered."""

    status_code = 409
    default_code = "wrong_state"

    def __init__(self, detail: str, task: Mapping[str, Any], code: str | None = None) -> None:
        super().__init__(detail, code)
        self.task = task


class KeyReused(drf.APIException):
    """An ``Idempotency-Key`` that already stands for another request."""

    status_code = 422
    default_code = exceptions.KeyReusedError.code
    default_detail = _("This Idempotency-Key was used for another request; take a new key for a new request.")


class ReplayIncomplete(drf.APIException):
    """An ``Idempotency-Key`` of which not all tasks are left."""

    status_code = 410
    default_code = exceptions.ReplayIncompleteError.code
    default_detail = _(
        "Some of the tasks that were made with this Idempotency-Key have been erased since, so the first answer cannot "
        "be given again. Nothing was created; take a new key to ask for all of them again."
    )


class FileGone(drf.APIException):
    """The file was ours and is no more."""

    status_code = 410
    default_code = "gone"
    default_detail = _("The file is no longer stored.")


class RangeOutside(drf.APIException):
    """A byte range that the file does not have."""

    status_code = 416
    default_code = "range_not_satisfiable"
    default_detail = _("The range lies outside of the file.")


class TooLarge(drf.APIException):
    """A body that is larger than we read."""

    status_code = 413
    default_code = "too_large"
    default_detail = _("The request is too large.")


class Misconfigured(drf.APIException):
    """The site's own settings are in the way; its log says which."""

    status_code = 503
    default_code = "misconfigured"
    default_detail = _("This site is not configured correctly; its operator finds the reason in the log.")


def refusal(field: str, code: str, message: Text, hint: Text, **values: object) -> Violation:
    """One thing that is wrong with a request, in translatable words."""
    return Violation(field, code, LazyMessage(message, values), LazyMessage(hint, values))


def violations_of(detail: object, path: str = "") -> list[Violation]:
    """DRF's nested error detail as a flat list, with paths such as ``media[0].url``."""
    if isinstance(detail, Mapping):
        return [found for name, below in detail.items() for found in violations_of(below, _joined(path, name))]
    if isinstance(detail, list):
        return [
            found
            for position, below in enumerate(detail)
            for found in violations_of(below, path if isinstance(below, str) else f"{path}[{position}]")
        ]
    code = str(getattr(detail, "code", "invalid"))
    return [Violation(path, code, LazyMessage("%(text)s", {"text": detail}), LazyMessage(_HINTS.get(code, _HINT)))]


def django_violations(error: django_errors.ValidationError) -> list[Violation]:
    """Django's ``ValidationError`` as a flat list."""
    by_field = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
    return [
        Violation(
            field,
            item.code or "invalid",
            LazyMessage("%(text)s", {"text": "".join(item.messages)}),
            LazyMessage(_SITE_CURE if not field or field.endswith("]") else _HINT),
        )
        for field, items in by_field.items()
        for item in items
    ]


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer for an exception of one of our views; ``None`` leaves a true fault to Django."""
    error = _as_api_error(exc)
    if error is None:
        return None
    set_rollback()
    return problem_response(error, instance=context["request"].path)


def problem_response(error: drf.APIException, *, instance: str) -> Response:
    """The answer that tells a program about one error."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "detail": _detail(error),
        "code": _code(error),
        "instance": instance,
    }
    violations = _problems(error)
    if violations:
        body["errors"] = [described(violation) for violation in violations]
    if isinstance(error, WrongState):
        body |= {"task": error.task, **_explained(error.task)}
    return Response(_printable(body), error.status_code, headers=_headers(error), content_type=CONTENT_TYPE)


def _explained(task: Mapping[str, Any]) -> dict[str, str]:
    """What the error of a task means and what helps, in the reader's language; nothing for a task without one."""
    if not (error := task.get("error")):
        return {}
    kind = find(error["code"], message=error["message"])
    return {"meaning": str(kind.meaning), "advice": str(kind.advice)}


def described(violation: Violation) -> dict[str, str]:
    """One problem as it stands in ``errors[]`` and ``warnings[]``."""
    # One name for one thing: the body calls it what Python's ``create_task`` does.
    field = "draft_task" if violation.field == "draft_task_id" else violation.field
    return {"field": field, "code": violation.code, "message": str(violation.message), "hint": str(violation.hint)}


def _as_api_error(exc: Exception) -> drf.APIException | None:
    match exc:
        case drf.APIException():
            return exc
        case Http404() | GenerationTask.DoesNotExist():  # the row may vanish at any moment
            return drf.NotFound()
        case exceptions.KeyReusedError():
            return KeyReused()
        case exceptions.ReplayIncompleteError():
            return ReplayIncomplete()
        case django_errors.PermissionDenied():
            return drf.PermissionDenied()
        case django_errors.ValidationError():
            return RequestRefused(django_violations(exc))
        case django_errors.RequestDataTooBig():
            return TooLarge()
        case django_errors.SuspiciousOperation() | UnreadablePostError():
            return drf.ParseError(_("The request could not be read."))
        case ProtectedError() | RestrictedError():
            return _conflict(_("Something else on this site still refers to this task."), "in_use")
        case exceptions.ConfigurationError() | CatalogueError():
            logger.error("api misconfigured error=%s", exc)
            return Misconfigured()
    return None


def _conflict(detail: Text, code: str) -> drf.APIException:
    error = drf.APIException(detail, code)
    error.status_code = 409
    return error


def _problems(error: drf.APIException) -> list[Violation]:
    if isinstance(error, RequestRefused):
        return error.violations
    return violations_of(error.detail) if isinstance(error, drf.ValidationError) else []


def _detail(error: drf.APIException) -> str:
    return str(RequestRefused.default_detail if isinstance(error, drf.ValidationError) else error.detail)


def _code(error: drf.APIException) -> str:
    return "invalid" if isinstance(error, drf.ValidationError) else str(error.get_codes())


def _headers(error: drf.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(ceil(wait))
    return headers


def _printable(value: Any) -> Any:
    """The same, with half surrogate pairs replaced: names and values of a bad request are quoted in errors."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value


def _joined(path: str, name: object) -> str:
    if name == "non_field_errors":
        return path
    return f"{path}.{name}" if path else str(name)
