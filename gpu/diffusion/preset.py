"""What is known about one model: its license, its defaults and its parts. `presets.py` has the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gpu.engine import EngineLimits

Commercial = Literal["free", "restricted", "unknown"]


@dataclass(frozen=True)
class License:
    """What the model may be used for. `address` has the full terms; `summary` is a phrase."""

    name: str
    address: str
    commercial: Commercial
    summary: str


@dataclass(frozen=True)
class SchedulerConfig:
    """A scheduler class of diffusers, and the values that override the model's own configuration."""

    name: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class Preset:
    """One model. Sides are in pixels, `parameters` in billions (all networks together), `batch` in native images.

    source: repository or folder of the pipeline.
    unet: (repository or folder, file) that replaces its UNet.
    fp16_vae: the autoencoder to use if the model's own would overflow in fp16.
    fits_fp16: whether the other networks stay within the range of fp16.
    gpu_type: the recommended GPU, by Modal's names.
    """

    name: str
    source: str
    license: License
    steps: int
    guidance: float
    side: int
    max_side: int
    max_steps: int
    batch: int
    parameters: float
    gpu_type: str
    multiple: int = 8
    max_guidance: float = 3.0
    negative_prompt_min_guidance: float | None = 1.0
    supports_strength: bool = True
    supports_guidance: bool = True
    supports_init_image: bool = True
    min_guidance: float = 0.0
    tiny_vae: str | None = None
    unet: tuple[str, str] | None = None
    fp16_vae: str | None = None
    fits_fp16: bool = True
    variant: str | None = None
    scheduler: SchedulerConfig | None = None
    # Reviewed commits by repository. GPU_REVISIONS adds to these and wins.
    revisions: Mapping[str, str] = field(default_factory=dict, compare=False)
    # The hub requires to accept the terms on its page.
    gated: bool = False
    # One line for the list of models.
    notes: str = field(default="", compare=False)

    @property
    def vram_gb(self) -> float:
        """Estimate the memory of the weights and one native image in bf16, in GB.

        2 bytes a parameter (the safety check's 0.3 B included), 2.5 GB a megapixel (the decoder's widest layers:
        256 channels at full size, half a GB each, four or five alive at once) and 0.5 GB for the driver.
        """
        return round(2 * (self.parameters + 0.3) + 2.5 * (self.side / 1024) ** 2 + 0.5, 1)

    def limits(self, *, batch: int | None = None, max_side: int | None = None) -> EngineLimits:
        """Return the limits of a service with this model. The operator's `batch` and `max_side` win."""
        max_side = max_side or self.max_side
        side = max(self.multiple, min(self.side, max_side) // self.multiple * self.multiple)
        return EngineLimits(
            width=side,
            height=side,
            steps=self.steps,
            guidance=self.guidance,
            max_side=max_side,
            multiple=self.multiple,
            max_steps=self.max_steps,
            max_guidance=self.max_guidance,
            batch=batch or self.batch,
            negative_prompt_min_guidance=self.negative_prompt_min_guidance,
            supports_strength=self.supports_strength,
            supports_guidance=self.supports_guidance,
            min_guidance=self.min_guidance,
            kinds=frozenset({"text", "image"} if self.supports_init_image else {"text"}),
        )


def describe(preset: Preset) -> Iterator[str]:
    """Yield a few lines for the list of models."""
    license, side = preset.license, preset.side
    source = preset.source + (f" with {preset.unet[0]}/{preset.unet[1]}" if preset.unet else "")
    yield f"{preset.name}: {preset.notes}"
    yield f"  source     {source}{' (accept its terms there, then set HF_TOKEN)' if preset.gated else ''}"
    yield f"  license    {license.name}: {license.summary} ({license.address})"
    yield f"  size       {side} x {side}, sides up to {preset.max_side}"
    yield f"  steps      {preset.steps}, at most {preset.max_steps}"
    yield f"  guidance   {preset.guidance:g}; {_negative_note(preset)}"
    yield f"  from       {_input_note(preset)}"
    yield f"  needs      about {preset.vram_gb:g} GB of GPU memory (estimate); at Modal: {preset.gpu_type}"
    yield f"  batch      {preset.batch} images; for GPU_VAE=tiny: {preset.tiny_vae or 'none'}"


def _negative_note(preset: Preset) -> str:
    if preset.negative_prompt_min_guidance is None:
        return f"negative prompts {'' if preset.supports_guidance else 'and other guidance '}have no effect"
    return f"negative prompts work above {preset.negative_prompt_min_guidance:g}"


def _input_note(preset: Preset) -> str:
    if not preset.supports_init_image:
        return "text only: it reads no init image"
    return f"text, and text with an image{'' if preset.supports_strength else ' (as a reference, without strength)'}"
