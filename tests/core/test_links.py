"""Mentions and links in texts, found as on X."""

import ast
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.twittertext.links import Mention, find_links, find_mentions

LONG = 25_000
READERS: dict[str, tuple[Callable[[str], Any], int]] = {
    "mentions": (lambda text: [found.handle for found in find_mentions(text)], 23),
    "mentions_with_indices": (
        lambda text: [{"screen_name": m.handle, "indices": [m.start, m.end]} for m in find_mentions(text)],
        3,
    ),
    "urls": (lambda text: [text[start:end] for start, end in find_links(text)], 91),
    "urls_with_indices": (lambda text: [{"url": text[s:e], "indices": [s, e]} for s, e in find_links(text)], 10),
    "urls_with_directional_markers": (
        lambda text: [{"url": text[s:e], "indices": [s, e]} for s, e in find_links(text)],
        2,
    ),
    "tco_urls_with_params": (lambda text: [text[start:end] for start, end in find_links(text)], 5),
}


@pytest.mark.parametrize("section", READERS)
def test_conformance_cases_of_x_pass(material: Path, section: str) -> None:
    path = material / "x-twitter-text-conformance" / "conformance" / "extract.yml"
    if not path.is_file():
        pytest.skip("no conformance cases of X here (TEST_MATERIAL)")
    read, count = READERS[section]
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"][section]
    assert len(cases) >= count
    for case in cases:
        assert read(case["text"]) == case["expected"], case["description"]


def test_offsets_of_mentions_are_code_points() -> None:
    assert find_mentions("🦊 @ada, ＠bob") == [Mention(2, 6, "ada"), Mention(8, 12, "bob")]


@pytest.mark.parametrize("text", ["me@example.com", "@@ada", "a!@ada", "@ada@bob.com", "@adaé", "@ada/foxes", "@"])
def test_lookalikes_are_no_mentions(text: str) -> None:
    assert find_mentions(text) == []


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
def test_links_are_found_as_on_x(text: str, links: list[str]) -> None:
    assert [text[start:end] for start, end in find_links(text)] == links


@pytest.mark.parametrize(
    "text, links",
    [
        ("see example.com, now", ["example.com"]),
        ("see example.com/a_(b)?c=d!", ["example.com/a_(b)?c=d"]),
        ("これはexample.comです", ["example.com"]),
        ("https://例え.みんな/a", ["https://例え.みんな/a"]),
        ("例え.みんな", []),
        ("me@example.com", []),
        ("@example.com #example.com $example.com", []),
        ("example.com.", ["example.com"]),
        ("-example.com _example.com ./example.com", []),
        ("example.com1 example.com-a example.com@b", []),
        ("EXAMPLE.COM and Http://Example.Com", ["EXAMPLE.COM", "Http://Example.Com"]),
        ("https://" + "a" * 64 + ".com", []),
        ("example.notanending", []),
    ],
)
def test_bare_domains_are_links_as_on_x(text: str, links: list[str]) -> None:
    assert [text[start:end] for start, end in find_links(text)] == links


@pytest.mark.parametrize(
    "slow",
    ["a.", "-a", "a_", "a.com.", "海.の.", "http://", "(a)", "example.com ", "http://a.com/((", "。", "@a.b", "a.b@"],
)
def test_links_in_adversarial_texts_are_found_quickly(slow: str) -> None:
    began = time.perf_counter()
    find_links((slow * LONG)[:LONG])
    find_links("http://a.com/" + (slow * LONG)[:LONG])
    assert time.perf_counter() - began < 2


def test_the_package_imports_nothing_else_of_core() -> None:
    program = "import sys, core.twittertext.length; print([m for m in sys.modules if m.startswith('core.')])"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert all(name.startswith("core.twittertext") for name in ast.literal_eval(output))
