"""Posts as X's client hands them over, made from plain text: entities are found by form."""

import re
from datetime import UTC, datetime
from itertools import count
from typing import Any

from core.x import Author, Post, Span

BOT = 1
_ids = count(1_900_000_000_000_000_000)


def make_post(text: str, *, author_id: int = 7, people: dict[str, int] | None = None, **values: Any) -> Post:
    """A post by somebody; `@threadpaint` is the bot, other handles are of other people."""
    known = {"threadpaint": BOT} | (people or {})
    mentions = tuple(
        Span(m.start(), m.end(), known.get(m[1].lower(), 99)) for m in re.finditer(r"(?<!\w)@(\w{1,15})", text)
    )
    links = tuple(Span(m.start(), m.end()) for m in re.finditer(r"https://t\.co/\w+", text))
    post_id = next(_ids)
    made = {
        "id": post_id,
        "root_id": post_id,
        "author": Author(author_id, f"p{author_id}", "Ada"),
        "text": text,
        "created_at": datetime(2026, 11, 20, tzinfo=UTC),
        "mentions": mentions,
        "links": links,
    }
    return Post(**(made | values))
