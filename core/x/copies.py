"""A picture's copy on X: its id, and whether X is done with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Copy:
    """`ready`, or to be looked at again in `check_after` seconds, or `failed` for good."""

    media_id: str
    ready: bool = True
    failed: bool = False
    check_after: float = 0.0


def read_copy(body: Mapping[str, Any]) -> Copy:
    """The copy of an upload's answer, or of a look at it. Photos are ready at once: X says nothing of processing."""
    data = body["data"]
    processing = data.get("processing_info") or {}
    state = str(processing.get("state") or "succeeded")
    after = min(max(float(processing.get("check_after_secs") or 1), 0.0), 600.0)
    return Copy(str(data["id"]), ready=state == "succeeded", failed=state == "failed", check_after=after)
