"""Requests for every host and model, made from the catalogue: such as keep to every rule, and such as only might."""

import io
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.files.base import ContentFile
from hypothesis import strategies as st
from PIL import Image

from seedance.catalogue import MEDIA_ROLES, Host, load

PROMPT = "A paper boat drifts on a quiet lake."
ADDRESSES = {
    "image": "https://cdn.example.com/a.png",
    "video": "https://cdn.example.com/a.mp4",
    "audio": "https://cdn.example.com/a.mp3",
}


def _png():
    buffer = io.BytesIO()
    Image.new("RGB", (400, 300), "teal").save(buffer, "PNG")
    return buffer.getvalue()


PNG = _png()


@dataclass(frozen=True)
class Place:
    """A provider alias of these tests: its preset, its dialect, and the emulator's address that stands in for it."""

    preset: str
    address: str
    dialect: str = "ark"

    @property
    def host(self):
        return Host(self.preset, self.dialect)

    def settings(self, emulator):
        """Its entry in PROVIDERS, free of the preset's pace."""
        entry = {"PRESET": self.preset, "BASE_URL": getattr(emulator, self.address), "API_KEY": "k"}
        if self.preset == "emulator" and self.dialect != "ark":
            entry |= {"LISTS": False, "CANCELS": False}
        return {**entry, "DIALECT": self.dialect, "CREATE_PER_MINUTE": 0}


PLACES = {
    "ark": Place("ark", "ark_url"),
    "byteplus": Place("byteplus", "ark_url"),
    "emulator": Place("emulator", "ark_url"),
    "cometapi": Place("cometapi", "volc_url"),
    "cometapi-videos": Place("cometapi-videos", "videos_url", "openai_video"),
    "emulator-videos": Place("emulator", "videos_url", "openai_video"),
}
ROWS = [(alias, row) for alias, place in PLACES.items() for row in load().models_for(place.host)]


@dataclass(frozen=True)
class Wish:
    """The arguments of ``intake.prepare``."""

    provider: str
    model_name: str
    prompt: str = PROMPT
    #: Roles in order; each becomes an address, or an uploaded file where nothing else is taken.
    roles: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)

    def arguments(self):
        return {
            "provider": self.provider,
            "model_name": self.model_name,
            "prompt": self.prompt,
            "media": [self._medium(role) for role in self.roles],
            "parameters": self.parameters,
        }

    def _medium(self, role):
        if PLACES[self.provider].dialect == "ark":
            return {"role": role, "url": ADDRESSES[MEDIA_ROLES[role]]}
        return {"role": role, "file": ContentFile(PNG, name="lake.png")}


_FRAMES = {"t2v": (), "i2v": ("first_frame",), "flf2v": ("first_frame", "last_frame")}


def _roles(row, mode, uploads_only):
    limits = row.limits.references
    if mode in _FRAMES:
        return st.just(_FRAMES[mode])
    images = st.integers(1, min(limits.images, 3) if uploads_only else limits.images)
    others = st.just(0) if uploads_only else st.integers(0, limits.videos)
    sounds = st.just(0) if uploads_only else st.integers(0, limits.audios)
    return st.tuples(images, others, sounds).map(
        lambda n: ("reference_image",) * n[0] + ("reference_video",) * n[1] + ("reference_audio",) * n[2]
    )


def _length(row, host):
    """How a request may say its length: seconds, the model's choice, a number of frames, or not at all."""
    seconds = st.integers(row.limits.duration.minimum, row.limits.duration.maximum)
    ways = [st.just({}), seconds.map(lambda value: {"duration": value})]
    if row.limits.duration.auto and host.dialect == "ark":
        ways.append(st.just({"duration": -1}))
    if "frames" in row.capabilities.parameters and "frames" in host.carried:
        ways.append(st.sampled_from(range(29, 290, 4)).map(lambda value: {"frames": value}))
    return st.one_of(ways)


