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


def extract_prompt(post: Post, bot_id: int) -> str:
    """The words to paint, on one line; empty where there are none."""
    short_links = [Span(*found.span()) for found in SHORT_LINK.finditer(post.text)]
    spans = [*post.links, *short_links, *(span for span in post.mentions if span.person_id == bot_id), *_head(post)]
    return _mended(tidy(html.unescape(_without(post.text, spans))))


def has_explicit_mention(post: Post, bot_id: int) -> bool:
    """Whether the author wrote the bot's handle, rather than X putting it before a reply."""
    return any(span.person_id == bot_id and span.start >= post.display_start for span in post.mentions)


def _mended(prompt: str) -> str:
    """Close the gap a handle left before a comma: "hey , paint" was "hey @bot, paint"; ", a fox" was "@bot, a fox"."""
    return GAP.sub(r"\1", prompt).lstrip(",;: ")


def _head(post: Post) -> list[Span]:
    """The block of handles at the very beginning, written by X or by the author."""
    end = 0
    for span in sorted(post.mentions, key=lambda span: span.start):
        if post.text[end : span.start].strip():
            break
        end = max(end, span.end)
    if not post.mentions and (found := HEAD_OF_HANDLES.match(post.text)):
        end = found.end()
    return [Span(0, end)]


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
