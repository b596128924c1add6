"""Extract the prompt from a post: the author's words without leading handles, the bot's handle, and links.

    raw text | cut spans by offset | unescape HTML | drop control characters | fold spaces

Offsets are code points in the raw, escaped text: cut first, unescape afterwards.
"""

import html
import re
from collections.abc import Iterable

from core.text import tidy
from core.twittertext.links import find_mentions
from core.x import Post, TextSpan

# X's short links, also without entities, and truncated ones.
SHORT_LINK = re.compile(r"https?://t\.co/\w*…?|https?:\S{0,40}…", re.IGNORECASE)
GAP_BEFORE_PUNCTUATION = re.compile(r" ([,;:.!?])(?= |$)")
# Punctuation before a leading handle: ".@bot" is visible to all followers, and means "@bot".
PUNCTUATION_BEFORE_HANDLES = " .,;:!?\"'([{\u201c\u201e\u2018\u00ab\u00a1\u00bf-\u2013\u2014>\u200b"
# What remains of "(@bot)", "@bot's house", "a fox /cc @bot".
EMPTY_BRACKETS = re.compile(r"[(\[{]\s*[)\]}]|\"\s*\"|\u201c\s*\u201d")
LEADING_REMAINS = re.compile(r"(?:['\u2019]s(?= |$)|[,;:.!?)\]}/|>\u2026 ]+|[-\u2013\u2014]+ )+")
TRAILING_REMAINS = re.compile(r"(?:^| )[/|]?(?:cc|h/t):?$", re.IGNORECASE)
QUOTES = {'"': '"', "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb", "(": ")", "[": "]"}


def extract_prompt(post: Post, bot_id: int) -> str:
    """Return the words to paint on one line; empty if there are none."""
    short_links = [TextSpan(*match.span()) for match in SHORT_LINK.finditer(post.text)]
    spans = [
        *post.links,
        *short_links,
        *(span for span in post.mentions if span.person_id == bot_id),
        *_leading_handles(post),
    ]
    return _repair_gaps(tidy(html.unescape(_cut(post.text, spans))))


def has_explicit_mention(post: Post, bot_id: int) -> bool:
    """Return whether the author wrote the bot's handle, rather than X putting it before a reply."""
    return any(span.person_id == bot_id and span.start >= post.display_start for span in post.mentions)


def _repair_gaps(prompt: str) -> str:
    """Close the gaps that a handle left: "hey , paint" was "hey @bot, paint"; ", a fox" was "@bot, a fox"."""
    closed = GAP_BEFORE_PUNCTUATION.sub(r"\1", EMPTY_BRACKETS.sub("", prompt)).strip()
    match = LEADING_REMAINS.match(closed)
    trimmed = TRAILING_REMAINS.sub("", closed[match.end() :] if match else closed).strip()
    return _strip_lone_quote(trimmed)


def _strip_lone_quote(prompt: str) -> str:
    """Remove a quote or bracket whose partner is gone or stood beside the handle: '"@bot a house"' is a house."""
    opening = prompt[:1]
    if opening in QUOTES and prompt[1:2] == " ":
        prompt = prompt[1:].strip()
        return prompt[:-1].rstrip() if prompt.endswith(QUOTES[opening]) else prompt
    return prompt


def _leading_handles(post: Post) -> list[TextSpan]:
    """Return the block of handles at the start, written by X or by the author."""
    mentions = sorted(post.mentions, key=lambda span: span.start)
    if not mentions:  # X sent no entities
        mentions = [TextSpan(mention.start, mention.end) for mention in find_mentions(post.text)]
    end = 0
    for span in mentions:
        if post.text[end : span.start].strip(PUNCTUATION_BEFORE_HANDLES):
            break
        end = max(end, span.end)
    return [TextSpan(mentions[0].start, end)] if end else []


def _cut(text: str, spans: Iterable[TextSpan]) -> str:
    """Remove the spans from a text. Overlapping spans are fine; spans out of bounds are ignored."""
    parts, position = [], 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.end <= position or span.start < 0:
            continue
        parts.append(text[position : max(position, span.start)])
        position = span.end
    parts.append(text[position:])
    return " ".join(parts)
