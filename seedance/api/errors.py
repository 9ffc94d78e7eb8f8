"""The API's errors: exceptions, and their responses as ``application/problem+json`` with a stable ``code``.

Source: RFC 9457, read 2026-11-22.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from math import ceil
from typing import Any
from uuid import uuid4

from django.core import exceptions as django_errors
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.http.request import UnreadablePostError
from django.utils.log import log_response
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from .. import conf, exceptions
from ..catalogue import CatalogueError, LazyMessage, Text, Violation, find_error
from ..models import GenerationTask

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

REQUEST_ID_HEADER = "X-Request-ID"
#: Request ids that are accepted from a proxy or client: nothing that could break a log line.
_REQUEST_ID = re.compile(r"[\w.:=+/-]{1,128}", re.ASCII)
#: The attribute of Django's request that holds its id.
_REQUEST_ID_ATTRIBUTE = "_seedance_request_id"

#: Maximum length of ``errors``; one more item then says that there are more.
MAX_ERRORS = 100
#: Maximum length of an item's text, and of a field's path, in characters.
_LONGEST_TEXT = 1000
_LONGEST_PATH = 200
#: ``Retry-After`` when the database is unavailable. Seconds.
_DATABASE_PAUSE = 5

#: Hints for values of the wrong type, by DRF's error code.
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
#: The hint for a refusal by the site itself.
_SITE_HINT = _("Change the request, or ask the operator of this site.")


class RequestRefused(drf.APIException):
    """The request is invalid; all its violations are reported at once."""

    status_code = 400
    default_code = "invalid"
    default_detail = _("The request was refused; nothing was created and nothing will be billed.")

    def __init__(self, violations: Iterable[Violation]) -> None:
        super().__init__()
        self.violations = list(violations)


class WrongState(drf.APIException):
    """The task's state forbids the operation. ``task`` is the current task, serialized."""

    status_code = 409
    default_code = "wrong_state"

    def __init__(
        self, detail: str, task: Mapping[str, Any], code: str | None = None, wait: float | None = None
    ) -> None:
        """``wait``: in how many seconds the state may have changed, for ``Retry-After``."""
        super().__init__(detail, code)
        self.task, self.wait = task, wait


class KeyReused(drf.APIException):
    """The ``Idempotency-Key`` was used for another request."""

    status_code = 422
    default_code = exceptions.KeyReusedError.code
    default_detail = _("This Idempotency-Key was used for another request; take a new key for a new request.")


class ReplayIncomplete(drf.APIException):
    """Some tasks of this ``Idempotency-Key`` were erased."""

    status_code = 410
    default_code = exceptions.ReplayIncompleteError.code
    default_detail = _(
        "Some of the tasks that were made with this Idempotency-Key have been erased since, so the first answer cannot "
        "be given again. Nothing was created; take a new key to ask for all of them again."
    )


class FileGone(drf.APIException):
    """The file was stored and has been removed."""

    status_code = 410
    default_code = "gone"
    default_detail = _("The file is no longer stored.")


class RangeOutside(drf.APIException):
    """The byte range lies outside the file."""

    status_code = 416
    default_code = "range_not_satisfiable"
    default_detail = _("The range lies outside of the file.")


class TooLarge(drf.APIException):
    """The body exceeds the limit."""

    status_code = 413
    default_code = "too_large"
    default_detail = _("The request is too large.")

    def __init__(self, max_bytes: int | None = None) -> None:
        """``max_bytes``: the limit, if it is known."""
        megabytes = _("The request is too large; up to %(megabytes)s MB are read.")
        super().__init__(megabytes % {"megabytes": f"{max_bytes / 1e6:g}"} if max_bytes is not None else None)
        self.max_bytes = max_bytes


class TooManyParts(drf.APIException):
    """The form has more parts than Django's settings allow."""

    status_code = 400
    default_code = "too_many_parts"


class PreconditionFailed(drf.APIException):
    """An ``If-Match`` or ``If-Unmodified-Since`` that does not hold."""

    status_code = 412
    default_code = "precondition_failed"
    default_detail = _("What you named in If-Match or If-Unmodified-Since is no longer what is here.")


class Unavailable(drf.APIException):
    """The database is unavailable."""

    status_code = 503
    default_code = "unavailable"
    default_detail = _("The service is not available at the moment. Nothing is known to be lost; try again.")
    wait = _DATABASE_PAUSE


class Internal(drf.APIException):
    """An internal error."""

    status_code = 500
    default_code = "internal"
    default_detail = _("Something went wrong here. Tell the operator the request_id; the log has it, too.")


class Misconfigured(drf.APIException):
    """The site's settings are invalid; its log has the reason."""

    status_code = 503
    default_code = "misconfigured"
    default_detail = _("This site is not configured correctly; its operator finds the reason in the log.")


def refusal(field: str, code: str, message: Text, hint: Text, **values: object) -> Violation:
    """A violation with translatable texts."""
    return Violation(field, code, LazyMessage(message, values), LazyMessage(hint, values))


def violations_of(detail: object, path: str = "") -> list[Violation]:
    """DRF's nested error detail as a flat list of violations, with paths such as ``media[0].url``."""
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
    """Django's ``ValidationError`` as a flat list of violations."""
    by_field = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
    return [
        Violation(
            field,
            item.code or "invalid",
            LazyMessage("%(text)s", {"text": "".join(item.messages)}),
            LazyMessage(_SITE_HINT if not field or field.endswith("]") else _HINT),
        )
        for field, items in by_field.items()
        for item in items
    ]


