"""State of a picture uploaded to X."""

from dataclasses import dataclass

from core.x.json_fields import JsonObject

MAX_CHECK_AFTER = 600.0


@dataclass(frozen=True)
class UploadedMedia:
    """An upload. If it is neither `ready` nor `failed`, check again in `check_after` seconds."""

    media_id: str
    ready: bool = True
    failed: bool = False
    check_after: float = 0.0


def parse_uploaded_media(body: JsonObject) -> UploadedMedia:
    """Parse the response of an upload or of its status. For photos X sends no processing state: they are ready."""
    data = body["data"]
    processing = data.get("processing_info") or {}
    state = str(processing.get("state") or "succeeded")
    check_after = min(max(float(processing.get("check_after_secs") or 1), 0.0), MAX_CHECK_AFTER)
    return UploadedMedia(str(data["id"]), ready=state == "succeeded", failed=state == "failed", check_after=check_after)
