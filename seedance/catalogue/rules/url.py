"""Rules about the address of a medium: scheme, form, and whether the provider can reach it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from ..inputs import MediaInput
from ..review import Review, listed

#: Kind of file -> how its address may begin. A video cannot be part of the request itself.
#: Source: Ark 1520757 (create a task), read 2026-11-22.
_SCHEMES = {
    "image": ("https://", "http://", "data:", "asset://"),
    "video": ("https://", "http://", "asset://"),
    "audio": ("https://", "http://", "data:", "asset://"),
}

_LONGEST_SCHEME = 8

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_DATA = re.compile(r"data:(?P<kind>image|audio)/(?P<format>[a-z0-9.+-]+);base64,")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_ASSET = re.compile(r"asset://[\w.:/-]+", re.ASCII)

#: Names that only a local network resolves. Source: RFC 6761, 6762 and 8375.
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test", ".invalid")


def check_url(review: Review, place: str, medium: MediaInput) -> None:
    """Rules about one address."""
    url, schemes = medium.url, _SCHEMES[medium.kind]
    # A scheme has no case (RFC 3986, 3.1). ``data:`` and ``asset://`` must be lower case, which is checked below.
    if not url[:_LONGEST_SCHEME].lower().startswith(schemes):
        review.add_error(
            place,
            "url_scheme",
            _("The address of a %(role)s begins with one of %(schemes)s."),
            _("Put the file where the provider can fetch it, and write its https:// address."),
            role=medium.role,
            schemes=listed(schemes),
        )
    elif url[:5].lower() == "data:":
        _check_data(review, place, medium)
    elif url[:8].lower() == "asset://":
        if not _ASSET.fullmatch(url):
            _refuse_form(review, place, "asset://<id>")
    else:
        _check_web(review, place, url)


def _check_data(review: Review, place: str, medium: MediaInput) -> None:
    limits = review.catalogue.media[medium.kind]
    formats = limits.formats
    if medium.kind == "image" and review.row is not None and review.certain:
        formats = review.row.limits.image_formats
    match = _DATA.match(medium.url)
    if match is None or match["kind"] != medium.kind or match["format"] not in formats:
        review.add_error(
            place,
            "url_data",
            _("An address with the file in it begins with data:%(kind)s/<format>;base64, in one of %(formats)s."),
            _("Write the format in lower case, such as data:%(kind)s/%(example)s;base64,…"),
            kind=medium.kind,
            formats=listed(formats),
            example=formats[0],
        )
        return
    size = len(medium.url) - match.end()
    if size % 4 or not _BASE64.fullmatch(medium.url, match.end()):
        _refuse_form(review, place, f"{match[0]}…")
    elif size // 4 * 3 > limits.largest:
        review.add_error(
            place,
            "file_size",
            _("A file of this kind may have %(most)s MB."),
            _("Use a smaller file."),
            most=round(limits.largest / 1_000_000),
        )


def _check_web(review: Review, place: str, url: str) -> None:
    host = _host_of(url)
    if not host or not _PRINTABLE.fullmatch(url):
        _refuse_form(review, place, "https://host/path")
    elif _is_private(host) and review.host.preset != "emulator":
        review.add_warning(
            place,
            "private_address",
            _("%(host)s is a name that only your own network knows, and the provider fetches from outside."),
            _("Write an address that is reachable from everywhere."),
            host=host[:100],
        )


def _refuse_form(review: Review, place: str, form: str) -> None:
    review.add_error(
        place,
        "url_invalid",
        _("This address cannot be read; it should look like %(form)s."),
        _("Correct it, and write spaces and letters outside ASCII in their percent form."),
        form=form,
    )


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return ""
    return parts.hostname or ""


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host.rstrip(".") or f".{host.rstrip('.')}".endswith(_PRIVATE_SUFFIXES)
