"""Load the comments of a creation: a page of threads, oldest first.

    load_thread(connection, 17)                         the first page of a creation's comments
    load_thread(connection, 17, under=5, after=120)     the replies to comment 5, after comment 120

A page reads a bounded number of rows; the rest is behind links to pages of the same kind. A comment that was deleted,
or whose author is hidden, keeps its place while it has replies.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, BindParameter, Connection, Integer, Select, bindparam, or_, select

from core.models import comments, people
from core.mutes import NO_MUTES, Mutes
from gallery.queries.mentions import (
    MAX_LINKED,
    TextSegment,
    find_users_by_handles,
    mentioned_handles,
    split_mentions,
)
from gallery.views.creations import UserView

MAX_ROOTS = 30
MAX_REPLIES = 300
# If a page has more replies than that, each comment shows at most so many.
MAX_REPLIES_EACH = 10
MAX_DEPTH = 4

COMMENT_STMT = select(
    comments.c.id,
    comments.c.parent_id,
    comments.c.text,
    comments.c.created_at,
    comments.c.deleted_at,
    people.c.id,
    people.c.username,
    people.c.name,
    people.c.avatar_key,
    or_(people.c.hidden_at.is_not(None), people.c.banned_at.is_not(None)),
).join_from(comments, people, people.c.id == comments.c.person_id)

# Built once: building these statements takes longer than running them.
REPLY = comments.alias("answer")
HAS_REPLIES = select(REPLY.c.id).where(REPLY.c.parent_id == comments.c.id).exists()
ROOTS_STMT = (
    COMMENT_STMT.add_columns(HAS_REPLIES)
    .where(
        or_(comments.c.deleted_at.is_(None), HAS_REPLIES),
        comments.c.creation_id == bindparam("creation_id", type_=BigInteger),
        comments.c.id > bindparam("after", type_=BigInteger),
    )
    .order_by(comments.c.id)
    .limit(MAX_ROOTS + 1)
)
TOP_LEVEL_STMT = ROOTS_STMT.where(comments.c.parent_id.is_(None))
REPLIES_STMT = ROOTS_STMT.where(comments.c.parent_id == bindparam("under", type_=BigInteger))


def _nearest_descendants() -> Select[int]:
    """Select the ids of the `most` nearest descendants of the comments `ids`."""
    parent_ids: BindParameter[Sequence[int]] = bindparam("ids", expanding=True)
    below = select(comments.c.id).where(comments.c.parent_id.in_(parent_ids)).cte("below", recursive=True)
    below = below.union_all(select(comments.c.id).join_from(below, comments, comments.c.parent_id == below.c.id))
    return select(below.c.id).limit(bindparam("most", type_=Integer))


DESCENDANTS_STMT = COMMENT_STMT.where(comments.c.id.in_(_nearest_descendants()))


class CommentRow(NamedTuple):
    """A row of COMMENT_STMT. `is_hidden`: its author is; `has_replies`: only ROOTS_STMT asks for it."""

    id: int
    parent_id: int | None
    text: str
    created_at: datetime
    deleted_at: datetime | None
    person_id: int
    username: str
    name: str
    avatar_key: str | None
    is_hidden: bool
    has_replies: bool = False


@dataclass(frozen=True, slots=True)
class CommentView:
    """One comment. `person` is None and `text` empty if it was deleted, or its author is hidden."""

    id: int
    parent_id: int | None
    person: UserView | None
    text: str
    at: datetime
    is_deleted: bool
    depth: int = 0
    replies_to: UserView | None = None
    more: bool = False
    mentioned: Mapping[str, UserView] = field(default_factory=dict)

    @property
    def segments(self) -> list[TextSegment]:
        """Return the text in parts: plain ones, and mentions of users with the paths of their pages."""
        return split_mentions(self.text, self.mentioned)


@dataclass(frozen=True, slots=True)
class CommentDraft:
    """A rejected comment as typed, with the reason."""

    text: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """One page of comments. `under`: the comment that these reply to; `newer`: where the next page begins."""

    comments: list[CommentView]
    newer: int | None = None
    is_first: bool = True
    under: CommentView | None = None
    replying_to: CommentView | None = None
    draft: CommentDraft = CommentDraft()
    idempotency_key: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    @property
    def ids(self) -> set[int]:
        """Return the ids of all comments on this page."""
        return {comment.id for comment in self.comments}


def load_thread(
    connection: Connection, creation_id: int, *, under: int | None = None, after: int = 0, mutes: Mutes = NO_MUTES
) -> Thread:
    """Load a page of a creation's comments, or of the replies to one. Empty if the comment is another creation's.

    What the current user mutes counts as hidden.
    """
    above = find_comment(connection, creation_id, under) if under is not None else None
    if under is not None and above is None:
        return Thread([])
    parameters = {"creation_id": creation_id, "after": after}
    if under is not None:
        parameters["under"] = under
    stmt = TOP_LEVEL_STMT if under is None else REPLIES_STMT
    top = [CommentRow(*row) for row in connection.execute(stmt, parameters)]
    answers, more = _load_replies(connection, [row.id for row in top[:MAX_ROOTS] if row.has_replies])
    newer = top[MAX_ROOTS - 1].id if len(top) > MAX_ROOTS else None
    shown = _arrange([_muted(row, mutes) for row in (*top[:MAX_ROOTS], *answers)], above, more)
    return Thread(_with_mentions(connection, shown), newer, after == 0, above)


def find_comment(connection: Connection, creation_id: int, comment_id: int) -> CommentView | None:
    """Return one comment of a creation."""
    stmt = COMMENT_STMT.where(comments.c.id == comment_id, comments.c.creation_id == creation_id)
    row = connection.execute(stmt).one_or_none()
    return _view(CommentRow(*row)) if row else None


def is_restorable(connection: Connection, comment_id: int, person_id: int) -> bool:
    """Return whether it is a deleted comment of this user whose text is left."""
    stmt = select(comments.c.id).where(
        comments.c.id == comment_id, comments.c.person_id == person_id, comments.c.deleted_at.is_not(None)
    )
    return connection.execute(stmt.where(comments.c.text != "")).first() is not None


def _load_replies(connection: Connection, ids: Sequence[int]) -> tuple[list[CommentRow], set[int]]:
    """Load all descendants of these comments, and the ids of those with more than were read."""
    rows = _load_descendants(connection, ids, MAX_REPLIES + 1)
    if len(rows) <= MAX_REPLIES:
        return rows, set()
    each = {one: _load_descendants(connection, [one], MAX_REPLIES_EACH + 1) for one in ids}
    more = {one for one, rows in each.items() if len(rows) > MAX_REPLIES_EACH}
    return [row for rows in each.values() for row in rows[:MAX_REPLIES_EACH]], more


def _load_descendants(connection: Connection, ids: Sequence[int], limit: int) -> list[CommentRow]:
    """Load replies, replies to those and so on, nearest first, up to the limit."""
    if not ids:
        return []
    return [CommentRow(*row) for row in connection.execute(DESCENDANTS_STMT, {"ids": ids, "most": limit})]


def _arrange(rows: Iterable[CommentRow], above: CommentView | None, more: set[int]) -> list[CommentView]:
    """Put each comment before its replies, oldest first, without places that have no replies."""
    children: dict[int | None, list[CommentView]] = {}
    for row in sorted(rows, key=lambda row: row.id, reverse=True):
        children.setdefault(row.parent_id, []).append(replace(_view(row), more=row.id in more))
    root = above.id if above else None
    authors = {one.id: one.person for some in children.values() for one in some}
    authors |= {above.id: above.person} if above else {}
    shown, waiting = [], [(one, 0) for one in children.get(root, [])]
    while waiting:
        one, depth = waiting.pop()
        shown.append(replace(one, depth=min(depth, MAX_DEPTH), replies_to=authors.get(one.parent_id or 0)))
        waiting += [(answer, depth + 1) for answer in children.get(one.id, [])]
    return _without_empty(shown)


def _without_empty(shown: list[CommentView]) -> list[CommentView]:
    """Drop comments without text that have no replies with text."""
    shown_comments: list[CommentView] = []
    needed: set[int | None] = set()
    for one in reversed(shown):
        if one.person or one.more or one.id in needed:
            shown_comments.append(one)
            needed.add(one.parent_id)
    return shown_comments[::-1]


def _with_mentions(connection: Connection, shown: list[CommentView]) -> list[CommentView]:
    """Add the users whom the comments mention, with one more query if there are any."""
    users = find_users_by_handles(connection, mentioned_handles((one.text for one in shown), MAX_LINKED))
    return [replace(one, mentioned=users) for one in shown] if users else shown


def _muted(row: CommentRow, mutes: Mutes) -> CommentRow:
    return row._replace(is_hidden=row.is_hidden or mutes.hides(row.person_id, row.text))


def _view(row: CommentRow) -> CommentView:
    gone = row.deleted_at is not None
    if gone or row.is_hidden:
        return CommentView(row.id, row.parent_id, None, "", row.created_at, gone)
    person = UserView(row.person_id, row.username, row.name, avatar_key=row.avatar_key)
    return CommentView(row.id, row.parent_id, person, row.text, row.created_at, is_deleted=False)
