"""Sorts what torch raises while painting: too little memory, a dead device, or this batch's own trouble.

Knows torch's errors and the words in them; knows no pipeline and no queue.
"""

from __future__ import annotations

from collections.abc import Sequence

from gpu.engine import EngineBroken, OutOfMemory, Piece

# Also said by errors that are no torch.OutOfMemoryError: libraries that found no workspace, the CPU, Apple.
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


def sorted_fault(error: Exception, pieces: Sequence[Piece]) -> Exception:
    """OutOfMemory, EngineBroken, or the error itself; none of them quotes a prompt."""
    words = str(error).lower()
    if _is_memory(error, words):
        return OutOfMemory("the device's memory is too small for these pieces together")
    quotes = any(text and text.lower() in words for piece in pieces for text in (piece.prompt, piece.negative_prompt))
    if _is_dead(error, words):
        first = "" if quotes else ": " + str(error).partition("\n")[0][:200]
        return EngineBroken(f"the device failed: {type(error).__name__}{first}")
    if quotes:
        return RuntimeError(f"{type(error).__name__} in the pipeline (its words are kept back: they quote a prompt)")
    return error


def _is_memory(error: Exception, words: str) -> bool:
    import torch

    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and any(sign in words for sign in _MEMORY)
    )


def _is_dead(error: Exception, words: str) -> bool:
    import torch

    return isinstance(error, (torch.AcceleratorError, EngineBroken)) or (
        isinstance(error, RuntimeError) and any(sign in words for sign in _DEAD)
    )
