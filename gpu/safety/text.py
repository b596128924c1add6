"""CLIP's text encoder, whose vectors are in the same space as those of the safety check's image encoder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpu.diffusion.runtime_errors import classify_error
from gpu.diffusion.tuning import resolve_device
from gpu.engine import TextVector, Truncation
from gpu.safety.clip import ClipChecker

log = logging.getLogger("gpu")


class ClipTextEncoder:
    """A TextEncoder with the weights at `source`, a folder or a model id, at a `revision` of it.

    They are those of the whole CLIP model that the image encoder of `checker` was taken from.
    """

    def __init__(
        self, source: str, checker: ClipChecker, *, device: str | None = None, revision: str | None = None
    ) -> None:
        self._source, self._checker, self._device, self._revision = source, checker, device, revision
        self.model = Path(source).name if Path(source).is_dir() else source
        self.problem = "it is not loaded yet"

    def load(self) -> None:
        """Load the weights, or set `problem`."""
        try:
            self._load()
        except Exception as error:
            reason = " ".join(str(error).split()).replace(self._source, self.model)[:200]
            self.problem = f"GPU_TEXT_MODEL: {self.model} cannot be loaded: {reason}"
            log.warning("no text embeddings: %s", self.problem)

    def _load(self) -> None:
        import torch
        from transformers import CLIPTextModelWithProjection, CLIPTokenizer

        device = resolve_device(self._device)
        options: dict[str, Any] = {"revision": self._revision}
        if Path(self._source).is_dir():
            options = {"local_files_only": True}
        self._tokenizer = CLIPTokenizer.from_pretrained(self._source, **options)
        loader: Any = CLIPTextModelWithProjection
        model, info = loader.from_pretrained(self._source, dtype=torch.float32, output_loading_info=True, **options)
        if missing := [*info["missing_keys"], *info["mismatched_keys"]]:
            raise ValueError(f"{len(missing)} of its parts are missing")
        if model.config.projection_dim != self._checker.width:
            raise ValueError(
                f"its vectors have {model.config.projection_dim} numbers, the pictures' {self._checker.width}"
            )
        self._model = model.eval().to(device, torch.float16 if device == "cuda" else torch.float32)
        self._limit = int(model.config.max_position_embeddings)
        self.embed(["a lake"])
        self.problem = ""
        log.info("text encoder ready model=%s device=%s", self.model, device)

    def embed(self, texts: Sequence[str]) -> list[TextVector]:
        """Return one vector per text, in their order. Raises EngineBroken or OutOfMemory if the device failed."""
        try:
            vectors = self._forward(texts)
        except Exception as error:
            raise classify_error(error, ()) from None
        return [TextVector(vector, self._truncation(text)) for vector, text in zip(vectors, texts, strict=True)]

    def _forward(self, texts: Sequence[str]) -> Any:
        import torch

        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._limit, return_tensors="pt"
        ).to(self._model.device)
        with torch.inference_mode():
            return torch.nn.functional.normalize(self._model(**tokens).text_embeds.float()).cpu().numpy()

    def _truncation(self, text: str) -> Truncation | None:
        read = self._limit - 2  # between the start and end tokens
        total = len(self._tokenizer(text, add_special_tokens=False, verbose=False).input_ids)
        return Truncation(read, total) if total > read else None
