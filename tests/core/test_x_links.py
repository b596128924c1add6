"""Handles and links in a text, found as X finds them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.x.links import Mention, links_in, mentions_in, reply_to

READERS: dict[str, tuple[Callable[[str], Any], int]] = {
    "mentions": (lambda text: [found.handle for found in mentions_in(text)], 23),
    "mentions_with_indices": (
        lambda text: [{"screen_name": m.handle, "indices": [m.start, m.end]} for m in mentions_in(text)],
        3,
    ),
    "replies": (reply_to, 13),
    "urls": (lambda text: [text[start:end] for start, end in links_in(text)], 91),
    "urls_with_indices": (lambda text: [{"url": text[s:e], "indices": [s, e]} for s, e in links_in(text)], 10),
    "urls_with_directional_markers": (
        lambda text: [{"url": text[s:e], "indices": [s, e]} for s, e in links_in(text)],
        2,
    ),
    "tco_urls_with_params": (lambda text: [text[start:end] for start, end in links_in(text)], 5),
}


@pytest.mark.parametrize("section", READERS)
def test_every_case_of_x_reads_as_x_says(material: Path, section: str) -> None:
    path = material / "x-twitter-text-conformance" / "conformance" / "extract.yml"
    if not path.is_file():
        pytest.skip("no conformance cases of X here (TEST_MATERIAL)")
    read, count = READERS[section]
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"][section]
    assert len(cases) >= count
    for case in cases:
        assert read(case["text"]) == case["expected"], case["description"]


def test_a_mention_says_where_it_stands_in_code_points() -> None:
    assert mentions_in("🦊 @ada, ＠bob") == [Mention(2, 6, "ada"), Mention(8, 12, "bob")]


@pytest.mark.parametrize("text", ["me@example.com", "@@ada", "a!@ada", "@ada@bob.com", "@adaé", "@ada/foxes", "@"])
def test_what_only_looks_like_a_mention_is_none(text: str) -> None:
    assert mentions_in(text) == []


@pytest.mark.parametrize(
    ("text", "handle"),
    [("@ada paint", "ada"), ("  ＠ada", "ada"), ("hey @ada", None), (".@ada", None), ("@ada@bob", None), ("", None)],
)
def test_a_reply_begins_with_a_handle(text: str, handle: str | None) -> None:
    assert reply_to(text) == handle


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see foo.com, now", ["foo.com"]),
        ("https://例え.みんな/a", ["https://例え.みんな/a"]),
        ("例え.みんな", []),  # X links bare domains in Latin letters only
        ("xn--r8jz45g.xn--q9jyb4c", ["xn--r8jz45g.xn--q9jyb4c"]),
        ("a.b.c", []),
        ("version 1.5 of it", []),
        ("me@example.com", []),
        ("これはfoo.comです", ["foo.com"]),
        (f"https://{'a' * 64}.com", []),
    ],
)
def test_links_are_what_x_would_link(text: str, links: list[str]) -> None:
    assert [text[start:end] for start, end in links_in(text)] == links
