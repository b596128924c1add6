"""Explain in one line why a model did not load: which part, what is wrong, which setting to change.

Errors of diffusers, huggingface_hub and safetensors are recognized by name, without importing these libraries.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

from gpu.engine import EngineBroken

# Most specific first. diffusers wraps "offline" into "has no model_index.json", so the whole chain is searched.
_BY_NAME = (
    ("GatedRepoError", "is gated: accept its terms on its page, then set HF_TOKEN"),
    ("RepositoryNotFoundError", "is not on the hub (or it is private: set HF_TOKEN)"),
    ("OfflineModeIsEnabled", "is not in this machine's cache, and HF_HUB_OFFLINE forbids the download"),
    ("LocalEntryNotFoundError", "is not in this machine's cache, and the hub cannot be reached"),
    ("HFValidationError", "is no folder on this machine and no model id (owner/name)"),
    ("SafetensorError", "has a damaged or incomplete weights file: delete it and download it again"),
    ("JSONDecodeError", "has a configuration file that cannot be read"),
    ("OutOfMemoryError", "does not fit into the device's memory: take a smaller model or a larger card"),
    ("MemoryError", "does not fit into this machine's memory: take a smaller model"),
)


def load_error(setting: str, source: str, error: BaseException) -> EngineBroken:
    """Return the error to raise instead, like "GPU_MODEL: sd-turbo is not in ...". A folder's path is not shown."""
    name = Path(source).name if Path(source).is_dir() else source
    return EngineBroken(f"{setting}: {name} {_reason(error, source)}")


def _reason(error: BaseException, source: str) -> str:
    chain = list(_chain(error))
    for name, reason in _BY_NAME:
        if any(name in (kind.__name__ for kind in type(link).__mro__) for link in chain):
            return reason
    if any(isinstance(link, OSError) and link.errno == errno.ENOSPC for link in chain):
        return "does not fit on the disk (HF_HOME sets the folder)"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"does not load: {first.replace(source, '...')[:300]}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
