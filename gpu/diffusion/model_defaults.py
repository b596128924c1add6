"""Guess the defaults of a model that is not in the table, from its loaded pipeline and at last from its name.

A wrong guess does little harm: callers may set steps and guidance themselves.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from pathlib import Path

from gpu.diffusion.pipeline_types import Pipeline
from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import UNKNOWN


@dataclass(frozen=True)
class InferenceDefaults:
    """Steps and guidance for requests without them."""

    steps: int
    guidance: float


# The first fragment that occurs in the lower-case model name. Distilled models have their guidance built in: more of it
# doubles the work and spoils the image.
_BY_NAME = (
    ("lightning", InferenceDefaults(steps=4, guidance=0.0)),
    ("turbo", InferenceDefaults(steps=4, guidance=0.0)),
    ("schnell", InferenceDefaults(steps=4, guidance=0.0)),
    ("klein", InferenceDefaults(steps=4, guidance=1.0)),
    ("lcm", InferenceDefaults(steps=4, guidance=1.0)),
)
# A model that needs so few steps is distilled.
MAX_DISTILLED_STEPS = 8
DEFAULT_STEPS = 25
# Pixels a side of one latent of a deep autoencoder (DC-AE): transformers read each by itself.
DEEP_SCALE = 32

# The tiny autoencoders for the same latents, by the start of the pipeline's class name.
_TINY_VAES = (
    ("StableDiffusionXL", "madebyollin/taesdxl"),
    ("StableDiffusion3", "madebyollin/taesd3"),
    ("StableDiffusion", "madebyollin/taesd"),
    ("LatentConsistencyModel", "madebyollin/taesd"),
    ("ZImage", "madebyollin/taef1"),
    ("FluxPipeline", "madebyollin/taef1"),
    ("Chroma", "madebyollin/taef1"),
    ("PRXPipeline", "madebyollin/taef1"),
)


def tiny_vae_for(pipeline_class: str) -> str | None:
    return next((vae for start, vae in _TINY_VAES if pipeline_class.startswith(start)), None)


def preset_for_unknown(model: str, text: Pipeline) -> Preset:
    """Return a preset for a loaded text-to-image pipeline that is not in the table."""
    defaults = guess_defaults(model, text)
    side, accepted = native_side(text), frozenset(inspect.signature(text.__call__).parameters)
    is_distilled = defaults.steps <= MAX_DISTILLED_STEPS
    parameters = _parameter_count(text) / 1e9
    return Preset(
        name=Path(model).name if Path(model).is_dir() else model,
        source=model,
        license=UNKNOWN,
        steps=defaults.steps,
        guidance=defaults.guidance,
        side=side,
        max_side=max(1024, side * 3 // 2),
        max_steps=16 if is_distilled else 100,
        max_guidance=20.0,
        batch=8 if side <= 768 else 4,
        parameters=parameters,
        gpu_type="L4" if parameters < 5 else "L40S",
        multiple=side_multiple(text),
        min_guidance=min_guidance(text),
        negative_prompt_min_guidance=_negative_prompt_min_guidance(text, accepted),
        supports_guidance="guidance_scale" in accepted and not text.config.get("is_distilled"),
        tiny_vae=tiny_vae_for(type(text).__name__),
    )


def guess_defaults(model: str, pipeline: Pipeline) -> InferenceDefaults:
    """Guess by what the configuration says about distillation, then by name, then use the pipeline's defaults."""
    scheduler, config = type(pipeline.scheduler).__name__, pipeline.scheduler.config
    if scheduler == "SCMScheduler":  # SANA-Sprint, which reads its guidance like the prompt
        return InferenceDefaults(steps=2, guidance=4.5)
    if pipeline.config.get("is_distilled") or scheduler in ("LCMScheduler", "TCDScheduler"):
        return InferenceDefaults(steps=4, guidance=1.0)
    name = (Path(model).name if Path(model).is_dir() else model).lower()
    for fragment, defaults in _BY_NAME:
        if fragment in name:
            return replace(defaults, guidance=max(defaults.guidance, min_guidance(pipeline)))
    # Trailing timesteps mark distilled models. Models that predict velocity use them too, without being distilled.
    if config.get("timestep_spacing") == "trailing" and config.get("prediction_type") == "epsilon":
        return InferenceDefaults(steps=4, guidance=0.0)
    guidance = inspect.signature(pipeline.__call__).parameters.get("guidance_scale")
    return InferenceDefaults(DEFAULT_STEPS, float(guidance.default) if guidance else 0.0)


def native_side(pipeline: Pipeline) -> int:
    """Return the side in pixels of the training images, 1024 if it is unknown."""
    if isinstance(side := pipeline.config.get("default_sample_size"), int):
        return side
    network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    latent = getattr(getattr(network, "config", None), "sample_size", None)
    if isinstance(latent, (list, tuple)):
        latent = min(latent)
    return int(latent * getattr(pipeline, "vae_scale_factor", 8)) if isinstance(latent, int) else 1024


def side_multiple(pipeline: Pipeline) -> int:
    """Return what sides must be a multiple of: the size of one latent, or of two in most transformers."""
    scale = int(getattr(pipeline, "vae_scale_factor", 8))
    return scale if hasattr(pipeline, "unet") or scale >= DEEP_SCALE else scale * 2


def min_guidance(pipeline: Pipeline) -> float:
    """Return the lowest guidance that the pipeline accepts."""
    return 1.0 if type(pipeline).__name__ == "PRXPipeline" else 0.0


def _negative_prompt_min_guidance(pipeline: Pipeline, accepted: frozenset[str]) -> float | None:
    if "negative_prompt" not in accepted or "true_cfg_scale" in accepted:
        return None
    return 0.0 if type(pipeline).__name__.startswith("ZImage") else 1.0


def _parameter_count(pipeline: Pipeline) -> int:
    networks = (part for part in pipeline.components.values() if hasattr(part, "parameters"))
    return sum(weights.numel() for network in networks for weights in network.parameters())
