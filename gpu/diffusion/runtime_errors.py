"""Classify what torch raises during generation: out of memory, a dead device, or an error of this batch."""

from __future__ import annotations

from collections.abc import Sequence

from gpu.engine import EngineBroken, ImageRequest, OutOfMemory

# Also in errors that are no torch.OutOfMemoryError: of libraries without workspace, the CPU, Apple.
_MEMORY = ("out of memory", "alloc_failed", "can't allocate memory", "cannot allocate memory", "failed to allocate")
# After one of these every later call of the process fails as well. cuDNN's "not supported" is not among them.
_DEAD = (
    "cuda error",
    "cublas_status",
    "cudnn_status_execution_failed",
    "cudnn_status_internal_error",
    "cudnn_status_mapping_error",
    "device-side assert",
    "nvml",
    "hip error",
)


def classify_error(error: Exception, images: Sequence[ImageRequest]) -> Exception:
    """Return OutOfMemory, EngineBroken, or the error itself. None of them quotes a prompt."""
    message = str(error).lower()
    if _is_memory(error, message):
        return OutOfMemory("the device's memory is too small for these images together")
    texts = [text.lower() for image in images for text in (image.prompt, image.negative_prompt) if text]
    quotes_prompt = any(text in message for text in texts)
    if _is_dead(error, message):
        detail = "" if quotes_prompt else ": " + str(error).partition("\n")[0][:200]
        return EngineBroken(f"the device failed: {type(error).__name__}{detail}")
    if quotes_prompt:
        return RuntimeError(f"{type(error).__name__} in the pipeline (message omitted: it quotes a prompt)")
    return error


def _is_memory(error: Exception, message: str) -> bool:
    import torch

    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and any(sign in message for sign in _MEMORY)
    )


def _is_dead(error: Exception, message: str) -> bool:
    import torch

    return isinstance(error, (torch.AcceleratorError, EngineBroken)) or (
        isinstance(error, RuntimeError) and any(sign in message for sign in _DEAD)
    )
