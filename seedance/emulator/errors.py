"""A refusal, and the envelopes in which the hosts wrap one."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from .wire import Response, json_response

_TYPES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
}


class ApiError(Exception):
    """The request is refused: HTTP status, provider code, message and, when one field is to blame, its path."""

    def __init__(
        self, status: int, code: str, message: str, param: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = headers or {}


def invalid(message: str, param: str = "", code: str = "InvalidParameter") -> ApiError:
    """A 400 with the provider's usual code."""
    return ApiError(400, code, message, param)


def request_id() -> str:
    """A request id shaped like the provider's: `02`, milliseconds, hexadecimal digits."""
    return f"02{int(time.time() * 1000):013d}{secrets.token_hex(16)}"


def ark_body(error: ApiError, trace: str) -> dict[str, Any]:
    """`{"error": {code, message, param, type}}`, the message ending in the request id."""
    return {
        "error": {
            "code": error.code,
            "message": f"{error.message} Request id: {trace}",
            "param": error.param,
            "type": _TYPES.get(error.status, "InternalServerError"),
        }
    }


def comet_body(error: ApiError, trace: str) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`, as the relay writes it."""
    return {
        "error": {
            "message": f"{error.message} (request id: {trace})",
            "type": "comet_api_error",
            "param": error.param,
            "code": error.code,
        }
    }


def wrapped_body(error: ApiError, trace: str) -> dict[str, Any]:
    """`{code, message, data: null}` with the upstream error as text inside, as relays hand it on."""
    return {
        "code": "fail_to_fetch_task",
        "message": json.dumps(ark_body(error, trace)),
        "data": None,
    }


def ark_error(error: ApiError) -> Response:
    trace = request_id()
    return json_response(ark_body(error, trace), error.status, {"X-Request-Id": trace, **error.headers})


def comet_error(error: ApiError) -> Response:
    trace = request_id()
    return json_response(comet_body(error, trace), error.status, {"x-cometapi-request-id": trace, **error.headers})
