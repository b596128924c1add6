"""Lengths of texts as X counts them, and texts without entities."""

import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.twittertext.length import MAX_POST_LENGTH, is_valid_length, strip_entities, truncate, weighted_length
from core.twittertext.links import find_links, find_mentions
from sandbox import text_parser

FAMILY = "👨‍👩‍👧‍👦"
# Each section, whether it counts an emoji as one, and how many cases it had when this was written.
SECTIONS = {
    "WeightedTweetsCounterTest": (False, 20),
    "WeightedTweetsWithDiscountedEmojiCounterTest": (True, 22),
    "UnicodeDirectionalMarkerCounterTest": (True, 2),
}
# Characters that make links, mentions and tags, and those that hide them.
SIGNS = "@＠#＃$./:-_ \u200d\u200b\ufeff\ufe0f\u0301。．abcomjpみ中0"
hostile = st.text(st.sampled_from(SIGNS) | st.characters(), max_size=40)


def cases(material: Path, name: str) -> dict[str, list[dict[str, object]]]:
    path = material / "x-twitter-text-conformance" / "conformance" / name
    if not path.is_file():
        pytest.skip("no conformance cases of X here (TEST_MATERIAL)")
    tests: dict[str, list[dict[str, object]]] = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
    return tests


@pytest.mark.parametrize("section", SECTIONS)
def test_conformance_cases_of_x_have_the_expected_length(material: Path, section: str) -> None:
    whole_emoji, count = SECTIONS[section]
    found = cases(material, "validate.yml")[section]
    assert len(found) >= count
    for case in found:
        text, expected = str(case["text"]), case["expected"]
        assert isinstance(expected, dict)
        assert weighted_length(text, whole_emoji=whole_emoji) == expected["weightedLength"], case["description"]
        assert is_valid_length(text) is expected["valid"], case["description"]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", 0),
        ("a fox", 5),
        ("un été à Zürich", 15),
        ("e\u0301", 1),  # composed first
        ("狐", 2),
        ("🦊", 2),
        (FAMILY, 2),
        ("🙋🏽🇩🇪1⃣", 6),
        ("see foo.com", 27),
        ("see https://example.co.jp/a/very/long/way?to=the#end now", 31),
        ("seed 3.5, e.g. this", 19),
        ("line\r\nline", 9),
        ("“quoted” – …", 13),
    ],
)
def test_lengths_are_as_on_x(text: str, units: int) -> None:
    assert weighted_length(text) == units


def test_valid_lengths_are_1_to_280() -> None:
    assert is_valid_length("x" * 280)
    assert not is_valid_length("x" * 281)
    assert is_valid_length("狐" * 140)
    assert not is_valid_length("狐" * 141)
    assert not is_valid_length("")
    assert not is_valid_length("a\uffff")


def test_a_short_text_is_not_cut() -> None:
    assert truncate("a fox\nin the snow") == "a fox\nin the snow"


def test_a_long_text_is_cut_at_a_word() -> None:
    cut = truncate("a fox in the snow " * 30)
    assert weighted_length(cut) <= MAX_POST_LENGTH
    assert cut.endswith("…")
    assert set(cut[:-1].split()) == {"a", "fox", "in", "the", "snow"}


def test_a_long_word_is_cut_inside() -> None:
    assert truncate("x" * 300) == "x" * 278 + "…"


def test_an_emoji_is_not_cut_in_two() -> None:
    assert truncate(FAMILY * 200) == FAMILY * 139 + "…"


def test_a_link_is_not_cut_in_two() -> None:
    assert truncate(f"{'x' * 260} https://example.com/{'y' * 50} end") == "x" * 260 + "…"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "part", ["あ", "a.", "a-", ("é" * 60) + ".", "x.com/(", "@", "http://", "a.b", FAMILY, "#", "e\u0301"]
)
def test_a_long_hostile_text_is_measured_quickly(part: str) -> None:
    text = (part * 4000)[:4000] + ".com"
    assert weighted_length(truncate(text)) <= MAX_POST_LENGTH
    assert is_harmless(strip_entities(text))


def test_without_room_the_text_is_empty() -> None:
    assert truncate("a fox", 1) == ""


@settings(deadline=None)
@given(st.text(max_size=60) | hostile, st.integers(0, 30))
def test_a_cut_text_always_fits(text: str, limit: int) -> None:
    assert weighted_length(truncate(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a fox, 3.5 m, e.g. in the U.S.A for $5", "a fox, 3.5 m, e.g. in the U.S.A for $5"),
        ("see foo.com", "see foo. com"),
        ("https://example.co.jp/a?b=c", "example. co. jp/a?b=c"),
        ("例え.みんな", "例え. みんな"),
        ("foo．com", "foo. com"),
        ("node.js", "node. js"),
        ("t.co/abc", "t. co/abc"),
        ("hey @ada and ＠bob", "hey ada and bob"),
        ("me@example.com", "me at example. com"),
        ("#art ＃art $TSLA", "art art TSLA"),
        ("$#a #$b ##c @#d", "a b c d"),
        ("ht@tp://@x", "ht at x"),
        ("日本https://x.jp:http://y", "日本 x. jp: y"),
        ("a\u200b.\u2060com @\u200bada #\u200cfox", "a. com ada fox"),
        ("C# and #️⃣ and 1⃣", "C# and #️⃣ and 1⃣"),
        (f"{FAMILY} می‌خواهم 🏴󠁧󠁢󠁥󠁮󠁧󠁿", f"{FAMILY} می‌خواهم 🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
        ("two\nlines\tand\0more", "two lines and\ufffdmore"),
        ("end.Start", "end. Start"),
        ("a half \ud800 character", "a half \ufffd character"),
    ],
)
def test_entities_are_stripped(text: str, words: str) -> None:
    assert strip_entities(text) == words


def is_harmless(text: str) -> bool:
    """Check with our parser of X's rules, and with the independent one of the sandbox."""
    return (
        not find_links(text)
        and not find_mentions(text)
        and {piece.kind for piece in text_parser.parse_pieces(text)} <= {"text"}
    )


@settings(deadline=None)
@given(hostile | st.text(max_size=60))
def test_stripped_texts_have_no_entities(text: str) -> None:
    words = strip_entities(text)
    assert is_harmless(words)
    assert strip_entities(words) == words
    assert unicodedata.is_normalized("NFC", words)


@settings(deadline=None)
@given(hostile, st.integers(2, 30))
def test_truncating_a_stripped_text_adds_no_entities(text: str, limit: int) -> None:
    assert is_harmless(truncate(strip_entities(text), limit))


@pytest.mark.parametrize("name", ["extract.yml", "autolink.yml", "tlds.yml", "validate.yml"])
def test_stripped_conformance_cases_have_no_entities(material: Path, name: str) -> None:
    found = [str(case["text"]) for section in cases(material, name).values() for case in section]
    assert len(found) > 50
    assert [text for text in found if not is_harmless(strip_entities(text))] == []
