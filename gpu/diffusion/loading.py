"""Load a pipeline from its repository or folder, with the parts that its preset replaces.

A folder never touches the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gpu.diffusion.load_errors import load_error
from gpu.diffusion.model_defaults import tiny_vae_for
from gpu.diffusion.pipeline_types import Pipeline, diffusers_class
from gpu.diffusion.preset import Preset
from gpu.diffusion.revisions import Revisions
from gpu.engine import EngineBroken

if TYPE_CHECKING:
    import torch

Autoencoder = Literal["own", "tiny"]
UNPINNED = Revisions()
# Text-to-image pipelines that AutoPipeline does not know, and their image-to-image pipelines.
_OUTSIDE_AUTO = {"SanaSprintPipeline": "SanaSprintImg2ImgPipeline"}


def load_text_pipeline(
    model: str,
    preset: Preset | None,
    *,
    dtype: torch.dtype,
    vae: Autoencoder = "own",
    revisions: Revisions = UNPINNED,
) -> Pipeline:
    """Return the text-to-image pipeline in `dtype`, on the CPU. Raises EngineBroken that says what is missing.

    Without a preset `model` is a folder or a model id. The model's own safety checker is never loaded, because it
    blackens images; `gpu.safety` checks them afterwards.
    """
    source = preset.source if preset else model
    config = _load_config(source, revisions)
    parts = _replaced_parts(source, preset, dtype, vae, revisions) | _no_safety_checker(config)
    options = parts | revisions.options(source)
    own_class = str(config.get("_class_name"))
    loader = diffusers_class(own_class if own_class in _OUTSIDE_AUTO else "AutoPipelineForText2Image")
    try:
        pipeline = _from_pretrained(loader, source, preset.variant if preset else None, dtype=dtype, **options)
    except Exception as error:
        raise load_error("GPU_MODEL", source, error) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def set_scheduler(pipeline: Pipeline, preset: Preset) -> None:
    """Set the preset's scheduler. Distilled models without preset get trailing timesteps if they use Euler."""
    config = pipeline.scheduler.config
    if preset.scheduler:
        pipeline.scheduler = diffusers_class(preset.scheduler.name).from_config(config, **preset.scheduler.values)
    elif preset.max_steps <= 16 and type(pipeline.scheduler).__name__.startswith("Euler"):
        pipeline.scheduler = type(pipeline.scheduler).from_config(config, timestep_spacing="trailing")


def img2img_from(text: Pipeline) -> Pipeline | None:
    """Return the image-to-image pipeline with the same weights, None if the family has none.

    It takes no more memory. Its scheduler is its own, because a shared one would count steps for both.
    """
    loader = diffusers_class(_OUTSIDE_AUTO.get(type(text).__name__, "AutoPipelineForImage2Image"))
    try:
        pipeline: Pipeline = loader.from_pipe(text, scheduler=type(text.scheduler).from_config(text.scheduler.config))
    except ValueError:
        return None
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _from_pretrained(loader: Any, source: str, variant: str | None, **options: object) -> Pipeline:
    """Load half-precision files if the repository has them (half the download), else the full ones."""
    load: Callable[..., Pipeline] = loader.from_pretrained
    if variant:
        try:
            return load(source, variant=variant, **options)
        except ValueError as error:
            if "variant" not in str(error):
                raise
    return load(source, **options)


def _load_config(source: str, revisions: Revisions) -> dict[str, object]:
    """Return the pipeline's model_index.json."""
    try:
        config = diffusers_class("DiffusionPipeline").load_config(source, **revisions.options(source))
    except Exception as error:
        raise load_error("GPU_MODEL", source, error) from error
    return dict(config)


def _no_safety_checker(config: Mapping[str, object]) -> dict[str, object]:
    if "safety_checker" not in config:
        return {}
    return {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def _replaced_parts(
    source: str, preset: Preset | None, dtype: torch.dtype, vae: Autoencoder, revisions: Revisions
) -> dict[str, object]:
    import torch

    parts: dict[str, object] = {}
    if preset and preset.unet:
        parts["unet"] = _unet_from_file(preset.source, *preset.unet, dtype=dtype, revisions=revisions)
    if vae == "tiny":
        parts["vae"] = _tiny_vae(source, preset, dtype, revisions)
    elif preset and preset.fp16_vae and dtype == torch.float16:
        parts["vae"] = _load_vae("AutoencoderKL", preset.fp16_vae, dtype, revisions)
    return parts


def _tiny_vae(source: str, preset: Preset | None, dtype: torch.dtype, revisions: Revisions) -> torch.nn.Module:
    class_name = "" if preset else str(_load_config(source, revisions).get("_class_name", ""))
    repository = preset.tiny_vae if preset else tiny_vae_for(class_name)
    if repository is None:
        raise EngineBroken("GPU_VAE: there is no tiny autoencoder for this model; GPU_VAE=own takes its own")
    return _load_vae("AutoencoderTiny", repository, dtype, revisions, setting="GPU_VAE")


def _load_vae(
    class_name: str,
    source: str,
    dtype: torch.dtype,
    revisions: Revisions,
    *,
    setting: str = "GPU_MODEL",
) -> torch.nn.Module:
    try:
        vae: torch.nn.Module = diffusers_class(class_name).from_pretrained(
            source, dtype=dtype, **revisions.options(source)
        )
    except Exception as error:
        raise load_error(setting, source, error) from error
    return vae


def _unet_from_file(
    base: str, repository: str, file: str, *, dtype: torch.dtype, revisions: Revisions
) -> torch.nn.Module:
    """Return the base's UNet with the weights of one file.

    It is created without memory, so that the weights exist only once.
    """
    import torch

    weights = _load_weights(repository, file, revisions)
    unet_class = diffusers_class("UNet2DConditionModel")
    try:
        config = unet_class.load_config(base, subfolder="unet", **revisions.options(base))
        with torch.device("meta"):
            unet: torch.nn.Module = unet_class.from_config(config)
        unet.load_state_dict(weights, assign=True)
    except RuntimeError:
        raise EngineBroken(f"GPU_MODEL: the weights in {file} do not fit the UNet of {Path(base).name}") from None
    except Exception as error:
        raise load_error("GPU_MODEL", base, error) from error
    return unet.to(dtype).eval()


def _load_weights(repository: str, file: str, revisions: Revisions) -> dict[str, torch.Tensor]:
    from huggingface_hub import hf_hub_download
    from safetensors.torch import load_file

    folder = Path(repository)
    revision = revisions.pinned.get(repository)
    try:
        path = folder / file if folder.is_dir() else hf_hub_download(repository, file, revision=revision)
        return load_file(path)
    except Exception as error:
        raise load_error("GPU_MODEL", repository, error) from error
