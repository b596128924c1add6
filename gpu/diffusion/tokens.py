"""How much of a prompt a model reads: counted with the pipeline's own tokenizers, never shown, never logged.

Knows the tokenizers of transformers by their manners: a frame around the prompt (CLIP, T5) or a chat (Qwen).
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from gpu.engine import Truncated

# Where a tokenizer has no limit it says 10**30; where a pipeline says nothing either, this is what is common.
_NO_LIMIT = 100_000
_USUAL = 512
_MARK = "prompt"


@dataclass(frozen=True)
class Reader:
    """One tokenizer; `room` is how many tokens of the prompt its text encoder reads."""

    tokenizer: Any
    room: int

    def count(self, prompt: str) -> int:
        return _length(self.tokenizer, prompt, special=False)


class Readers:
    """All tokenizers of one pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self._readers = [_reader(pipeline, slot) for slot in _slots(pipeline)]

    def truncated(self, prompt: str) -> Truncated | None:
        """None when the most patient of the encoders reads it to its end."""
        # A token is at least a letter (T5 adds a space), but other scripts may grow while they are normalised.
        if prompt.isascii() and any(len(prompt) < reader.room for reader in self._readers):
            return None
        counts = [(reader.room, reader.count(prompt)) for reader in self._readers]
        if not counts or any(of <= room for room, of in counts):
            return None
        room, of = max(counts, key=lambda count: count[0] / count[1])
        return Truncated(read=room, of=of)


def _slots(pipeline: Any) -> list[str]:
    """Names of the tokenizers whose encoder is there: SD3 may be loaded without its third."""
    pairs = [("tokenizer" + end, "text_encoder" + end) for end in ("", "_2", "_3")]
    return [slot for slot, encoder in pairs if getattr(pipeline, slot, None) and getattr(pipeline, encoder, None)]


def _reader(pipeline: Any, slot: str) -> Reader:
    tokenizer = getattr(pipeline, slot)
    limit = _limit(pipeline, tokenizer)
    if getattr(tokenizer, "chat_template", None):
        chat = tokenizer.apply_chat_template(
            [{"role": "user", "content": _MARK}], tokenize=False, add_generation_prompt=True
        )
        # Cut is at the end, so only what stands before the prompt takes room from it.
        return Reader(tokenizer, limit - _length(tokenizer, chat.split(_MARK)[0], special=False))
    return Reader(tokenizer, limit - _length(tokenizer, "", special=True))


def _limit(pipeline: Any, tokenizer: Any) -> int:
    """CLIP says itself how far it reads; the others are told by the pipeline."""
    own = int(tokenizer.model_max_length)
    if "CLIP" in type(tokenizer).__name__:
        return own if own < _NO_LIMIT else 77
    asked = inspect.signature(pipeline.__call__).parameters.get("max_sequence_length")
    if asked and isinstance(asked.default, int):
        return asked.default
    return own if own < _NO_LIMIT else _USUAL


def _length(tokenizer: Any, text: str, *, special: bool) -> int:
    return len(tokenizer(text, add_special_tokens=special, truncation=False, verbose=False).input_ids)
