"""Finds the prompt in a post: the author's words without handles at the head, the bot's handle, and links.

    raw text | cut spans by offset | unescape HTML | drop control characters | fold spaces

Offsets are code points in the raw, escaped text: cut first, unescape after. Knows nothing of rules.
"""

import html
import re
from collections.abc import Iterable

from core.text import tidy
from core.x import Post, Span

# Where X sends no entities, handles at the head are known by their form alone.
HEAD_OF_HANDLES = re.compile(r"(?:\s*@\w{1,15}\b)+")
# X's own short links, also if it sends no entities; and the beginning of one where X cut the text.
SHORT_LINK = re.compile(r"https?://t\.co/\w*…?|https?:\S{0,40}…", re.IGNORECASE)
GAP = re.compile(r" ([,;:.!?])(?= |$)")
# What stands right before a handle at the head: ".@bot" is seen by all followers, and means "@bot".
BEFORE_HANDLES = " .,;:!?\"'([{\u201c\u201e\u2018\u00ab\u00a1\u00bf-\u2013\u2014>\u200b"
# What a handle leaves behind: "(@bot)", "@bot's house", "a fox /cc @bot".
EMPTY_BRACKETS = re.compile(r"[(\[{]\s*[)\]}]|\"\s*\"|\u201c\s*\u201d")
LEFT_AT_HEAD = re.compile(r"(?:['\u2019]s(?= |$)|[,;:.!?)\]}/|>\u2026 ]+|[-\u2013\u2014]+ )+")
LEFT_AT_END = re.compile(r"(?:^| )[/|]?(?:cc|h/t):?$", re.IGNORECASE)
QUOTES = {'"': '"', "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb", "(": ")", "[": "]"}


def extract_prompt(post: Post, bot_id: int) -> str:
    """The words to paint, on one line; empty where there are none."""
    short_links = [Span(*found.span()) for found in SHORT_LINK.finditer(post.text)]
    spans = [*post.links, *short_links, *(span for span in post.mentions if span.person_id == bot_id), *_head(post)]
    return _mended(tidy(html.unescape(_without(post.text, spans))))


def has_explicit_mention(post: Post, bot_id: int) -> bool:
    """Whether the author wrote the bot's handle, rather than X putting it before a reply."""
    return any(span.person_id == bot_id and span.start >= post.display_start for span in post.mentions)


def _mended(prompt: str) -> str:
    """Close the gaps that a handle left: "hey , paint" was "hey @bot, paint"; ", a fox" was "@bot, a fox"."""
    closed = GAP.sub(r"\1", EMPTY_BRACKETS.sub("", prompt)).strip()
    found = LEFT_AT_HEAD.match(closed)
    begun = LEFT_AT_END.sub("", closed[found.end() :] if found else closed).strip()
    return _without_lone_quote(begun)


def _without_lone_quote(prompt: str) -> str:
    """Without a quote or bracket whose partner is gone, or stood beside the handle: '"@bot a house"' is a house."""
    opening = prompt[:1]
    if opening in QUOTES and prompt[1:2] == " ":
        prompt = prompt[1:].strip()
        return prompt[:-1].rstrip() if prompt.endswith(QUOTES[opening]) else prompt
    return prompt


def _head(post: Post) -> list[Span]:
    """The block of handles at the very beginning, written by X or by the author."""
    mentions = sorted(post.mentions, key=lambda span: span.start)
    if not mentions and (found := HEAD_OF_HANDLES.match(post.text)):
        return [Span(0, found.end())]
    end = 0
    for span in mentions:
        if post.text[end : span.start].strip(BEFORE_HANDLES):
            break
        end = max(end, span.end)
    return [Span(mentions[0].start, end)] if end else []


def _without(text: str, spans: Iterable[Span]) -> str:
    """`text` with the spans taken out. Spans may overlap or lie: what is out of bounds is ignored."""
    kept, position = [], 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.end <= position or span.start < 0:
            continue
        kept.append(text[position : max(position, span.start)])
        position = span.end
    kept.append(text[position:])
    return " ".join(kept)
