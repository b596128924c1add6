"""The diffusers engine: load, tune, warm up and generate with a preset, or any model that AutoPipeline loads."""

from __future__ import annotations

import gc
import importlib
import logging
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gpu.diffusion.batch_buckets import bucket_sizes, pad_to_bucket
from gpu.diffusion.image_output import NAN_HINT, to_images
from gpu.diffusion.load_errors import load_error
from gpu.diffusion.loading import Autoencoder, img2img_from, load_text_pipeline, set_scheduler
from gpu.diffusion.model_defaults import preset_for_unknown
from gpu.diffusion.pipeline_call import PipelineCaller
from gpu.diffusion.pipeline_types import Pipeline
from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import find_preset
from gpu.diffusion.prompt_tokens import TokenCounters
from gpu.diffusion.revisions import Revisions
from gpu.diffusion.runtime_errors import classify_error
from gpu.diffusion.tuning import (
    Tuning,
    compile_networks,
    forbid_recompilation,
    resolve_device,
    torch_dtype,
    tune,
)
from gpu.engine import (
    BatchKey,
    EngineBroken,
    EngineLimits,
    Failure,
    GeneratedImage,
    ImageRequest,
    Kind,
    OutOfMemory,
    Result,
)

if TYPE_CHECKING:
    import torch

log = logging.getLogger("gpu")


class PipelineLoader(Protocol):
    """Loads a text-to-image pipeline, onto the CPU or anywhere."""

    def __call__(
        self, model: str, preset: Preset | None, *, dtype: torch.dtype, vae: Autoencoder, revisions: Revisions
    ) -> Pipeline: ...


