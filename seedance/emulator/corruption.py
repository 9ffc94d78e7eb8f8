"""How each fault of the wire looks: false answers, and damage done to true ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ApiError, ark_body, comet_body, request_id, wrapped_body
from .wire import Response, encode, json_response

Options = Mapping[str, Any]
Builder = Callable[[Options], Response]
Distorter = Callable[[Response, Options], Response]

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


def _html(status: int, text: str) -> Response:
    page = f"<html><head><title>{text}</title></head><body><center><h1>{text}</h1></center></body></html>"
    return Response(status, page.encode(), content_type=_HTML)


def custom_response(options: Options) -> Response:
    """The response asked for with `fail_next`: an Ark error, or a body of one's own (text, bytes, or JSON data)."""
    status = int(options["status"])
    headers = {str(name): str(value) for name, value in (options.get("headers") or {}).items()}
    body = options.get("body")
    if body is None:
        code = options.get("code") or _STATUS_CODES.get(status, "InternalServiceError")
        trace = request_id()
        message = options.get("message") or "The request was refused by the emulator on demand."
        return json_response(
            ark_body(ApiError(status, code, message), trace), status, {"X-Request-Id": trace, **headers}
        )
    if isinstance(body, bytes | str):
        return Response(status, body if isinstance(body, bytes) else body.encode(), headers)
    return json_response(body, status, headers)


def _rate_limited(options: Options) -> Response:
    code = options.get("code") or "ModelAccountRpmRateLimitExceeded"
    error = ApiError(429, code, options.get("message") or "The request rate exceeds the account limit of the model.")
    headers = {"Retry-After": str(options["retry_after"])} if options.get("retry_after") is not None else {}
    return json_response(ark_body(error, request_id()), 429, headers)


def _redirect(options: Options) -> Response:
    response = _html(301, "301 Moved Permanently")
    response.headers["Location"] = str(options.get("location", "/"))
    return response


def _invalid_request(_: Options) -> Response:
    return json_response(comet_body(ApiError(500, "invalid_request", "invalid request"), request_id()), 500)


def _wrapped(options: Options) -> Response:
    code = options.get("code") or "InputTextSensitiveContentDetected"
    error = ApiError(451, code, "The request failed because the input text may contain sensitive information.")
    return json_response(wrapped_body(error, request_id()), 451)


def _flat(options: Options) -> Response:
    body = {"code": options.get("code") or "InvalidParameter", "message": "flat", "param": "content", "type": ""}
    return json_response(body, int(options.get("status", 400)))


def _response_metadata(options: Options) -> Response:
    error = {"Code": options.get("code") or "AccessDenied", "Message": "metadata"}
    return json_response(
        {"ResponseMetadata": {"RequestId": request_id(), "Error": error}}, int(options.get("status", 403))
    )


def _parse_error(options: Options) -> Response:
    status = int(options.get("status", 400))
    error = ApiError(status, "", "invalid character 'm' looking for beginning of value")
    return json_response(comet_body(error, request_id()), status)


def _html_for_mp4(options: Options) -> Response:
    response = _html(200, "Please sign in")
    response.content_type = str(options.get("content_type", _HTML))
    return response


ANSWERS: Mapping[str, Builder] = {
    "connection_reset": lambda options: Response(hang_up="reset"),
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


def _hang_up(response: Response, _: Options) -> Response:
    if response.status < 400:
        response.hang_up = "close"
    return response


def _with_json(response: Response, change: Callable[[Any], Any]) -> Response:
    response.body = encode(change(json.loads(response.body)))
    return response


def _blank_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {name: "" if name in ("id", "task_id") else value for name, value in body.items()}


def _drop_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("id", "task_id")}


def with_nulls(body: dict[str, Any]) -> dict[str, Any]:
    """A task object, or a page of them, in which absent fields are spelled out as null."""
    if isinstance(body.get("items"), list):
        return {**body, "items": [with_nulls(item) for item in body["items"]]}
    return {**dict.fromkeys(OPTIONAL_FIELDS), **body} if "status" in body else body


def _truncate(response: Response, _: Options) -> Response:
    response.body = response.body[: max(1, len(response.body) // 2)]
    return response


def _truncate_file(response: Response, options: Options) -> Response:
    kept = int(len(response.body) * float(options.get("kept", 0.5)))
    response.missing_bytes = len(response.body) - kept
    response.body = response.body[:kept]
    return response


def _empty(response: Response, _: Options) -> Response:
    response.body = b""
    return response


def _mislabel(response: Response, _: Options) -> Response:
    response.headers["Content-Encoding"] = "gzip"
    return response


def _delay(response: Response, options: Options) -> Response:
    response.delay = float(options.get("seconds", 2.0))
    return response


def _trickle(response: Response, options: Options) -> Response:
    response.trickle = float(options.get("seconds", 2.0))
    return response


DISTORTIONS: Mapping[str, Distorter] = {
    "lost_response_after_accept": _hang_up,
    "empty_id": lambda response, options: _with_json(response, _blank_ids),
    "missing_id": lambda response, options: _with_json(response, _drop_ids),
    "truncated_json": _truncate,
    "empty_body": _empty,
    "gzip_mislabel": _mislabel,
    "null_instead_of_omitted": lambda response, options: _with_json(response, with_nulls),
    "truncated_mp4": _truncate_file,
    "slow_headers": _delay,
    "slow_body": _trickle,
}
