"""Make posts as the X client returns them from plain text, with their mentions and links."""

import re
from datetime import UTC, datetime
from itertools import count
from typing import Any

from core.x import Author, Post, TextSpan

BOT = 1
_ids = count(1_900_000_000_000_000_000)


def make_post(text: str, *, author_id: int = 7, people: dict[str, int] | None = None, **values: Any) -> Post:
    """Return a post; `@threadpaint` is the bot, other handles are other users (`people`: their ids)."""
    known = {"threadpaint": BOT} | (people or {})
    mentions = tuple(
        TextSpan(m.start(), m.end(), known.get(m[1].lower(), 99)) for m in re.finditer(r"(?<!\w)@(\w{1,15})", text)
    )
    links = tuple(TextSpan(m.start(), m.end()) for m in re.finditer(r"https://t\.co/\w+", text))
    post_id = next(_ids)
    fields: dict[str, Any] = {
        "id": post_id,
        "root_id": post_id,
        "author": Author(author_id, f"p{author_id}", "Ada"),
        "text": text,
        "created_at": datetime(2026, 11, 20, tzinfo=UTC),
        "mentions": mentions,
        "links": links,
    }
    return Post(**(fields | values))
