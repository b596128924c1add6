"""Count how much of a prompt a model reads, with the pipeline's own tokenizers. Prompts are never logged.

Tokenizers (transformers) wrap the prompt in start and end tokens (CLIP, T5) or in a chat (Qwen).
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpu.diffusion.pipeline_types import Pipeline
from gpu.engine import Truncation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Tokenizers without a limit report 10**30. If the pipeline has none either, this is common.
NO_LIMIT = 100_000
DEFAULT_LIMIT = 512
CLIP_LIMIT = 77
PLACEHOLDER = "prompt"


@dataclass(frozen=True)
class TokenCounter:
    """One tokenizer. Its text encoder reads `limit` tokens of the prompt."""

    tokenizer: PreTrainedTokenizerBase
    limit: int

    def count(self, prompt: str) -> int:
        return _token_count(self.tokenizer, prompt, special=False)


class TokenCounters:
    """All tokenizers of one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._counters = [_counter(pipeline, name) for name in _tokenizer_names(pipeline)]

    def truncation(self, prompt: str) -> Truncation | None:
        """Return None if one of the encoders reads the whole prompt."""
        # A token is at least a letter (T5 adds a space), but other scripts may grow by normalization.
        if prompt.isascii() and any(len(prompt) < counter.limit for counter in self._counters):
            return None
        counts = [(counter.limit, counter.count(prompt)) for counter in self._counters]
        if not counts or any(total <= limit for limit, total in counts):
            return None
        limit, total = max(counts, key=lambda count: count[0] / count[1])
        return Truncation(used=limit, total=total)


def _tokenizer_names(pipeline: Pipeline) -> list[str]:
    """Return the tokenizers whose encoder is loaded: SD3 works without its third."""
    pairs = [("tokenizer" + end, "text_encoder" + end) for end in ("", "_2", "_3")]
    return [name for name, encoder in pairs if getattr(pipeline, name, None) and getattr(pipeline, encoder, None)]


def _counter(pipeline: Pipeline, name: str) -> TokenCounter:
    tokenizer = getattr(pipeline, name)
    limit = _limit(pipeline, tokenizer)
    if getattr(tokenizer, "chat_template", None):
        chat = tokenizer.apply_chat_template(
            [{"role": "user", "content": PLACEHOLDER}], tokenize=False, add_generation_prompt=True
        )
        # Truncation cuts the end, so only the text before the prompt takes room from it.
        return TokenCounter(tokenizer, limit - _token_count(tokenizer, chat.split(PLACEHOLDER)[0], special=False))
    return TokenCounter(tokenizer, limit - _token_count(tokenizer, "", special=True))


def _limit(pipeline: Pipeline, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return CLIP's own limit; for other tokenizers the pipeline sets it."""
    own = int(tokenizer.model_max_length)
    if "CLIP" in type(tokenizer).__name__:
        return own if own < NO_LIMIT else CLIP_LIMIT
    parameters = inspect.signature(pipeline.__call__).parameters
    parameter = parameters.get("max_sequence_length")
    if parameter and isinstance(parameter.default, int):
        # SANA puts an instruction before the prompt, and cuts one token more than the start token.
        return parameter.default - ("complex_human_instruction" in parameters)
    return own if own < NO_LIMIT else DEFAULT_LIMIT


def _token_count(tokenizer: PreTrainedTokenizerBase, text: str, *, special: bool) -> int:
    return len(tokenizer(text, add_special_tokens=special, truncation=False, verbose=False).input_ids)
