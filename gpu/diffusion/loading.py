"""Puts a model's parts together: the pipeline from its repository or folder, with what its preset replaces.

Knows diffusers and the hub; knows no device, no speed and no queue. A folder never touches the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from gpu.diffusion.manners import tiny_vae_for
from gpu.diffusion.preset import Preset
from gpu.diffusion.reasons import cannot_load
from gpu.diffusion.revisions import Revisions
from gpu.engine import EngineBroken

Autoencoder = Literal["own", "tiny"]
NEWEST = Revisions()


def load_text_pipeline(
    model: str, preset: Preset | None, *, dtype: Any, vae: Autoencoder = "own", revisions: Revisions = NEWEST
) -> Any:
    """The text-to-image pipeline in `dtype` (torch) on the CPU; raises EngineBroken that says what is missing.

    Without a preset `model` is a folder or a model id. Never with the model's own safety checker: it blackens
    pictures, and ours (`gpu.safety`) looks at them afterwards.
    """
    source = preset.source if preset else model
    parts = _replaced_parts(source, preset, dtype, vae, revisions) | _safety_of(source, revisions)
    given = parts | revisions.options(source)
    try:
        pipeline = _from_pretrained(source, preset.variant if preset else None, dtype=dtype, **given)
    except Exception as error:
        raise cannot_load("GPU_MODEL", source, error) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def set_scheduler(pipeline: Any, preset: Preset) -> None:
    """The scheduler the preset wants; a distilled stranger's steps are counted from the noisy end, where it counts."""
    import diffusers

    given = pipeline.scheduler.config
    if preset.scheduler:
        kind = getattr(diffusers, preset.scheduler.name)
        pipeline.scheduler = kind.from_config(given, **preset.scheduler.values)
    elif preset.max_steps <= 16 and type(pipeline.scheduler).__name__.startswith("Euler"):
        pipeline.scheduler = type(pipeline.scheduler).from_config(given, timestep_spacing="trailing")


def image_sister(text: Any) -> Any | None:
    """The image-to-image pipeline with the same weights, no memory more; None where the family has none.

    Its scheduler is its own: it counts steps, and one shared object would count for both.
    """
    import diffusers

    try:
        sister: Any = diffusers.AutoPipelineForImage2Image.from_pipe(
            text, scheduler=type(text.scheduler).from_config(text.scheduler.config)
        )
    except ValueError:
        return None
    sister.set_progress_bar_config(disable=True)
    return sister


def _from_pretrained(source: str, variant: str | None, **given: Any) -> Any:
    """Half-precision files where the repository has them (half the download), the full ones where it has not."""
    import diffusers

    load: Any = diffusers.AutoPipelineForText2Image.from_pretrained
    if variant:
        try:
            return load(source, variant=variant, **given)
        except ValueError as error:
            if "variant" not in str(error):
                raise
    return load(source, **given)


def _config_of(source: str, revisions: Revisions) -> dict[str, Any]:
    """The pipeline's model_index.json."""
    import diffusers

    try:
        config = diffusers.DiffusionPipeline.load_config(source, **revisions.options(source))
    except Exception as error:
        raise cannot_load("GPU_MODEL", source, error) from error
    return dict(config)


def _safety_of(source: str, revisions: Revisions) -> dict[str, Any]:
    if "safety_checker" not in _config_of(source, revisions):
        return {}
    return {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def _replaced_parts(
    source: str, preset: Preset | None, dtype: Any, vae: Autoencoder, revisions: Revisions
) -> dict[str, Any]:
    import diffusers
    import torch

    parts: dict[str, Any] = {}
    if preset and preset.unet:
        parts["unet"] = _unet_from_file(preset.source, *preset.unet, dtype=dtype, revisions=revisions)
    if vae == "tiny":
        parts["vae"] = _tiny_vae(source, preset, dtype, revisions)
    elif preset and preset.fp16_vae and dtype == torch.float16:
        parts["vae"] = _part(diffusers.AutoencoderKL, preset.fp16_vae, dtype, revisions)
    return parts


def _tiny_vae(source: str, preset: Preset | None, dtype: Any, revisions: Revisions) -> Any:
    import diffusers

    repository = preset.tiny_vae if preset else tiny_vae_for(_config_of(source, revisions).get("_class_name", ""))
    if repository is None:
        raise EngineBroken("GPU_VAE: there is no tiny autoencoder for this model; GPU_VAE=own takes its own")
    return _part(diffusers.AutoencoderTiny, repository, dtype, revisions, setting="GPU_VAE")


def _part(kind: Any, source: str, dtype: Any, revisions: Revisions, *, setting: str = "GPU_MODEL") -> Any:
    try:
        return kind.from_pretrained(source, dtype=dtype, **revisions.options(source))
    except Exception as error:
        raise cannot_load(setting, source, error) from error


def _unet_from_file(base: str, repository: str, file: str, *, dtype: Any, revisions: Revisions) -> Any:
    """The base's UNet with the weights of one file: shaped without memory, so that no weights are made twice."""
    import diffusers
    import torch
    from huggingface_hub import hf_hub_download
    from safetensors.torch import load_file

    kind: Any = diffusers.UNet2DConditionModel
    folder = Path(repository)
    try:
        fetched = folder / file if folder.is_dir() else hf_hub_download(repository, file, **revisions.of(repository))
        weights = load_file(fetched)
    except Exception as error:
        raise cannot_load("GPU_MODEL", repository, error) from error
    try:
        config = kind.load_config(base, subfolder="unet", **revisions.options(base))
        with torch.device("meta"):
            unet: Any = kind.from_config(config)
        unet.load_state_dict(weights, assign=True)
    except RuntimeError:
        raise EngineBroken(f"GPU_MODEL: the weights in {file} do not fit the UNet of {Path(base).name}") from None
    except Exception as error:
        raise cannot_load("GPU_MODEL", base, error) from error
    return unet.to(dtype).eval()
