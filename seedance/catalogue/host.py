"""The host that a request is meant for: which names, limits, prices and parameters apply."""

from __future__ import annotations

from dataclasses import dataclass

from .parameters import PARAMETERS

#: The presets that name models in their own way. The emulator understands what both Ark hosts understand.
NAMING_PRESETS: tuple[str, ...] = ("ark", "byteplus", "cometapi", "cometapi-videos")

#: Presets whose create body is documented field by field.
_DOCUMENTED_BODIES = frozenset({"ark", "byteplus", "emulator"})


@dataclass(frozen=True)
class Host:
    """A preset of ``PROVIDERS`` and the dialect it is spoken to in (``ark`` or ``openai_video``)."""

    preset: str
    dialect: str = "ark"

    @property
    def id_presets(self) -> tuple[str, ...]:
        """The presets whose model ids this host understands, the one to offer first.

        The emulator stands in for both Ark hosts, so that a site can be tested with the ids it will use later.
        """
        if self.dialect == "openai_video":
            return ("cometapi-videos",)
        if self.preset == "cometapi-videos":
            return ("cometapi",)
        return ("ark", "byteplus") if self.preset == "emulator" else (self.preset,)

    @property
    def is_relay(self) -> bool:
        """Whether it hands requests on to others, under ids of which it publishes no whole list."""
        return self.preset.startswith("cometapi")

    @property
    def limits_preset(self) -> str:
        """Whose stricter limits apply: CometAPI's for both its routes and for its dialect on the emulator."""
        if self.dialect == "openai_video" or self.preset.startswith("cometapi"):
            return "cometapi"
        return self.preset

    @property
    def price_preset(self) -> str:
        """Whose price list applies. The emulator charges nothing; it is shown with BytePlus' prices in USD."""
        if self.preset.startswith("cometapi"):
            return "cometapi"
        return "byteplus" if self.preset == "emulator" else self.preset

    @property
    def carried(self) -> frozenset[str]:
        """The parameters this dialect has a place for."""
        is_form = self.dialect == "openai_video"
        return frozenset(name for name, parameter in PARAMETERS.items() if parameter.in_video_form or not is_form)

    def documents(self, parameter: str) -> bool:
        """Whether the host's pages say that it acts on a parameter.

        CometAPI's page of the Ark-shaped route has prompt, frame images and the inline flags, and no more.
        """
        if self.dialect == "openai_video" or self.preset in _DOCUMENTED_BODIES:
            return parameter in self.carried
        return parameter in PARAMETERS and bool(PARAMETERS[parameter].flags)

    @property
    def documents_references(self) -> bool:
        """Whether the host's pages have reference images, videos and audio in the create body."""
        return self.dialect == "ark" and self.preset in _DOCUMENTED_BODIES
