"""Requests, hosts and media for tests: a test names only what it is about."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType

from seedance.catalogue import Host, Inputs, MediaFacts, MediaInput, check, load

DOCUMENT = Path(__file__).parents[2] / "docs" / "catalogue.md"

HOSTS = MappingProxyType(
    {
        "ark": Host("ark", "ark"),
        "byteplus": Host("byteplus", "ark"),
        "cometapi": Host("cometapi", "ark"),
        "cometapi-videos": Host("cometapi-videos", "openai_video"),
        "emulator": Host("emulator", "ark"),
        "emulator-videos": Host("emulator", "openai_video"),
    }
)

_EXTENSIONS = {"image": "png", "video": "mp4", "audio": "mp3"}


def documented_codes():
    """Code -> severity, as the table in docs/catalogue.md has them."""
    return dict(re.findall(r"^\| `([a-z0-9_]+)` \| (error|warning|either) \|", DOCUMENT.read_text("utf-8"), re.M))


def model_id(family="1.5 pro", preset="ark"):
    return load().row(family, HOSTS[preset]).name


def medium(role, url=None, facts=None):
    kind = MediaInput(role).kind or "image"
    return MediaInput(role, f"https://cdn.example.com/a.{_EXTENSIONS[kind]}" if url is None else url, facts)


def upload(role, **facts):
    """An uploaded file that is fine but for what the test says."""
    good = {
        "image": {"mime": "image/png", "bytes": 1000, "width": 1280, "height": 720},
        "video": {
            "mime": "video/mp4",
            "bytes": 1000,
            "width": 1280,
            "height": 720,
            "duration": 5.0,
            "frames_per_second": 24.0,
        },
        "audio": {"mime": "audio/mpeg", "bytes": 1000, "duration": 5.0},
    }
    return MediaInput(role, "", MediaFacts(**{**good[MediaInput(role).kind], **facts}))


def request(
    family="1.5 pro", preset="ark", *, name=None, prompt="A paper boat.", media=(), draft_task="", **parameters
):
    chosen = model_id(family, preset) if name is None else name
    return Inputs(chosen, prompt, tuple(media), parameters, draft_task)


def violations(family="1.5 pro", preset="ark", **given):
    return check(request(family, preset, **given), HOSTS[preset], load())


def found(family="1.5 pro", preset="ark", **given):
    """(field, code) of every error."""
    return [
        (violation.field, violation.code) for violation in violations(family, preset, **given) if violation.is_error
    ]


def advised(family="1.5 pro", preset="ark", **given):
    """(field, code) of every warning, without the one that 1.5 pro is retiring."""
    return [
        (violation.field, violation.code)
        for violation in violations(family, preset, **given)
        if not violation.is_error and violation.code != "model_retiring"
    ]
