"""What each Seedance model accepts and how large its pictures are.

An own reading of the provider's pages, on purpose not shared with the client: if both sides used one table, a
misreading would agree with itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")
ADAPTIVE = "adaptive"
FRAMES_PER_SECOND = 24

Sizes = Mapping[str, tuple[tuple[int, int], ...]]

#: Width and height in pixels, in the order of RATIOS.
SIZES_1_0: Sizes = {
    "480p": ((864, 480), (736, 544), (640, 640), (544, 736), (480, 864), (960, 416)),
    "720p": ((1248, 704), (1120, 832), (960, 960), (832, 1120), (704, 1248), (1504, 640)),
    "1080p": ((1920, 1088), (1664, 1248), (1440, 1440), (1248, 1664), (1088, 1920), (2176, 928)),
}
SIZES_2_0: Sizes = {
    "480p": ((864, 496), (752, 560), (640, 640), (560, 752), (496, 864), (992, 432)),
    "720p": ((1280, 720), (1112, 834), (960, 960), (834, 1112), (720, 1280), (1470, 630)),
    "1080p": ((1920, 1080), (1664, 1248), (1440, 1440), (1248, 1664), (1080, 1920), (2206, 946)),
    "4k": ((3840, 2160), (3326, 2494), (2880, 2880), (2494, 3326), (2160, 3840), (4398, 1886)),
}
SIZES_2_5: Sizes = {
    **SIZES_2_0,
    "480p": ((854, 480), (752, 560), (640, 640), (560, 752), (480, 854), (992, 432)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One column of the capability matrix. Durations are whole seconds, limits are inclusive."""

    #: Name without date, as error messages spell it after the host's prefix.
    family: str
    date: str
    #: Prefix of the id on the international host.
    international: str = "seedance-"
    #: Name on /v1/videos; empty when that route does not offer the model.
    unified: str = ""
    #: Accepted kinds of input, by the names error messages use.
    modes: frozenset[str]
    reference_images: int = 0
    reference_media: int = 0
    audio_alone: bool = False
    audio: bool = False
    draft: bool = False
    priority: bool = False
    web_search: bool = False
    frames: bool = False
    camera_fixed: bool = False
    adaptive_for_text: bool = True
    #: Edit and extend, output format, and a ratio forced by the first frame came with 2.5.
    omni: bool = False
    resolutions: tuple[str, ...]
    default_resolution: str = "720p"
    sizes: Sizes
    shortest: int
    longest: int
    #: Longest on /v1/videos, where it is stricter.
    longest_unified: int
    auto_duration: bool = False
    default_duration: int = 5
    draft_factors: tuple[float, float] = (1.0, 1.0)
    download_cap: bool = False

    @property
    def domestic_id(self) -> str:
        return f"doubao-{self.family}-{self.date}"

    @property
    def international_id(self) -> str:
        return f"{self.international}{self.family.removeprefix('seedance-')}-{self.date}"

    def size(self, resolution: str, ratio: str) -> tuple[int, int]:
        """Width and height in pixels of a resolved resolution and ratio."""
        return self.sizes[resolution.lower()][RATIOS.index(ratio)]


_FRAMES_MODES = frozenset({"t2v", "i2v", "flf2v"})
_ALL_MODES = _FRAMES_MODES | {"r2v"}
_UP_TO_1080P = ("480p", "720p", "1080p")


def _lite(family: str, modes: frozenset[str], reference_images: int) -> Model:
    return Model(
        family=family,
        date="250428",
        modes=modes,
        reference_images=reference_images,
        frames=True,
        camera_fixed=True,
        adaptive_for_text=False,
        resolutions=_UP_TO_1080P,
        sizes=SIZES_1_0,
        shortest=2,
        longest=12,
        longest_unified=10,
    )


def _pro_1_0(family: str, date: str, modes: frozenset[str], unified: str) -> Model:
    return Model(
        family=family,
        date=date,
        unified=unified,
        modes=modes,
        frames=True,
        camera_fixed=True,
        adaptive_for_text=False,
        resolutions=_UP_TO_1080P,
        default_resolution="1080p",
        sizes=SIZES_1_0,
        shortest=2,
        longest=12,
        longest_unified=10,
    )


def _second(family: str, date: str, resolutions: tuple[str, ...], unified: str) -> Model:
    return Model(
        family=family,
        date=date,
        international="dreamina-seedance-",
        unified=unified,
        modes=_ALL_MODES,
        reference_images=9,
        reference_media=3,
        audio=True,
        priority=True,
        web_search=True,
        resolutions=resolutions,
        sizes=SIZES_2_0,
        shortest=4,
        longest=15,
        longest_unified=15,
        auto_duration=True,
        download_cap=True,
    )


MODELS: tuple[Model, ...] = (
    _lite("seedance-1-0-lite-t2v", frozenset({"t2v"}), 0),
    _lite("seedance-1-0-lite-i2v", frozenset({"i2v", "flf2v", "r2v"}), 4),
    _pro_1_0("seedance-1-0-pro", "250528", _FRAMES_MODES, "doubao-seedance-1-0-pro"),
    _pro_1_0("seedance-1-0-pro-fast", "251015", frozenset({"t2v", "i2v"}), ""),
    Model(
        family="seedance-1-5-pro",
        date="251215",
        unified="doubao-seedance-1-5-pro",
        modes=_FRAMES_MODES,
        audio=True,
        draft=True,
        camera_fixed=True,
        resolutions=_UP_TO_1080P,
        sizes=SIZES_2_0,
        shortest=4,
        longest=12,
        longest_unified=12,
        auto_duration=True,
        draft_factors=(0.7, 0.6),
    ),
    _second("seedance-2-0", "260128", ("480p", "720p", "1080p", "4k"), "doubao-seedance-2-0"),
    _second("seedance-2-0-fast", "260128", ("480p", "720p"), "doubao-seedance-2-0-fast"),
    _second("seedance-2-0-mini", "260615", ("480p", "720p"), ""),
    Model(
        family="seedance-2-5",
        date="260628",
        international="dreamina-seedance-",
        unified="seedance-2-5",
        modes=_ALL_MODES,
        reference_images=30,
        reference_media=10,
        audio_alone=True,
        audio=True,
        draft=True,
        priority=True,
        web_search=True,
        omni=True,
        resolutions=_UP_TO_1080P,
        sizes=SIZES_2_5,
        shortest=4,
        longest=30,
        longest_unified=30,
        auto_duration=True,
        default_duration=-1,
        download_cap=True,
    ),
)

BY_DOMESTIC_ID: Mapping[str, Model] = {model.domestic_id: model for model in MODELS}
BY_INTERNATIONAL_ID: Mapping[str, Model] = {model.international_id: model for model in MODELS}
BY_UNIFIED_NAME: Mapping[str, Model] = {model.unified: model for model in MODELS if model.unified}


def closest_ratio(width: int, height: int) -> str:
    """The preset nearest to a picture's own shape, as `adaptive` resolves it."""

    def distance(ratio: str) -> float:
        across, down = ratio.split(":")
        return abs(int(across) / int(down) - width / height)

    return min(RATIOS, key=distance)
