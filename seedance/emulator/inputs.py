"""Judge one input medium by its address, the way the provider does while it handles the create call."""

from __future__ import annotations

import base64
import binascii
import http.client
import io
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import invalid
from .loopback import ask_loopback, is_loopback_url

_DATA = re.compile(r"data:(?P<kind>[a-z]+)/(?P<format>[^;,]*);base64,(?P<data>.*)", re.DOTALL)
_FORMATS = {
    "image": {"jpeg", "jpg", "png", "webp", "bmp", "tiff", "gif", "heic", "heif"},
    "audio": {"wav", "mp3", "mpeg", "x-wav"},
}
_LARGEST = {"image": 30 * 2**20, "video": 200 * 2**20, "audio": 15 * 2**20}
_FETCH_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class InputRules:
    """How closely media are looked at."""

    fetch: bool = False
    geometry: bool = True


def inspect_medium(kind: str, url: str, param: str, rules: InputRules) -> tuple[int, int] | None:
    """Check an image, video or audio address.

    Returns:
        Width and height in pixels of an image whose bytes were at hand, else None.

    Raises:
        ApiError: 400, naming `param`, when the provider would refuse it.
    """
    if url.startswith("data:"):
        data = _decode(kind, url, param)
    elif url.startswith("asset://") and len(url) > len("asset://"):
        return None
    elif _web_host(url):
        data = _fetch(url, param, rules)
    else:
        raise invalid(f"The parameter `{param}` specified in the request is not valid: invalid url specified.", param)
    if len(data) > _LARGEST[kind]:
        limit = _LARGEST[kind] // 2**20
        raise invalid(f"The parameter `{param}` is not valid: {kind} size must be less than {limit} MB.", param)
    if kind != "image" or not data or not rules.geometry:
        return None
    return _measure(data, param)


def _web_host(url: str) -> str:
    """The host of an http(s) address; empty when it is none."""
    try:
        split = urlsplit(url)
    except ValueError:
        return ""
    return (split.hostname or "") if split.scheme in ("http", "https") else ""


def _decode(kind: str, url: str, param: str) -> bytes:
    if kind == "video":
        raise invalid(f"The parameter `{param}` is not valid: reference_video must be provided as a web url.", param)
    match = _DATA.fullmatch(url)
    if match is None or match["kind"] != kind or match["format"] not in _FORMATS[kind]:
        raise invalid(
            f"The parameter `{param}` specified in the request is not valid: expected a base64 data url such as "
            f"data:{kind}/<format>;base64,<data>, with the format in lower case.",
            param,
        )
    try:
        return base64.b64decode(match["data"], validate=True)
    except binascii.Error as exc:
        raise invalid(f"The parameter `{param}` specified in the request is not valid: illegal base64.", param) from exc


def _fetch(url: str, param: str, rules: InputRules) -> bytes:
    failure = f"The parameter `{param}` specified in the request is not valid: resource download failed."
    if _web_host(url).endswith(".invalid"):
        raise invalid(failure, param)
    if not rules.fetch or not is_loopback_url(url):
        return b""
    try:
        status, data = ask_loopback("GET", url, None, _FETCH_SECONDS)
    except TimeoutError as exc:
        raise invalid(f"The parameter `{param}` is not valid: timeout while fetching resource.", param) from exc
    except (OSError, http.client.HTTPException) as exc:
        raise invalid(failure, param) from exc
    if status != 200:
        raise invalid(failure, param)
    return data


def _measure(data: bytes, param: str) -> tuple[int, int] | None:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as exc:
        raise invalid(f"The parameter `{param}` is not valid: the image could not be decoded.", param) from exc
    if not (min(width, height) >= 300 and max(width, height) <= 6000):
        raise invalid(f"The parameter `{param}` is not valid: image sides must be 300 to 6000 px.", param)
    if not 0.4 <= width / height <= 2.5:
        raise invalid(f"The parameter `{param}` is not valid: image aspect ratio must be 0.4 to 2.5.", param)
    return width, height
