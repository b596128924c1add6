"""Finds the prompt in a post: the author's words without handles at the head, the bot's handle, and links.

    raw text | cut spans by offset | unescape HTML | drop control characters | fold spaces

Offsets are code points in the raw, escaped text: cut first, unescape after. Knows nothing of rules.
"""

import html
import re
import unicodedata
from collections.abc import Iterable

from core.x import Post, Span

# Where X sends no entities, handles at the head are known by their form alone.
HEAD_OF_HANDLES = re.compile(r"(?:\s*@\w{1,15}\b)+")
GAP = re.compile(r" ([,;:.!?])(?= |$)")
SPACES = re.compile(r"\s+")
# Invisible, but part of how emoji and some scripts are written.
JOINERS = "\u200c\u200d"
# Letters and signs by their kind, but nobody sees them: fillers of Hangul, blank braille.
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"


def prompt_of(post: Post, bot_id: int) -> str:
    """The words to paint, on one line; empty where there are none."""
    spans = [*post.links, *(span for span in post.mentions if span.person_id == bot_id), *_head(post)]
    return _mended(tidy(html.unescape(_without(post.text, spans))))


def mentions_explicitly(post: Post, bot_id: int) -> bool:
    """Whether the author wrote the bot's handle, rather than X putting it before a reply."""
    return any(span.person_id == bot_id and span.start >= post.display_start for span in post.mentions)


def tidy(text: str) -> str:
    """Drop control and invisible characters, fold white space, trim."""
    spaced = ((" " if c.isspace() or c in BLANKS else c) for c in text)
    visible = "".join(c for c in spaced if c == " " or c in JOINERS or _is_visible(c))
    line = SPACES.sub(" ", visible).strip().strip(JOINERS)
    return line if any(unicodedata.category(c)[0] not in "MZC" for c in line) else ""


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


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn") or character in "\ufe0f\U000e007f"
