"""The manners of a model that is in no table: read off its loaded pipeline, its name as the last resort.

Knows how diffusers' classes name things; imports neither it nor torch. A wrong guess is no harm for good: callers may
name steps and guidance themselves.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import UNKNOWN


@dataclass(frozen=True)
class Manners:
    """How a model wants to be asked when the caller says nothing."""

    steps: int
    guidance: float


# First match of a fragment in the lower-case model name. Distilled models learnt their guidance: asking for
# more doubles the work and spoils the picture.
_BY_NAME = (
    ("lightning", Manners(steps=4, guidance=0.0)),
    ("turbo", Manners(steps=4, guidance=0.0)),
    ("schnell", Manners(steps=4, guidance=0.0)),
    ("klein", Manners(steps=4, guidance=1.0)),
    ("lcm", Manners(steps=4, guidance=1.0)),
)
_FEW = 8  # steps: who paints in so few was distilled
_PLAIN_STEPS = 25

# The small autoencoders that read and write the same latents, by the start of the pipeline's class name.
_TINY_VAES = (
    ("StableDiffusionXL", "madebyollin/taesdxl"),
    ("StableDiffusion3", "madebyollin/taesd3"),
    ("StableDiffusion", "madebyollin/taesd"),
    ("LatentConsistencyModel", "madebyollin/taesd"),
    ("ZImage", "madebyollin/taef1"),
    ("FluxPipeline", "madebyollin/taef1"),
    ("Chroma", "madebyollin/taef1"),
)


def tiny_vae_for(pipeline_class: str) -> str | None:
    return next((vae for start, vae in _TINY_VAES if pipeline_class.startswith(start)), None)


def preset_of(model: str, text: Any) -> Preset:
    """A row of the table for a loaded text-to-image pipeline that is in none."""
    manners = manners_of(model, text)
    side, asked = native_side(text), inspect.signature(text.__call__).parameters
    distilled = manners.steps <= _FEW
    parameters = sum(weights.numel() for part in _networks(text) for weights in part.parameters()) / 1e9
    return Preset(
        name=Path(model).name if Path(model).is_dir() else model,
        source=model,
        licence=UNKNOWN,
        steps=manners.steps,
        guidance=manners.guidance,
        side=side,
        max_side=max(1024, side * 3 // 2),
        max_steps=16 if distilled else 100,
        max_guidance=20.0,
        batch=8 if side <= 768 else 4,
        parameters=parameters,
        card="L4" if parameters < 5 else "L40S",
        multiple=side_multiple(text),
        negative_above=_negative_above(text, asked),
        guidance_counts="guidance_scale" in asked and not text.config.get("is_distilled"),
        tiny_vae=tiny_vae_for(type(text).__name__),
    )


def manners_of(model: str, pipeline: Any) -> Manners:
    """Steps and guidance: by what the configuration says of distillation, then by name, then the authors' own."""
    scheduler, config = type(pipeline.scheduler).__name__, pipeline.scheduler.config
    if pipeline.config.get("is_distilled") or scheduler in ("LCMScheduler", "TCDScheduler"):
        return Manners(steps=4, guidance=1.0)
    name = (Path(model).name if Path(model).is_dir() else model).lower()
    for fragment, manners in _BY_NAME:
        if fragment in name:
            return manners
    # Timesteps from the noisy end are how distilled models are told apart from their parents; models that learnt
    # velocities use them, too, and are not distilled.
    if config.get("timestep_spacing") == "trailing" and config.get("prediction_type") == "epsilon":
        return Manners(steps=4, guidance=0.0)
    guidance = inspect.signature(pipeline.__call__).parameters.get("guidance_scale")
    return Manners(_PLAIN_STEPS, float(guidance.default) if guidance else 0.0)


def native_side(pipeline: Any) -> int:
    """The side in pixels that the model was trained at, 1024 if it does not say."""
    network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    latent = getattr(getattr(network, "config", None), "sample_size", None)
    if isinstance(latent, (list, tuple)):
        latent = min(latent)
    return int(latent * getattr(pipeline, "vae_scale_factor", 8)) if isinstance(latent, int) else 1024


def side_multiple(pipeline: Any) -> int:
    """What sides must be a multiple of: one latent, and a transformer packs them two by two."""
    scale = int(getattr(pipeline, "vae_scale_factor", 8))
    return scale if hasattr(pipeline, "unet") else scale * 2


def _negative_above(pipeline: Any, asked: Any) -> float | None:
    if "negative_prompt" not in asked or "true_cfg_scale" in asked:
        return None
    return 0.0 if type(pipeline).__name__.startswith("ZImage") else 1.0


def _networks(pipeline: Any) -> list[Any]:
    return [part for part in pipeline.components.values() if hasattr(part, "parameters")]