def _rest(row, host, mode):
    values = {
        "ratio": st.sampled_from(row.ratios(mode)),
        "resolution": st.sampled_from(row.resolutions(mode)),
        "seed": st.sampled_from([-1, 0, 2**31 - 1]),
        "camera_fixed": st.booleans(),
        "watermark": st.booleans(),
        "generate_audio": st.booleans(),
        "return_last_frame": st.booleans(),
        "service_tier": st.sampled_from(row.capabilities.service_tiers),
        "priority": st.integers(0, 9),
        "execution_expires_after": st.sampled_from([3600, 172_800, 259_200]),
        "safety_identifier": st.just("a-stable-hash"),
        "output_format": st.sampled_from(row.capabilities.output_formats or ("mp4",)),
    }
    if mode == "t2v":
        values["tools"] = st.just([{"type": "web_search"}])
    taken = {name: each for name, each in values.items() if row.takes(name, mode) and name in host.carried}
    return st.fixed_dictionaries({}, optional=taken)


def _special(row, host, mode, roles):
    """Parameters that bind others: drafts, edits and extensions."""
    ways: list[dict[str, Any]] = []
    if row.takes("draft", mode) and "draft" in host.carried:
        ways.append({"draft": True, "resolution": "480p", "return_last_frame": False, "service_tier": "default"})
    if row.capabilities.task_types and "reference_video" in roles:
        ways.append({"omni_reference_task_type": "edit", "ratio": "adaptive", "duration": -1})
        ways.append({"omni_reference_task_type": "extend", "ratio": "adaptive"})
    return st.sampled_from([*ways, {}])


@st.composite
def lawful(draw):
    """A wish that keeps to everything the catalogue says about its model on its host."""
    alias, row = draw(st.sampled_from(ROWS))
    host = PLACES[alias].host
    carried = {"t2v", "r2v"} if host.dialect == "openai_video" else {"t2v", "i2v", "flf2v", "r2v"}
    mode = draw(st.sampled_from([mode for mode in row.capabilities.modes if mode in carried]))
    roles = draw(_roles(row, mode, host.dialect == "openai_video"))
    parameters = {**draw(_length(row, host)), **draw(_rest(row, host, mode)), **draw(_special(row, host, mode, roles))}
    return Wish(alias, row.name, PROMPT, roles, parameters)


_PLAUSIBLE = {
    "duration": st.sampled_from([-1, 0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 15, 16, 30, 31, 5.0, "5", True]),
    "ratio": st.sampled_from(["16:9", "9:16", "21:9", "1:1", "adaptive", "5:4", "16x9", "", 1]),
    "resolution": st.sampled_from(["480p", "720p", "1080p", "4k", "4K", "8k", "720P", 720]),
    "frames": st.sampled_from([25, 28, 29, 30, 33, 121, 289, 293]),
    "seed": st.sampled_from([-2, -1, 0, 2**31 - 1, 2**31, "1"]),
    "camera_fixed": st.sampled_from([True, False, "true"]),
    "watermark": st.sampled_from([True, False, 1]),
    "generate_audio": st.sampled_from([True, False, "false"]),
    "return_last_frame": st.booleans(),
    "draft": st.booleans(),
    "service_tier": st.sampled_from(["default", "flex", "turbo"]),
    "priority": st.sampled_from([-1, 0, 9, 10]),
    "execution_expires_after": st.sampled_from([0, 3599, 3600, 259_200, 259_201]),
    "tools": st.sampled_from([[], [{"type": "web_search"}], [{"type": "calculator"}], "web_search"]),
    "output_format": st.sampled_from(["mp4", "mov", "gif"]),
    "omni_reference_task_type": st.sampled_from(["auto", "reference", "edit", "extend", "remix"]),
    "framespersecond": st.sampled_from([24, 30]),
}


@st.composite
def plausible(draw):
    """A lawful wish with something changed, whatever the rules think of it then."""
    request = draw(lawful())
    names = draw(st.lists(st.sampled_from(list(_PLAUSIBLE)), max_size=2, unique=True))
    changes = {name: draw(_PLAUSIBLE[name]) for name in names}
    other_roles = st.lists(st.sampled_from(list(MEDIA_ROLES)), max_size=3).map(tuple)
    return replace(
        request,
        prompt=draw(st.sampled_from([PROMPT, PROMPT, "", "   "])),
        roles=draw(st.one_of(st.just(request.roles), other_roles)),
        parameters={**request.parameters, **changes},
    )
