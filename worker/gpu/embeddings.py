"""Build requests for text embeddings, and parse a GPU service's response.

The vectors come from outside, and end up in comparisons with those of pictures: each is checked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.gpu.errors import GARBAGE, GpuError

MAX_WIDTH = 4096
# Vectors have length 1; services round them to float32.
LENGTH_TOLERANCE = 0.01


@dataclass(frozen=True)
class TextEmbedding:
    """A text's unit vector in CLIP's space. `truncated`: tokens that were read, and all of them, if it was too long."""

    vector: tuple[float, ...]
    truncated: tuple[int, int] | None = None


@dataclass(frozen=True)
class EmbedResult:
    """One embedding for each text, in their order, of the CLIP model `model`. `url`: base address of the backend."""

    model: str
    embeddings: tuple[TextEmbedding, ...]
    url: str = ""


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, protected_namespaces=())


class _Truncated(_Message):
    read: int = Field(ge=0)
    of: int = Field(ge=0)


class _Embedding(_Message):
    embedding: list[float] = Field(min_length=1, max_length=MAX_WIDTH)
    truncated: _Truncated | None = None


class _Response(_Message):
    model: str = Field(min_length=1, max_length=200)
    embeddings: list[_Embedding]


def encode_texts(texts: Sequence[str]) -> bytes:
    """Return the request as JSON."""
    return json.dumps({"texts": list(texts)}).encode()


def parse_embeddings(content: bytes, texts: Sequence[str], *, url: str = "") -> EmbedResult:
    """Return the embeddings of these texts. Raises GpuError if there is not one unit vector for each."""
    try:
        response = _Response.model_validate_json(content)
    except ValidationError as error:
        raise GpuError(GARBAGE, f"{error.error_count()} fields are wrong", suspect=True) from error
    rows = response.embeddings
    if len(rows) != len(texts) or len({len(row.embedding) for row in rows}) > 1:
        raise GpuError(GARBAGE, "the embeddings are not those of the texts", suspect=True)
    if any(abs(math.hypot(*row.embedding) - 1) > LENGTH_TOLERANCE for row in rows):
        raise GpuError(GARBAGE, "an embedding does not have length 1", suspect=True)
    return EmbedResult(response.model, tuple(map(_embedding, rows)), url)


def _embedding(row: _Embedding) -> TextEmbedding:
    cut = row.truncated
    return TextEmbedding(tuple(row.embedding), (cut.read, cut.of) if cut else None)