def request_id(request: Any) -> str:
    """The id of a request, Django's or REST framework's: that of its header if it is valid, else a new one.

    It is in the response and in the log, so that a consumer can quote it to the operator.
    """
    request = getattr(request, "_request", request)
    found: str | None = getattr(request, _REQUEST_ID_ATTRIBUTE, None)
    if found is None:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        found = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        setattr(request, _REQUEST_ID_ATTRIBUTE, found)
    return found


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """The response to an exception of a view.

    An internal error is logged with its traceback and sent to the receivers of ``got_request_exception``: monitoring,
    and Django's test client, which raises it. ``None`` leaves it to Django if ``DEBUG_PROPAGATE_EXCEPTIONS`` is set.
    """
    error = _as_api_error(exc)
    is_internal = isinstance(error, (Internal, Unavailable))
    if is_internal and conf.of_django("DEBUG_PROPAGATE_EXCEPTIONS"):
        return None
    set_rollback()
    response = problem_response(error, context["request"])
    if is_internal:
        _report(exc, context["request"], response)
    else:
        _log(error, context["request"])
    return response


def _report(exc: Exception, request: Any, response: Response) -> None:
    """Log an internal error as Django does, and with the request id."""
    request = getattr(request, "_request", request)
    got_request_exception.send_robust(sender=None, request=request)
    log_response(
        "api fault status=%s method=%s path=%s request_id=%s",
        response.status_code,
        request.method,
        ascii(request.path),
        request_id(request),
        response=response,
        request=request,
        exception=exc,
    )


def _log(error: drf.APIException, request: Any) -> None:
    logger.info(
        "api problem status=%s code=%s method=%s path=%s request_id=%s",
        error.status_code,
        _code(error),
        request.method,
        ascii(request.path)[:_LONGEST_PATH],
        request_id(request),
    )


def problem_response(error: drf.APIException, request: Any) -> Response:
    """The response for one error."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "detail": _detail(error),
        "code": _code(error),
        "instance": request.path,
        "request_id": request_id(request),
    }
    violations = _problems(error)
    if violations:
        body["errors"] = [described(violation) for violation in _bounded(violations)]
    if (max_bytes := getattr(error, "max_bytes", None)) is not None:
        body["max_bytes"] = max_bytes
    if isinstance(error, WrongState):
        body |= {"task": error.task, **_explained(error.task)}
    return Response(_printable(body), error.status_code, headers=_headers(error), content_type=CONTENT_TYPE)


def _explained(task: Mapping[str, Any]) -> dict[str, str]:
    """Meaning and advice for the error of a task, in the reader's language; empty without an error."""
    if not (error := task.get("error")):
        return {}
    kind = find_error(error["code"], message=error["message"])
    return {"meaning": str(kind.meaning), "advice": str(kind.advice)}


def described(violation: Violation) -> dict[str, str]:
    """One violation as an item of ``errors[]`` and ``warnings[]``."""
    # The field of the body; the rules use the name of the column.
    field = "draft_task" if violation.field == "draft_task_id" else violation.field
    texts = {"code": violation.code, "message": str(violation.message), "hint": str(violation.hint)}
    return {"field": field[:_LONGEST_PATH], **{name: text[:_LONGEST_TEXT] for name, text in texts.items()}}


def _bounded(violations: list[Violation]) -> list[Violation]:
    """The first ``MAX_ERRORS``, and one more if there are others."""
    if len(violations) <= MAX_ERRORS:
        return violations
    more = _("There are more problems; these are the first %(shown)s.")
    return [*violations[:MAX_ERRORS], refusal("", "more_errors", more, _("Correct these first."), shown=MAX_ERRORS)]


def _as_api_error(exc: Exception) -> drf.APIException:
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
            return TooLarge(conf.of_django("DATA_UPLOAD_MAX_MEMORY_SIZE"))
        case django_errors.TooManyFieldsSent():
            return _too_many(
                _("A form may have %(most)s fields here."), conf.of_django("DATA_UPLOAD_MAX_NUMBER_FIELDS")
            )
        case django_errors.TooManyFilesSent():
            return _too_many(_("A form may have %(most)s files here."), conf.of_django("DATA_UPLOAD_MAX_NUMBER_FILES"))
        case OperationalError() | InterfaceError():
            return Unavailable()
        case django_errors.SuspiciousOperation() | UnreadablePostError():
            return drf.ParseError(_("The request could not be read."))
        case ProtectedError() | RestrictedError():
            return _conflict(_("Something else on this site still refers to this task."), "in_use")
        case exceptions.ConfigurationError() | CatalogueError():
            logger.error("api misconfigured error=%s", exc)
            return Misconfigured()
    return Internal()


def _too_many(text: Text, most: int | None) -> drf.APIException:
    return TooManyParts(str(text % {"most": most}))


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
    """Replace lone surrogates, which may come from the names and values of a bad request."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value


def _joined(path: str, name: object) -> str:
    if name == "non_field_errors":
        return path
    return f"{path}.{name}" if path else str(name)
