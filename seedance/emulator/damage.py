"""How each fault of the wire looks: false answers, and damage done to true ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ApiError, ark_body, comet_body, request_id, wrapped_body
from .wire import Answer, encode, json_answer

Options = Mapping[str, Any]
Builder = Callable[[Options], Answer]
Distorter = Callable[[Answer, Options], Answer]

_HTML = "text/html; charset=utf-8"
#: Fields of a task object that are usually left out, for relays that write null instead.
OPTIONAL_FIELDS = (
    "error",
    "content",
    "usage",
    "tools",
    "seed",
    "resolution",
    "ratio",
    "duration",
    "frames",
    "framespersecond",
    "generate_audio",
    "draft",
    "draft_task_id",
    "priority",
    "output_format",
    "safety_identifier",
    "revised_prompt",
)
_STATUS_CODES = {
    400: "InvalidParameter",
    401: "AuthenticationError",
    403: "AccessDenied",
    404: "ResourceNotFound",
    409: "InvalidAction",
    413: "RequestBodyTooLarge",
    429: "ModelAccountRpmRateLimitExceeded",
}


def _html(status: int, text: str) -> Answer:
    page = f"<html><head><title>{text}</title></head><body><center><h1>{text}</h1></center></body></html>"
    return Answer(status, page.encode(), content_type=_HTML)


def custom_answer(options: Options) -> Answer:
    """The answer asked for with `fail_next`: an Ark error, or a body of one's own (text, bytes, or JSON data)."""
    status = int(options["status"])
    headers = {str(name): str(value) for name, value in (options.get("headers") or {}).items()}
    body = options.get("body")
    if body is None:
        code = options.get("code") or _STATUS_CODES.get(status, "InternalServiceError")
        trace = request_id()
        message = options.get("message") or "The request was refused by the emulator on demand."
        return json_answer(ark_body(ApiError(status, code, message), trace), status, {"X-Request-Id": trace, **headers})
    if isinstance(body, bytes | str):
        return Answer(status, body if isinstance(body, bytes) else body.encode(), headers)
    return json_answer(body, status, headers)


def _rate_limited(options: Options) -> Answer:
    code = options.get("code") or "ModelAccountRpmRateLimitExceeded"
    error = ApiError(429, code, options.get("message") or "The request rate exceeds the account limit of the model.")
    headers = {"Retry-After": str(options["retry_after"])} if options.get("retry_after") is not None else {}
    return json_answer(ark_body(error, request_id()), 429, headers)


def _redirect(options: Options) -> Answer:
    answer = _html(301, "301 Moved Permanently")
    answer.headers["Location"] = str(options.get("location", "/"))
    return answer


def _invalid_request(_: Options) -> Answer:
    return json_answer(comet_body(ApiError(500, "invalid_request", "invalid request"), request_id()), 500)


def _wrapped(options: Options) -> Answer:
    code = options.get("code") or "InputTextSensitiveContentDetected"
    error = ApiError(451, code, "The request failed because the input text may contain sensitive information.")
    return json_answer(wrapped_body(error, request_id()), 451)


def _flat(options: Options) -> Answer:
    body = {"code": options.get("code") or "InvalidParameter", "message": "flat", "param": "content", "type": ""}
    return json_answer(body, int(options.get("status", 400)))


def _response_metadata(options: Options) -> Answer:
    error = {"Code": options.get("code") or "AccessDenied", "Message": "metadata"}
    return json_answer(
        {"ResponseMetadata": {"RequestId": request_id(), "Error": error}}, int(options.get("status", 403))
    )


def _parse_error(options: Options) -> Answer:
    status = int(options.get("status", 400))
    error = ApiError(status, "", "invalid character 'm' looking for beginning of value")
    return json_answer(comet_body(error, request_id()), status)


def _html_for_mp4(options: Options) -> Answer:
    answer = _html(200, "Please sign in")
    answer.content_type = str(options.get("content_type", _HTML))
    return answer


ANSWERS: Mapping[str, Builder] = {
    "connection_reset": lambda options: Answer(hang_up="reset"),
    "rate_limited": _rate_limited,
    "html_502": lambda options: _html(int(options.get("status", 502)), "502 Bad Gateway"),
    "redirect_301": _redirect,
    "html_200": lambda options: _html(200, "Welcome"),
    "invalid_request_500": _invalid_request,
    "wrapped_451": _wrapped,
    "flat_error": _flat,
    "response_metadata_error": _response_metadata,
    "comet_parse_error": _parse_error,
    "html_for_mp4": _html_for_mp4,
}


def _hang_up(answer: Answer, _: Options) -> Answer:
    if answer.status < 400:
        answer.hang_up = "close"
    return answer


def _with_json(answer: Answer, change: Callable[[Any], Any]) -> Answer:
    answer.body = encode(change(json.loads(answer.body)))
    return answer


def _blank_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {name: "" if name in ("id", "task_id") else value for name, value in body.items()}


def _drop_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("id", "task_id")}


def with_nulls(body: dict[str, Any]) -> dict[str, Any]:
    """A task object, or a page of them, in which absent fields are spelled out as null."""
    if isinstance(body.get("items"), list):
        return {**body, "items": [with_nulls(item) for item in body["items"]]}
    return {**dict.fromkeys(OPTIONAL_FIELDS), **body} if "status" in body else body


def _truncate(answer: Answer, _: Options) -> Answer:
    answer.body = answer.body[: max(1, len(answer.body) // 2)]
    return answer


def _truncate_file(answer: Answer, options: Options) -> Answer:
    kept = int(len(answer.body) * float(options.get("kept", 0.5)))
    answer.missing_bytes = len(answer.body) - kept
    answer.body = answer.body[:kept]
    return answer


def _empty(answer: Answer, _: Options) -> Answer:
    answer.body = b""
    return answer


def _mislabel(answer: Answer, _: Options) -> Answer:
    answer.headers["Content-Encoding"] = "gzip"
    return answer


def _delay(answer: Answer, options: Options) -> Answer:
    answer.delay = float(options.get("seconds", 2.0))
    return answer


def _trickle(answer: Answer, options: Options) -> Answer:
    answer.trickle = float(options.get("seconds", 2.0))
    return answer


DISTORTIONS: Mapping[str, Distorter] = {
    "lost_response_after_accept": _hang_up,
    "empty_id": lambda answer, options: _with_json(answer, _blank_ids),
    "missing_id": lambda answer, options: _with_json(answer, _drop_ids),
    "truncated_json": _truncate,
    "empty_body": _empty,
    "gzip_mislabel": _mislabel,
    "null_instead_of_omitted": lambda answer, options: _with_json(answer, with_nulls),
    "truncated_mp4": _truncate_file,
    "slow_headers": _delay,
    "slow_body": _trickle,
}
