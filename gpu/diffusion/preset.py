"""What is known of one model: its licence, its manners, its parts, and a few lines that tell them to a person.

Plain values only: knows no torch, no settings and no network. The table of them is in `presets.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gpu.engine import Limits

Commercial = Literal["free", "restricted", "unknown"]


@dataclass(frozen=True)
class Licence:
    """What the model may be used for, in words; `address` is where the terms themselves are."""

    name: str
    address: str
    commercial: Commercial
    words: str


@dataclass(frozen=True)
class Scheduler:
    """A class of diffusers and what it is told beside the model's own configuration."""

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Preset:
    """One model. Sides in pixels, `parameters` in billions (all networks together), `batch` in native pictures.

    `source`: repository or folder of the pipeline. `unet`: (repository or folder, file) that replaces its UNet.
    `fp16_vae`: the autoencoder to take where half precision would overflow the model's own. `fits_fp16`: whether the
    other networks stay within the range of fp16.
    """

    name: str
    source: str
    licence: Licence
    steps: int
    guidance: float
    side: int
    max_side: int
    max_steps: int
    batch: int
    parameters: float
    card: str
    multiple: int = 8
    max_guidance: float = 3.0
    negative_above: float | None = 1.0
    strength_counts: bool = True
    guidance_counts: bool = True
    tiny_vae: str | None = None
    unet: tuple[str, str] | None = None
    fp16_vae: str | None = None
    fits_fp16: bool = True
    variant: str | None = None
    scheduler: Scheduler | None = None
    # Of its repositories, to the commits that were looked at. GPU_REVISIONS adds to these and wins.
    revisions: Mapping[str, str] = field(default_factory=dict, compare=False)
    # The hub hands it out only to those who accepted the terms on its page.
    gated: bool = False
    # One line for a person who chooses.
    notes: str = field(default="", compare=False)

    @property
    def vram_gb(self) -> float:
        """Weights and one native picture, in bf16: an estimate, not a measurement.

        2 bytes a parameter (the safety check's 0.3 B included), 2.5 GB a megapixel (the decoder's widest layers:
        256 channels at full size, half a GB each, four or five alive at once) and 0.5 GB of the driver.
        """
        return round(2 * (self.parameters + 0.3) + 2.5 * (self.side / 1024) ** 2 + 0.5, 1)

    def limits(self, *, batch: int | None = None, max_side: int | None = None) -> Limits:
        """What a service with this model can paint; `batch` and `max_side` are the host's word against the table's."""
        longest = max_side or self.max_side
        side = max(self.multiple, min(self.side, longest) // self.multiple * self.multiple)
        return Limits(
            width=side,
            height=side,
            steps=self.steps,
            guidance=self.guidance,
            max_side=longest,
            multiple=self.multiple,
            max_steps=self.max_steps,
            max_guidance=self.max_guidance,
            batch=batch or self.batch,
            negative_above=self.negative_above,
            strength_counts=self.strength_counts,
            guidance_counts=self.guidance_counts,
        )


def describe(preset: Preset) -> Iterator[str]:
    """A few lines for a person who chooses."""
    licence, side = preset.licence, preset.side
    made_of = preset.source + (f" with {preset.unet[0]}/{preset.unet[1]}" if preset.unet else "")
    yield f"{preset.name}: {preset.notes}"
    yield f"  made of    {made_of}{' (accept its terms there, then set HF_TOKEN)' if preset.gated else ''}"
    yield f"  licence    {licence.name}: {licence.words} ({licence.address})"
    yield f"  paints     {side} x {side}, sides up to {preset.max_side}"
    yield f"  steps      {preset.steps}, at most {preset.max_steps}"
    yield f"  guidance   {preset.guidance:g}; {_negative_words(preset)}"
    yield f"  from       text, and text with an image{_strength_words(preset)}"
    yield f"  needs      about {preset.vram_gb:g} GB of GPU memory (estimate); at Modal we would take: {preset.card}"
    yield f"  at once    {preset.batch} pictures; for GPU_VAE=tiny: {preset.tiny_vae or 'there is none'}"


def _negative_words(preset: Preset) -> str:
    if preset.negative_above is None:
        return "negative prompts and other guidance do not count"
    return f"negative prompts count above {preset.negative_above:g}"


def _strength_words(preset: Preset) -> str:
    return "" if preset.strength_counts else " (a reference: strength does not count)"
