"""Test the extraction of the prompt: without leading handles, the bot's handle and links, by code-point offsets."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intent.prompts import extract_prompt, has_explicit_mention
from core.text import tidy
from core.x import TextSpan
from tests.support.x_posts import BOT, make_post


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("@threadpaint a red fox in the snow", "a red fox in the snow"),
        ("a red fox @threadpaint in the snow", "a red fox in the snow"),
        ("a red fox @threadpaint", "a red fox"),
        ("@bea @carl @threadpaint a red fox", "a red fox"),
        ("@threadpaint a portrait of @bea at sea", "a portrait of @bea at sea"),
        ("@threadpaint https://t.co/abc a fox https://t.co/def", "a fox"),
        ("@threadpaint salt &amp; pepper &lt;3 &gt; &quot;x&quot;", 'salt & pepper <3 > "x"'),
        ("@threadpaint &amp;amp; stays escaped once", "&amp; stays escaped once"),
        ("@threadpaint 🦊🦊 two foxes 👩‍🚀", "🦊🦊 two foxes 👩‍🚀"),
        ("🦊 @threadpaint fox", "🦊 fox"),
        ("@threadpaint a   fox\n\n in\tsnow ", "a fox in snow"),
        ("@threadpaint a\x00 fo\x07x\u202e \u200bhere", "a fox here"),
        ("@threadpaint 狐と雪", "狐と雪"),
        ("hey @threadpaint, please paint a fox", "hey, please paint a fox"),
        ("@threadpaint, a fox", "a fox"),
        ("@threadpaint: a fox :)", "a fox :)"),
        ("paint a fox @threadpaint!", "paint a fox!"),
        ("@threadpaint #fox at night", "#fox at night"),
        ("@threadpaint", ""),
        ("@threadpaint https://t.co/abc", ""),
        ("@threadpaint \u200b\u200d\ufeff \x01", ""),
        ("@threadpaint \u3164\u2800\uffa0 \u115f\u1160 \ufe0f", ""),
        ("@threadpaint \u202ea fox\u202c", "a fox"),
        ("@threadpaint ثعلب أحمر", "ثعلب أحمر"),
        ("@threadpaint f\u0301\u0302\u0303ox", "f\u0301\u0302\u0303ox"),
        ("", ""),
    ],
)
def test_prompt_is_extracted(text: str, prompt: str) -> None:
    assert extract_prompt(make_post(text), BOT) == prompt


def test_leading_handles_are_recognized_without_entities() -> None:
    assert extract_prompt(make_post("@bea @threadpaint a fox", mentions=()), BOT) == "a fox"


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("@threadpaint a fox https://t.co/AbCd123456", "a fox"),
        ("@threadpaint a fox HTTP://T.CO/Ab, at night", "a fox, at night"),
        ("@threadpaint a fox https://t.co/AbC…", "a fox"),
        ("@threadpaint a fox http://t…", "a fox"),
        ("@threadpaint https://t.co/abc", ""),
        ("@threadpaint a poster that says t.com", "a poster that says t.com"),
    ],
)
def test_short_links_are_removed_without_entities(text: str, prompt: str) -> None:
    assert extract_prompt(make_post(text, links=()), BOT) == prompt


def test_wrong_offsets_are_ignored() -> None:
    lies = (TextSpan(-5, 3), TextSpan(4, 2), TextSpan(3, 900), TextSpan(2, 5), TextSpan(50, 60))
    assert extract_prompt(make_post("a fox", mentions=(), links=lies), BOT).startswith("a")


def test_post_full_of_handles_is_parsed() -> None:
    handles = " ".join(f"@p{number}" for number in range(100))
    post = make_post(
        f"{handles} @threadpaint a fox {handles}", people={f"p{number}": 100 + number for number in range(100)}
    )
    assert has_explicit_mention(post, BOT)
    assert extract_prompt(post, BOT) == f"a fox {handles}"


def test_handle_added_by_x_is_no_explicit_mention() -> None:
    text = "@threadpaint @bea thanks!"
    assert not has_explicit_mention(make_post(text, display_start=18), BOT)
    assert has_explicit_mention(make_post(text, display_start=0), BOT)
    assert has_explicit_mention(make_post("@bea now you @threadpaint", display_start=5), BOT)
    assert not has_explicit_mention(make_post("@bea hello", display_start=0), BOT)


@given(st.text(max_size=300))
def test_tidy_returns_one_clean_line(text: str) -> None:
    clean = tidy(text)
    assert clean == tidy(clean)
    assert clean.encode() is not None
    assert not any(c in clean for c in "\n\r\t\0")


@given(st.text(max_size=80), st.lists(st.tuples(st.integers(-9, 99), st.integers(-9, 99)), max_size=6))
def test_extraction_never_raises(text: str, offsets: list[tuple[int, int]]) -> None:
    spans = tuple(TextSpan(start, end, BOT) for start, end in offsets)
    extract_prompt(make_post(text, mentions=spans, links=spans), BOT)


def test_naughty_strings_become_prompts_or_nothing(material: Path) -> None:
    strings = json.loads((material / "web-blns" / "blns.json").read_text())
    assert len(strings) > 400
    for string in strings:
        extract_prompt(make_post(f"@threadpaint {string}"), BOT).encode()
