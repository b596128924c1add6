"""Fetches the picture on X that a creation starts from, once, and keeps it in the storage as the painter will get it.

A picture of a stranger is hostile until it was decoded and encoded anew: bounded in bytes, pixels and time; what hangs
on it (place, camera) is gone then. Knows httpx and addresses; knows no X client: pictures lie on an open host.
"""

import time
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import Engine, update

from core import imaging
from core.database import transaction
from core.errors import Refused, TryLater
from core.models import creations
from core.storage import Storage

LARGEST = 10 * 1024 * 1024
PATIENCE = 15.0
GONE = frozenset({400, 401, 403, 404, 410})


@dataclass(frozen=True)
class StartPictures:
    """Start pictures of creations."""

    engine: Engine
    storage: Storage

    def bytes_for(self, creation: Any) -> bytes | None:
        """The start picture, or None where there is none. Raises TryLater, and Refused where it cannot be read."""
        if creation.start_key:
            kept = self.storage.get(creation.start_key)
            if kept is None and not creation.start_url:
                raise Refused("no_start_picture", "it is not in the storage any more")
            if kept is not None:
                return kept
        return self._fetched(creation) if creation.start_url else None

    def _fetched(self, creation: Any) -> bytes:
        picture = imaging.as_start(_download(creation.start_url))
        key = self.storage.put(picture, imaging.EXTENSION)
        with transaction(self.engine) as session:
            session.execute(update(creations).where(creations.c.id == creation.id).values(start_key=key))
        return picture


def _download(url: str) -> bytes:
    try:
        with httpx.stream(
            "GET", url, headers={"Accept-Encoding": "identity"}, timeout=5.0, follow_redirects=False, trust_env=False
        ) as response:
            if response.status_code in GONE:
                raise Refused("no_start_picture", f"status {response.status_code}")
            if response.status_code != 200:
                raise TryLater("start_picture", f"status {response.status_code}")
            return _bounded(response)
    except httpx.HTTPError as error:
        raise TryLater("start_picture", type(error).__name__) from error
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused("no_start_picture", "its address makes no sense") from error


def _bounded(response: httpx.Response) -> bytes:
    content, deadline = bytearray(), time.monotonic() + PATIENCE
    # As it lies there: unpacked, a few bytes could become more than the memory holds.
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > LARGEST:
            raise Refused("no_start_picture", "it is too large")
        if time.monotonic() > deadline:
            raise TryLater("start_picture", "it does not come to an end")
    return bytes(content)
