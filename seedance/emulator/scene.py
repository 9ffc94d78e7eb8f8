"""The picture: a sun over drifting hills, with the prompt written into the landscape."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .lettering import fit_lines, font_for

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    """Sky from top to horizon, sun, and hills from far to near."""

    sky: tuple[Colour, Colour, Colour]
    sun: Colour
    hills: tuple[Colour, Colour, Colour]


PALETTES = (
    Palette(
        ((46, 58, 112), (196, 120, 138), (255, 205, 150)),
        (255, 240, 205),
        ((128, 92, 126), (82, 66, 108), (42, 40, 76)),
    ),
    Palette(
        ((64, 130, 196), (142, 196, 230), (234, 244, 240)),
        (255, 250, 225),
        ((120, 168, 170), (70, 130, 120), (34, 86, 82)),
    ),
    Palette(
        ((24, 28, 66), (84, 58, 118), (224, 120, 108)), (255, 214, 170), ((94, 58, 104), (58, 42, 84), (26, 24, 52))
    ),
    Palette(
        ((16, 44, 66), (36, 110, 122), (166, 222, 190)), (240, 255, 235), ((58, 128, 122), (30, 90, 94), (14, 50, 60))
    ),
    Palette(
        ((250, 186, 140), (252, 216, 176), (255, 240, 214)),
        (255, 255, 245),
        ((226, 152, 124), (176, 104, 98), (104, 62, 74)),
    ),
)


@dataclass(frozen=True, slots=True)
class Shot:
    """What there is to see. Sizes are pixels, `seconds` the whole length."""

    words: str
    caption: str
    width: int
    height: int
    seconds: float
    watermark: bool = False


class Scene:
    """Draws any moment of a shot. All that stands still is drawn once; moving parts are pasted."""

    def __init__(self, shot: Shot) -> None:
        self.shot = shot
        self._unit = min(shot.width, shot.height)
        digest = hashlib.sha256(shot.words.encode()).digest()
        self._palette = PALETTES[digest[0] % len(PALETTES)]
        self._phase = digest[1] / 256 * math.tau
        self._sky = self._paint_sky()
        self._glow, self._disc = self._sun_masks()
        self._cloud = self._cloud_mask()
        self._hills = [self._hill_mask(layer) for layer in range(3)]
        self._panel, self._panel_at, self._bar = self._paint_panel()
        self._clock_font = font_for("0", max(10, self._unit // 26))

    def frame(self, seconds: float) -> Image.Image:
        """The picture at a moment, RGB."""
        passed = min(1.0, seconds / self.shot.seconds) if self.shot.seconds else 1.0
        image = self._sky.copy()
        self._place_sun(image, passed)
        self._place_cloud(image, seconds)
        for layer, mask in enumerate(self._hills):
            self._place_hill(image, layer, mask, seconds)
        image.paste(self._panel, self._panel_at, self._panel)
        self._write_progress(image, seconds, passed)
        return image

    # -- things that move --------------------------------------------------------------------------------------------

    def _place_sun(self, image: Image.Image, passed: float) -> None:
        x = self.shot.width * (0.2 + 0.6 * passed)
        y = self.shot.height * (0.42 - 0.2 * math.sin(math.pi * (0.15 + 0.7 * passed)))
        for mask in (self._glow, self._disc):
            image.paste(self._palette.sun, (int(x - mask.width / 2), int(y - mask.height / 2)), mask)

    def _place_cloud(self, image: Image.Image, seconds: float) -> None:
        for number, height in enumerate((0.1, 0.22)):
            speed = self.shot.width * (0.025 + 0.015 * number)
            span = self.shot.width + self._cloud.width
            x = int((self._phase * 90 + number * span * 0.55 + speed * seconds) % span) - self._cloud.width
            image.paste((255, 255, 255), (x, int(self.shot.height * height)), self._cloud)

    def _place_hill(self, image: Image.Image, layer: int, mask: Image.Image, seconds: float) -> None:
        period = mask.width - self.shot.width
        offset = int(self._unit * (0.02 + 0.03 * layer) * seconds) % period
        window = mask.crop((offset, 0, offset + self.shot.width, mask.height))
        top = self.shot.height - self._hill_height(layer)
        image.paste(self._palette.hills[layer], (0, top), window)
        # Below its ridge a hill is solid, and filling is far cheaper than blending.
        image.paste(self._palette.hills[layer], (0, top + mask.height, self.shot.width, self.shot.height))

    def _write_progress(self, image: Image.Image, seconds: float, passed: float) -> None:
        draw = ImageDraw.Draw(image)
        left, top, right, bottom = self._bar
        draw.rounded_rectangle(
            (left, top, left + max(bottom - top, (right - left) * passed), bottom), 99, (255, 255, 255)
        )
        margin = self._unit // 24
        text = f"{seconds:04.1f} / {self.shot.seconds:04.1f} s"
        draw.text(
            (margin, margin),
            text,
            (255, 255, 255),
            self._clock_font,
            stroke_width=1,
            stroke_fill=self._palette.hills[2],
        )

    # -- things drawn once -------------------------------------------------------------------------------------------

    def _paint_sky(self) -> Image.Image:
        """A vertical gradient with the caption, and the mark of generated pictures if asked for."""
        column = Image.new("RGB", (1, self.shot.height))
        column.putdata([self._sky_colour(row / self.shot.height) for row in range(self.shot.height)])
        return column.resize((self.shot.width, self.shot.height))

    def _sky_colour(self, depth: float) -> Colour:
        upper, middle, lower = self._palette.sky
        first, second = (upper, middle) if depth < 0.45 else (middle, lower)
        share = min(1.0, depth / 0.45 if depth < 0.45 else (depth - 0.45) / 0.4)
        red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
        return red, green, blue

    def _sun_masks(self) -> tuple[Image.Image, Image.Image]:
        glow = self._unit * 3 // 4
        disc = self._unit // 6
        halo = ImageChops.invert(Image.radial_gradient("L")).point(
            [max(0, value - 76) * 2 // 3 for value in range(256)]
        )
        circle = Image.new("L", (disc * 4, disc * 4))
        ImageDraw.Draw(circle).ellipse((0, 0, disc * 4 - 1, disc * 4 - 1), 255)
        return halo.resize((glow, glow)), circle.resize((disc, disc), Image.Resampling.LANCZOS)

    def _cloud_mask(self) -> Image.Image:
        width, height = int(self._unit * 0.62), int(self._unit * 0.2)
        mask = Image.new("L", (width, height))
        draw = ImageDraw.Draw(mask)
        for x, y, radius in ((0.3, 0.62, 0.13), (0.46, 0.48, 0.19), (0.62, 0.58, 0.15), (0.75, 0.66, 0.1)):
            reach = radius * width * 0.8
            draw.ellipse((x * width - reach, y * height - reach / 2, x * width + reach, y * height + reach / 2), 150)
        return mask.filter(ImageFilter.GaussianBlur(self._unit / 60))

    def _hill_mask(self, layer: int) -> Image.Image:
        """A ridge that repeats after its period, so that it can drift for ever without a seam.

        Cut off below its deepest valley.
        """
        height = self._hill_height(layer)
        period = max(64, int(self._unit * (1.9 - 0.35 * layer)))
        width = self.shot.width + period
        scale = 2
        mask = Image.new("L", (width * scale, height * scale))
        ridge = [(x * scale, self._ridge(layer, x / period) * height * scale) for x in range(0, width + 4, 4)]
        ImageDraw.Draw(mask).polygon([(0, height * scale), *ridge, (width * scale, height * scale)], 255)
        lowest = min(height, math.ceil(max(y for _, y in ridge) / scale) + 1)
        return mask.resize((width, height), Image.Resampling.BOX).crop((0, 0, width, lowest))

    def _hill_height(self, layer: int) -> int:
        return int(self.shot.height * (0.46 - 0.11 * layer))

    def _ridge(self, layer: int, turn: float) -> float:
        angle = math.tau * turn
        wave = (
            math.sin(angle + self._phase + layer)
            + 0.5 * math.sin(2 * angle + 2.3 * self._phase)
            + 0.22 * math.sin((5 - layer) * angle + layer * 1.7)
        )
        return 0.24 - 0.13 * wave

    def _paint_panel(self) -> tuple[Image.Image, tuple[int, int], tuple[int, int, int, int]]:
        """The prompt on a dark glass plate with the track of the progress bar; its place, and the bar's box."""
        margin = self._unit // 24
        width = self.shot.width - 2 * margin
        font, lines = fit_lines(
            self.shot.words or " ", width - 2 * margin, max(14, self._unit // 14), max(10, self._unit // 40), 5
        )
        small = font_for(self.shot.caption, max(9, self._unit // 36))
        line_height = math.ceil(font.size * 1.3) if hasattr(font, "size") else 14
        caption_height = math.ceil(self._unit / 36 * 1.8)
        bar = max(4, self._unit // 100)
        height = margin + line_height * len(lines) + caption_height + bar + margin
        panel = Image.new("RGBA", (width, height))
        draw = ImageDraw.Draw(panel)
        draw.rounded_rectangle((0, 0, width - 1, height - 1), margin * 2 // 3, (10, 12, 28, 120))
        for number, line in enumerate(lines):
            draw.text((margin, margin * 2 // 3 + number * line_height), line, (255, 255, 255, 255), font)
        caption_top = margin * 2 // 3 + len(lines) * line_height + caption_height // 5
        draw.text((margin, caption_top), self.shot.caption, (255, 255, 255, 190), small)
        if self.shot.watermark:
            draw.text((width - margin, caption_top), "AI generated", (255, 255, 255, 230), small, anchor="ra")
        track = (margin, height - margin * 2 // 3 - bar, width - margin, height - margin * 2 // 3)
        draw.rounded_rectangle(track, 99, (255, 255, 255, 70))
        x, y = margin, self.shot.height - margin - height
        return panel, (x, y), (track[0] + x, track[1] + y, track[2] + x, track[3] + y)
