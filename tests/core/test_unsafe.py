"""The first check of words: whatever they are written with, and nothing that merely contains one."""

import csv
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.unsafe import why_unsafe
from core.unsafe.folding import readings


@pytest.mark.parametrize(
    "word",
    ["porn", "PORN", "p0rn", "p o r n", "p.o.r.n", "p-o-r-n", "pörn", "рогn", "ｐｏｒｎ", "𝓹𝓸𝓻𝓷", "ⓟⓞⓡⓝ", "🄿🄾🅁🄽",
     "po\u200brn", "p\u0336o\u0336r\u0336n\u0336", "pooooorn", "porn!", "#porn", "pоrn"],
)  # fmt: skip
def test_a_word_is_known_in_every_dress(word: str) -> None:
    assert why_unsafe(f"a picture of {word}") == "sexual"


@pytest.mark.parametrize(
    "prompt",
    ["a street in Scunthorpe", "a cocktail on a bar", "the analysis of light", "a map of Essex", "Sussex in spring",
     "a blue tit on a branch", "a bass guitar", "a therapist at work", "grapes on a table", "a naked mole rat",
     "Al Gore holding a globe", "Moby Dick", "shiitake mushrooms", "a cockatoo", "Penistone town hall", "Pussy willow",
     "children playing in the snow", "a sexton beetle", "1girl, 4k, 8k", "Van Gogh's sunflowers", "a b c d e f g",
     "Shuttlecock", "a class of assassins", "Titian", "a raccoon", "dinner at the Dickens inn", "a kid killing time",
     "chicken breast with baby carrots", "a sensual waltz in a minor"],
)  # fmt: skip
def test_what_merely_contains_such_a_word_passes(prompt: str) -> None:
    assert why_unsafe(prompt) is None


def test_some_words_are_refused_only_together() -> None:
    assert why_unsafe("a sexy robot") is None
    assert why_unsafe("a schoolgirl with an umbrella") is None
    assert why_unsafe("a sexy schoolgirl") == "suggestive and minor"


@given(st.text(max_size=200))
def test_no_words_make_it_fail(text: str) -> None:
    why_unsafe(text)
    assert all(reading.startswith(" ") and reading.endswith(" ") for reading in readings(text))


def test_a_very_long_prompt_is_read_in_no_time() -> None:
    began = time.monotonic()
    for text in ("a " * 12_500, "p0" * 12_500, "!|+$@" * 5_000, "é" * 25_000):
        why_unsafe(text)
    assert time.monotonic() - began < 2


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_harmless_texts_that_word_lists_block_pass(material: Path) -> None:
    collisions = [row["text"] for row in rows(material / "halves" / "benign_collisions.tsv") if row["note"] == "benign"]
    words = (material / "safety-rustrict" / "false_positives.txt").read_text(encoding="utf-8").split("\n")
    prompts = [row["Prompt"] for row in rows(material / "prompts-partiprompts" / "PartiPrompts.tsv")]
    texts = [*collisions, *filter(None, words), *prompts]
    assert len(texts) > 20_000
    assert [text for text in texts if why_unsafe(text)] == []


def test_of_unsafe_texts_some_are_known_and_of_safe_ones_few(material: Path) -> None:
    """A floor under a check that a better one will replace: words alone know little of what pictures show."""
    found = [row for row in rows(material / "halves" / "safety_text.tsv") if row["set"] == "openai-moderation"]
    unsafe = [bool(why_unsafe(row["text"])) for row in found if row["label"] == "unsafe"]
    safe = [bool(why_unsafe(row["text"])) for row in found if row["label"] == "safe"]
    assert sum(unsafe) / len(unsafe) > 0.35
    assert sum(safe) / len(safe) < 0.12
