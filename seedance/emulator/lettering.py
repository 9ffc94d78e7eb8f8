"""Fonts, and words broken into lines that fit."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
#: Chinese, Japanese, Korean and full-width characters, which the built-in font lacks.
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_TOKENS = re.compile(rf"{_WIDE.pattern}|\s+|(?:(?!{_WIDE.pattern})\S)+")
_FONT_PLACES = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)


def font_for(text: str, size: int) -> Font:
    """A font of some pixel size that can draw a text as well as this machine allows."""
    return _font(size, bool(_WIDE.search(text)))


@lru_cache(maxsize=64)
def _font(size: int, wide: bool) -> Font:
    for place in _FONT_PLACES if wide else ():
        if Path(place).exists():
            return ImageFont.truetype(place, size)
    return ImageFont.load_default(size=size)


def fit_lines(text: str, width: int, largest: int, smallest: int, most_lines: int) -> tuple[Font, list[str]]:
    """The largest font in which a text fits, and its lines; what still does not fit ends in an ellipsis."""
    for size in range(largest, smallest, -2):
        font = font_for(text, size)
        lines = _wrap(text, font, width)
        if len(lines) <= most_lines:
            return font, lines
    font = font_for(text, smallest)
    lines = _wrap(text, font, width)
    if len(lines) > most_lines:
        lines = [*lines[: most_lines - 1], lines[most_lines - 1].rstrip()[:-2] + "…"]
    return font, lines


def _wrap(text: str, font: Font, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for token in _TOKENS.findall(text):
        for piece in _pieces(token, font, width):
            if line and font.getlength(line + piece) > width:
                lines.append(line.rstrip())
                line = ""
            line = line + piece if line or not piece.isspace() else ""
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(token: str, font: Font, width: int) -> list[str]:
    """A word, cut where it is wider than a whole line."""
    if font.getlength(token) <= width:
        return [token]
    pieces = [""]
    for letter in token:
        if pieces[-1] and font.getlength(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces
