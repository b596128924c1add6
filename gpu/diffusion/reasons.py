"""Why a model did not load, in one line for the host: which part, what is wrong with it, which setting to look at.

Knows the errors of diffusers, huggingface_hub and safetensors by their names only; imports none of them.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

from gpu.engine import EngineBroken

# Most telling first: diffusers wraps "offline" into "has no model_index.json", so the whole chain is looked through.
_BY_NAME = (
    ("GatedRepoError", "is handed out only to those who accept its terms: do so on its page, then set HF_TOKEN"),
    ("RepositoryNotFoundError", "is not on the hub (or it is private: set HF_TOKEN)"),
    ("OfflineModeIsEnabled", "is not in this machine's cache, and HF_HUB_OFFLINE forbids to fetch it"),
    ("LocalEntryNotFoundError", "is not in this machine's cache, and the hub cannot be reached"),
    ("HFValidationError", "is no folder on this machine and no model id (owner/name)"),
    ("SafetensorError", "has a damaged or half-fetched file of weights: delete it and fetch it again"),
    ("JSONDecodeError", "has a configuration file that cannot be read"),
    ("OutOfMemoryError", "does not fit into the device's memory: take a smaller model or a larger card"),
    ("MemoryError", "does not fit into this machine's memory: take a smaller model"),
)


def cannot_load(setting: str, source: str, error: BaseException) -> EngineBroken:
    """The error to raise in its place: "GPU_MODEL: sd-turbo is not in ..."; a folder is named, its path is not told."""
    name = Path(source).name if Path(source).is_dir() else source
    return EngineBroken(f"{setting}: {name} {_reason(error, source)}")


def _reason(error: BaseException, source: str) -> str:
    chain = list(_chain(error))
    for name, words in _BY_NAME:
        if any(name in (kind.__name__ for kind in type(link).__mro__) for link in chain):
            return words
    if any(isinstance(link, OSError) and link.errno == errno.ENOSPC for link in chain):
        return "does not fit on the disk (HF_HOME says where it would lie)"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"does not load: {first.replace(source, '...')[:300]}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