class DiffusersEngine:
    """An Engine with one text-to-image pipeline and the image-to-image pipeline that shares its weights."""

    def __init__(
        self,
        model: str | Preset,
        *,
        device: str | None = None,
        batch_limit: int | None = None,
        max_side: int | None = None,
        tuning: Tuning | None = None,
        vae: Autoencoder = "own",
        load_pipeline: PipelineLoader = load_text_pipeline,
        revisions: Mapping[str, str] | None = None,
    ) -> None:
        """Load nothing yet.

        Args:
            model: a preset or its name, a folder, or a model id.
            batch_limit, max_side: None means the preset's value.
            load_pipeline: for benchmarks, which use random weights.
        """
        self._preset = model if isinstance(model, Preset) else find_preset(model)
        self._source = model.source if isinstance(model, Preset) else model
        self._device, self._vae, self._load_pipeline = device, vae, load_pipeline
        self._batch_limit, self._max_side = batch_limit, max_side
        self._tuning = tuning or Tuning()
        self._revisions = Revisions({**(self._preset.revisions if self._preset else {}), **(revisions or {})})
        self._is_warm, self._compiles = False, self._tuning.compile != "off"
        self._callers: dict[Kind, PipelineCaller] = {}
        # Do not publish the path of a folder.
        name = Path(self._source).name if Path(self._source).is_dir() else self._source
        self.model = self._preset.name if self._preset else name
        # The limits of a model without preset are unknown until it has loaded.
        self.limits = self._limits_of(self._preset) if self._preset else EngineLimits()

    def load(self) -> None:
        """Load the weights onto the device, tune and warm up. Raises EngineBroken that names the setting to change."""
        _keep_prompts_out_of_logs()
        self._device = device = resolve_device(self._device)
        fits_fp16 = self._preset is None or self._preset.fits_fp16
        dtype = torch_dtype(self._tuning.dtype, device, fits_fp16=fits_fp16)
        pipeline = self._load_pipeline(
            self._source, self._preset, dtype=dtype, vae=self._vae, revisions=self._revisions
        )
        text = self._to_device(pipeline, device)
        preset = self._preset or preset_for_unknown(self._source, text)
        set_scheduler(text, preset)
        self._set_callers(text, preset)
        self._tokens = TokenCounters(text)
        tune(text, self._tuning, device=device, native_side=preset.side)
        compile_networks(text, self._tuning.compile, device=device)
        if self._tuning.warm_up or self._compiles:
            self._warm_up()
        self._is_warm = True
        log.info("loaded model=%s pipeline=%s device=%s dtype=%s", self.model, type(text).__name__, device, dtype)

    def generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> list[Result]:
        """Generate in one pipeline call, or one per group of images that may share one.

        Each image has its own generator, so a seed gives the same image in any batch (up to rounding).
        """
        try:
            return self._generate(key, images)
        except Exception as error:
            classified = classify_error(error, images)
            if classified is error:
                raise
            if not isinstance(classified, OutOfMemory):
                raise classified from None
        # Only here are the frames of the failed call gone, and the memory of its tensors free for a smaller batch.
        self._free_memory()
        raise classified

    def _generate(self, key: BatchKey, images: Sequence[ImageRequest]) -> list[Result]:
        caller = self._callers[key.kind]
        results: dict[int, Result] = {}
        for group in caller.groups(key, images):
            requests = [images[index] for index in group]
            for index, result in zip(group, self._generate_group(caller, key, requests), strict=True):
                results[index] = result
        if failed := sum(isinstance(result, Failure) for result in results.values()):
            log.error("generated images=%d failed=%d: %s", len(images), failed, NAN_HINT)
        return [results[index] for index in range(len(images))]

    def _generate_group(self, caller: PipelineCaller, key: BatchKey, requests: Sequence[ImageRequest]) -> list[Result]:
        padded = pad_to_bucket(requests, self.limits.batch) if self._compiles else requests
        with forbid_recompilation() if self._compiles and self._is_warm else nullcontext():
            tensor = caller.generate(key, padded)[: len(requests)]
        # Counted while the device still works.
        truncations = [self._tokens.truncation(request.prompt) for request in requests]
        rows = zip(to_images(tensor), truncations, strict=True)
        return [image if isinstance(image, Failure) else GeneratedImage(image, cut) for image, cut in rows]

    def _set_callers(self, text: Pipeline, preset: Preset) -> None:
        self.limits = self._limits_of(preset)
        self._callers["text"] = PipelineCaller(text, self.limits)
        if img2img := img2img_from(text):
            self._callers["image"] = caller = PipelineCaller(img2img, self.limits)
            self.limits = replace(self.limits, supports_strength=not caller.is_reference_based)
        self.limits = replace(self.limits, kinds=frozenset(self._callers))

    def _to_device(self, pipeline: Pipeline, device: str) -> Pipeline:
        try:
            return pipeline.to(device)
        except Exception as error:
            raise load_error("GPU_MODEL", self._source, error) from error

    def _limits_of(self, preset: Preset) -> EngineLimits:
        return preset.limits(batch=self._batch_limit, max_side=self._max_side)

    def _warm_up(self) -> None:
        """Generate at the native size, each kind, so that no caller waits for kernels to be chosen.

        A compiled model compiles here, so this runs each batch size once. A size that does not fit lowers the limit.
        """
        sizes = bucket_sizes(self.limits.batch) if self._compiles else [1]
        for size in sizes:
            try:
                self._warm_up_batch(size)
            except OutOfMemory:
                if size == 1:
                    raise EngineBroken(
                        f"GPU_MODEL: {self.model} fits the device, but not while it generates a picture"
                    ) from None
                self.limits = replace(self.limits, batch=sizes[sizes.index(size) - 1])
                log.warning("the device's memory holds %d images at once, not %d", self.limits.batch, size)
                return

    def _warm_up_batch(self, size: int) -> None:
        for kind in sorted(self.limits.kinds, reverse=True):
            if any(isinstance(result, Failure) for result in self.generate(*_sample_batch(kind, self.limits, size))):
                raise EngineBroken(f"GPU_MODEL: {self.model}: {NAN_HINT}")

    def _free_memory(self) -> None:
        import torch

        gc.collect()
        if self._device == "cuda":
            torch.cuda.empty_cache()
        elif self._device == "mps":
            torch.mps.empty_cache()


def _sample_batch(kind: Kind, limits: EngineLimits, size: int) -> tuple[BatchKey, list[ImageRequest]]:
    from PIL import Image

    init_image = Image.new("RGB", (limits.width, limits.height), "grey") if kind == "image" else None
    strength = max(limits.strength, 1 / limits.steps) if kind == "image" else 1.0
    key = BatchKey(kind, limits.width, limits.height, limits.steps, limits.guidance, strength)
    return key, [ImageRequest("a lake", seed, init_image=init_image) for seed in range(size)]


def _keep_prompts_out_of_logs() -> None:
    """Silence the libraries: diffusers logs the text of a prompt that is longer than the text encoder reads."""
    warnings.filterwarnings("ignore", module=r"huggingface_hub(\..*)?")
    for library in ("diffusers", "transformers"):
        library_logging = importlib.import_module(f"{library}.utils.logging")
        library_logging.set_verbosity_error()
        library_logging.disable_progress_bar()
        warnings.filterwarnings("ignore", module=rf"{library}(\..*)?")
