"""Everything about the emulator that can be set, with its default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings of one emulator. Seconds are seconds of its clock; a limit of None is no limit."""

    #: Accepted bearer keys; None accepts any key that is not empty.
    api_keys: frozenset[str] | None = None
    #: Time a task waits before it runs, and time it then runs.
    queue_seconds: float = 1.0
    run_seconds: float = 3.0
    #: Draw the asked video (needs PyAV and Pillow); False always serves the small bundled clip.
    render: bool = True
    #: Fetch media given as loopback URLs, to check that they are there.
    fetch_media: bool = False
    #: Refuse data: images whose sides or shape the provider refuses (needs Pillow).
    check_geometry: bool = True
    #: Length assumed for each reference video, for the token count.
    reference_video_seconds: float = 5.0
    #: Requests remembered before the oldest is forgotten.
    requests_kept: int = 20_000
    #: What an `ep-…` endpoint id stands for, and model ids that are known but not activated.
    endpoint_model: str = "doubao-seedance-1-5-pro-251215"
    closed_models: frozenset[str] = frozenset()
    #: Limits per key, and per model where the provider counts so.
    create_per_minute: int | None = None
    max_running: int | None = None
    max_queued: int | None = None
    get_per_second: int | None = None
    list_per_second: int | None = None
    delete_per_second: int | None = None
    #: Lifetimes of links, records, and records of cancelled tasks.
    url_seconds: float = DAY
    record_seconds: float = 7 * DAY
    cancelled_seconds: float = DAY
    #: Downloads of one link on the 2.x models.
    download_cap: int = 100
    #: Write absent task fields as null instead of leaving them out.
    nulls: bool = False
    #: Whether the Comet flavour of the Ark dialect reports usage.
    volc_usage: bool = False
    #: /v1/videos: time during which a new task is still unknown, and a finished one still not downloadable.
    initialising_seconds: float = 0.0
    content_delay_seconds: float = 0.0
    #: /v1/videos: statuses in upper case; answers in the relay envelope with the link in `fail_reason`.
    videos_upper_case: bool = False
    relay_envelope: bool = False
    #: Callbacks: real seconds to wait for the acknowledgement, pause before a repeat, repeats of a final push.
    callback_ack_seconds: float = 5.0
    callback_retry_seconds: float = 1.0
    callback_retries: int = 3

    def changed(self, **values: Any) -> Options:
        """A copy with some settings replaced.

        Raises:
            TypeError: for a name that is no setting.
        """
        unknown = values.keys() - {each.name for each in fields(self)}
        if unknown:
            raise TypeError(f"unknown emulator setting: {', '.join(sorted(unknown))}")
        for name in ("api_keys", "closed_models"):
            if values.get(name) is not None:
                values[name] = _as_set(values[name])
        return replace(self, **values)


def _as_set(value: str | Iterable[str]) -> frozenset[str]:
    return frozenset([value] if isinstance(value, str) else value)
