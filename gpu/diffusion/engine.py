"""Paints with a diffusers pipeline: a preset, or any folder or model id that AutoPipeline can load.

Knows the order of things: load, tune, warm up, paint. The parts are its neighbours'. torch and diffusers are imported
when it loads; it knows no queue and no HTTP.
"""

from __future__ import annotations

import gc
import importlib
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpu.diffusion.buckets import buckets, padded
from gpu.diffusion.calls import Calls
from gpu.diffusion.faults import sorted_fault
from gpu.diffusion.loading import Autoencoder, image_sister, load_text_pipeline, set_scheduler
from gpu.diffusion.manners import preset_of
from gpu.diffusion.pixels import NAN_HINT, to_pictures
from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import find_preset
from gpu.diffusion.reasons import cannot_load
from gpu.diffusion.revisions import Revisions
from gpu.diffusion.tokens import Readers
from gpu.diffusion.tuning import Tuning, checked_device, compile_networks, no_more_compiling, torch_dtype, tune
from gpu.engine import EngineBroken, Failure, Key, Kind, Limits, OutOfMemory, Painting, Piece

log = logging.getLogger("gpu")


class DiffusersEngine:
    """An Engine around one text-to-image pipeline and its image-to-image sister, which shares the weights.

    `model`: a preset or its name, a folder, or a model id. `batch_limit` and `max_side` None: what the preset says.
    `make` loads the text pipeline onto the CPU or anywhere (a bench gives one with random weights).
    """

    def __init__(
        self,
        model: str | Preset,
        *,
        device: str | None = None,
        batch_limit: int | None = None,
        max_side: int | None = None,
        tuning: Tuning | None = None,
        vae: Autoencoder = "own",
        make: Callable[..., Any] = load_text_pipeline,
        revisions: Mapping[str, str] | None = None,
    ) -> None:
        self._preset = model if isinstance(model, Preset) else find_preset(model)
        self._source = model.source if isinstance(model, Preset) else model
        self._device, self._vae, self._make = device, vae, make
        self._batch_limit, self._max_side = batch_limit, max_side
        self._tuning = tuning or Tuning()
        self._revisions = Revisions({**(self._preset.revisions if self._preset else {}), **(revisions or {})})
        self._warm, self._compiles = False, self._tuning.compile != "off"
        self._calls: dict[Kind, Calls] = {}
        # A folder on disk is named by its last part: its path is nobody's business.
        folder = Path(self._source).name if Path(self._source).is_dir() else self._source
        self.model = self._preset.name if self._preset else folder
        # Until it has loaded, a stranger's limits are not known; nothing is painted before.
        self.limits = self._limits_of(self._preset) if self._preset else Limits()

    def load(self) -> None:
        """Load the weights onto the device, tune and warm up; raises EngineBroken naming the setting to look at."""
        _keep_prompts_out_of_logs()
        self._device = device = checked_device(self._device)
        fits_fp16 = self._preset is None or self._preset.fits_fp16
        dtype = torch_dtype(self._tuning.dtype, device, fits_fp16=fits_fp16)
        made = self._make(self._source, self._preset, dtype=dtype, vae=self._vae, revisions=self._revisions)
        text = self._placed(made, device)
        preset = self._preset or preset_of(self._source, text)
        set_scheduler(text, preset)
        self.limits = self._limits_of(preset)
        self._calls["text"] = Calls(text, self.limits)
        if image := image_sister(text):
            self._calls["image"] = Calls(image, self.limits)
            self.limits = replace(self.limits, strength_counts=not self._calls["image"].by_reference)
        self.limits = replace(self.limits, kinds=frozenset(self._calls))
        self._readers = Readers(text)
        tune(text, self._tuning, device=device, native_side=preset.side)
        compile_networks(text, self._tuning.compile, device=device)
        if self._tuning.warm_up or self._compiles:
            self._warm_up()
        self._warm = True
        log.info("loaded model=%s pipeline=%s device=%s dtype=%s", self.model, type(text).__name__, device, dtype)

    def paint(self, key: Key, pieces: Sequence[Piece]) -> list[Painting | Failure]:
        """One pipeline call for all pieces that may share one; each has its own generator, so its seed means the same
        picture in whatever batch (up to rounding)."""
        try:
            return self._paint(key, pieces)
        except Exception as error:
            fault = sorted_fault(error, pieces)
            if fault is error:
                raise
            if not isinstance(fault, OutOfMemory):
                raise fault from None
        # Only here are the frames of the failed call gone, and with them the memory that its tensors held: who tries
        # again with fewer pieces needs it.
        self._forget()
        raise fault

    def _paint(self, key: Key, pieces: Sequence[Piece]) -> list[Painting | Failure]:
        calls = self._calls[key.kind]
        results: dict[int, Painting | Failure] = {}
        for group in calls.groups(key, pieces):
            chosen = [pieces[index] for index in group]
            asked = padded(chosen, self.limits.batch) if self._compiles else chosen
            with no_more_compiling() if self._compiles and self._warm else nullcontext():
                batch = calls.paint(key, asked)[: len(chosen)]
            # Counted while the device still works at what it was given.
            truncated = [self._readers.truncated(piece.prompt) for piece in chosen]
            for index, picture, cut in zip(group, to_pictures(batch), truncated, strict=True):
                results[index] = picture if isinstance(picture, Failure) else Painting(picture, cut)
        if failed := sum(isinstance(result, Failure) for result in results.values()):
            log.error("painted pictures=%d failed=%d: %s", len(pieces), failed, NAN_HINT)
        return [results[index] for index in range(len(pieces))]

    def _placed(self, pipeline: Any, device: str) -> Any:
        try:
            return pipeline.to(device)
        except Exception as error:
            raise cannot_load("GPU_MODEL", self._source, error) from error

    def _limits_of(self, preset: Preset) -> Limits:
        return preset.limits(batch=self._batch_limit, max_side=self._max_side)

    def _warm_up(self) -> None:
        """Paint at the native size, each kind: kernels are chosen and memory is taken before the first caller waits.

        A compiled model compiles here, so every size of batch is painted once. One that does not fit lowers the limit.
        """
        sizes = buckets(self.limits.batch) if self._compiles else [1]
        for size in sizes:
            try:
                for kind in sorted(self.limits.kinds, reverse=True):
                    if any(isinstance(result, Failure) for result in self.paint(*_trial(kind, self.limits, size))):
                        raise EngineBroken(f"GPU_MODEL: {self.model}: {NAN_HINT}")
            except OutOfMemory:
                if size == 1:
                    raise EngineBroken(
                        f"GPU_MODEL: {self.model} fits the device, but not with a picture being painted"
                    ) from None
                self.limits = replace(self.limits, batch=sizes[sizes.index(size) - 1])
                log.warning("the device's memory holds %d pictures at once, not %d", self.limits.batch, size)
                return

    def _forget(self) -> None:
        import torch

        gc.collect()
        if self._device == "cuda":
            torch.cuda.empty_cache()
        elif self._device == "mps":
            torch.mps.empty_cache()


def _trial(kind: Kind, limits: Limits, size: int) -> tuple[Key, list[Piece]]:
    from PIL import Image

    start = Image.new("RGB", (limits.width, limits.height), "grey") if kind == "image" else None
    strength = max(limits.strength, 1 / limits.steps) if kind == "image" else 1.0
    key = Key(kind, limits.width, limits.height, limits.steps, limits.guidance, strength)
    return key, [Piece("a lake", seed, start=start) for seed in range(size)]


def _keep_prompts_out_of_logs() -> None:
    """A prompt longer than the text encoder reads is logged by diffusers as a warning, with its words."""
    warnings.filterwarnings("ignore", module=r"huggingface_hub(\..*)?")
    for library in ("diffusers", "transformers"):
        logs = importlib.import_module(f"{library}.utils.logging")
        logs.set_verbosity_error()
        logs.disable_progress_bar()
        warnings.filterwarnings("ignore", module=rf"{library}(\..*)?")
