"""Find the words that changed between two prompts. Pure functions."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from core.text import clip

# With the space before it: a letter of a script without spaces, a word, or punctuation.
_LETTERS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_PUNCTUATION = ",.;:!?\u3001\u3002\uff0c\u060c\u061b"
TOKEN = re.compile(rf"\s*(?:[{_LETTERS}]|[^\s{_PUNCTUATION}{_LETTERS}]+|[{_PUNCTUATION}]+)")
# Of a summary: comparing takes longer with the square of the words.
MAX_SUMMARY_TOKENS, MAX_SUMMARY_PARTS, MAX_PART_LENGTH = 80, 3, 40

Kind = Literal["same", "added", "removed"]


class DiffPart(NamedTuple):
    """Some words that are in both prompts, only in the second, or only in the first."""

    kind: Kind
    text: str


def diff_prompts(before: str, after: str) -> list[DiffPart]:
    """Return the words of both prompts in order; what was removed stands before what came instead."""
    return list(_diff(TOKEN.findall(before), TOKEN.findall(after)))


def summarize_changes(before: str, after: str) -> list[DiffPart]:
    """Return only what was added and removed, shortened; empty if the prompts are equal, or have little in common."""
    old, new = (TOKEN.findall(text)[:MAX_SUMMARY_TOKENS] for text in (before, after))
    parts = [part for part in _diff(old, new) if part.kind == "same" or part.text.strip(_PUNCTUATION + " ")]
    unchanged = sum(len(part.text) for part in parts if part.kind == "same")
    if 3 * unchanged < max(len(before), len(after), 1) and len(old) < MAX_SUMMARY_TOKENS:
        return []
    changes = [part for part in parts if part.kind != "same"][:MAX_SUMMARY_PARTS]
    return [DiffPart(kind, clip(text.strip(_PUNCTUATION + " "), MAX_PART_LENGTH)) for kind, text in changes]


def _diff(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffPart]:
    """Compare only what stands between the first and the last difference: the rest of a remix is mostly the same."""
    old_keys, new_keys = _keys(old), _keys(new)
    start = _common_length(old_keys, new_keys)
    end = _common_length(old_keys[start:][::-1], new_keys[start:][::-1])
    old_end, new_end = len(old) - end, len(new) - end
    yield from _same(new[:start])
    yield from _compare(old[start:old_end], new[start:new_end])
    yield from _same(new[new_end:])


def _compare(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffPart]:
    matcher = SequenceMatcher(None, _keys(old), _keys(new), autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            yield from _same(new[new_start:new_end])
            continue
        if old_end > old_start:
            yield DiffPart("removed", "".join(old[old_start:old_end]))
        if new_end > new_start:
            yield DiffPart("added", "".join(new[new_start:new_end]))


def _same(tokens: Sequence[str]) -> Iterator[DiffPart]:
    if tokens:
        yield DiffPart("same", "".join(tokens))


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many tokens both start with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _keys(tokens: Sequence[str]) -> list[str]:
    """Return what counts in a comparison: not the spaces, nor upper and lower case."""
    return [token.strip().casefold() for token in tokens]
