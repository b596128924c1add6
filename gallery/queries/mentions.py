"""Find the users whom comments mention with `@handle`."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, String, cast, select

from core.models import people
from core.twittertext.links import find_mentions
from gallery.views.creations import UserView

# Of one comment, who are notified; and of a page, who become links.
MAX_MENTIONS, MAX_LINKED = 10, 200


class TextSegment(NamedTuple):
    """A part of a text. `path`: the page of the user whom it mentions; empty for all other text."""

    text: str
    path: str = ""


def mentioned_handles(texts: Iterable[str], limit: int) -> list[str]:
    """Return the handles in these texts, in lowercase, each once."""
    found = (mention.handle.lower() for text in texts if "@" in text or "＠" in text for mention in find_mentions(text))
    return list(dict.fromkeys(found))[:limit]


def find_users_by_handles(connection: Connection, handles: Iterable[str]) -> dict[str, UserView]:
    """Return the visible users who have these handles now, by handle."""
    wanted = list(handles)
    if not wanted:
        return {}
    stmt = select(people.c.handle, people.c.id, people.c.username, people.c.name).where(
        people.c.handle.in_(wanted),
        people.c.handle != cast(people.c.id, String),  # stands in for a handle that was lost
        people.c.hidden_at.is_(None),
        people.c.banned_at.is_(None),
    )
    return {row.handle: UserView(row.id, row.username, row.name) for row in connection.execute(stmt)}


def split_mentions(text: str, users: Mapping[str, UserView]) -> list[TextSegment]:
    """Return the text in parts: those that mention one of the users have the path of their page."""
    segments, end = list[TextSegment](), 0
    for mention in find_mentions(text) if users else []:
        user = users.get(mention.handle.lower())
        if user is not None:
            segments += [
                TextSegment(text[end : mention.start]),
                TextSegment(text[mention.start : mention.end], user.path),
            ]
            end = mention.end
    return [segment for segment in (*segments, TextSegment(text[end:])) if segment.text]
