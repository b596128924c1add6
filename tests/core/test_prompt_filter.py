"""The prompt filter finds unsafe words in any spelling, and passes words that merely contain one."""

import csv
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prompt_filter import unsafe_category
from core.prompt_filter.normalize import normalized_variants


@pytest.mark.parametrize(
    "word",
    ["porn", "PORN", "p0rn", "p o r n", "p.o.r.n", "p-o-r-n", "pörn", "рогn", "ｐｏｒｎ", "𝓹𝓸𝓻𝓷", "ⓟⓞⓡⓝ", "🄿🄾🅁🄽",
     "po\u200brn", "p\u0336o\u0336r\u0336n\u0336", "pooooorn", "porn!", "#porn", "pоrn"],
)  # fmt: skip
def test_obfuscated_words_are_detected(word: str) -> None:
    assert unsafe_category(f"a picture of {word}") == "sexual"


@pytest.mark.parametrize(
    "prompt",
    ["a street in Scunthorpe", "a cocktail on a bar", "the analysis of light", "a map of Essex", "Sussex in spring",
     "a blue tit on a branch", "a bass guitar", "a therapist at work", "grapes on a table", "a naked mole rat",
     "Al Gore holding a globe", "Moby Dick", "shiitake mushrooms", "a cockatoo", "Penistone town hall", "Pussy willow",
     "children playing in the snow", "a sexton beetle", "1girl, 4k, 8k", "Van Gogh's sunflowers", "a b c d e f g",
     "Shuttlecock", "a class of assassins", "Titian", "a raccoon", "dinner at the Dickens inn", "a kid killing time",
     "chicken breast with baby carrots", "a sensual waltz in a minor"],
)  # fmt: skip
def test_words_that_contain_an_unsafe_word_pass(prompt: str) -> None:
    assert unsafe_category(prompt) is None


def test_some_words_are_unsafe_only_together() -> None:
    assert unsafe_category("a sexy robot") is None
    assert unsafe_category("a schoolgirl with an umbrella") is None
    assert unsafe_category("a sexy schoolgirl") == "suggestive and minor"


@given(st.text(max_size=200))
def test_any_text_is_checked_without_an_error(text: str) -> None:
    unsafe_category(text)
    assert all(reading.startswith(" ") and reading.endswith(" ") for reading in normalized_variants(text))


def test_a_very_long_prompt_is_checked_quickly() -> None:
    began = time.monotonic()
    for text in ("a " * 12_500, "p0" * 12_500, "!|+$@" * 5_000, "é" * 25_000):
        unsafe_category(text)
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
    assert [text for text in texts if unsafe_category(text)] == []


def test_detection_rates_of_unsafe_and_safe_texts(material: Path) -> None:
    """These are lower bounds. A word filter alone finds only a part of unsafe prompts."""
    found = [row for row in rows(material / "halves" / "safety_text.tsv") if row["set"] == "openai-moderation"]
    unsafe = [bool(unsafe_category(row["text"])) for row in found if row["label"] == "unsafe"]
    safe = [bool(unsafe_category(row["text"])) for row in found if row["label"] == "safe"]
    assert sum(unsafe) / len(unsafe) > 0.35
    assert sum(safe) / len(safe) < 0.12
