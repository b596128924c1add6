"""Comments as they hang under a creation: a page of threads, oldest first. Knows no HTTP; writes nothing.

    thread_of(connection, 17)                         what people say of a creation: its first page
    thread_of(connection, 17, under=5, after=120)     the answers to one comment, from the 120th on

Whatever people write, a page reads a bounded number of rows: what is more is behind a link, and that page is made
the same way. A comment that was taken back, or whose author is not shown, keeps its place while others answer it.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Connection, Integer, Select, bindparam, or_, select

from core.models import comments, people
from gallery.shown import PersonShown

ROOTS = 30
ANSWERS = 300
# Where all answers of a page are too many, each comment shows so many of its own.
FEW = 10
DEEPEST = 4

WITH_PERSON = select(
    comments.c.id,
    comments.c.parent_id,
    comments.c.text,
    comments.c.created_at,
    comments.c.deleted_at,
    people.c.id.label("person_id"),
    people.c.username,
    people.c.name,
    or_(people.c.hidden_at.is_not(None), people.c.banned_at.is_not(None)).label("unseen"),
).join_from(comments, people, people.c.id == comments.c.person_id)

# Put together once: making these takes longer than asking them.
ANSWER = comments.alias("answer")
ANSWERED = select(ANSWER.c.id).where(ANSWER.c.parent_id == comments.c.id).exists()
TOPS = (
    WITH_PERSON.add_columns(ANSWERED.label("answered"))
    .where(or_(comments.c.deleted_at.is_(None), ANSWERED))
    .order_by(comments.c.id)
    .limit(ROOTS + 1)
)


@cache
def _tops(of_answers: bool) -> Select[Any]:
    """The question for a page of what stands on top: the comments of a creation, or the answers to one comment."""
    creation_id, after = bindparam("creation_id", type_=BigInteger), bindparam("after", type_=BigInteger)
    under = comments.c.parent_id == bindparam("under", type_=BigInteger)
    return TOPS.where(comments.c.creation_id == creation_id, comments.c.id > after).where(
        under if of_answers else comments.c.parent_id.is_(None)
    )


def _all_below() -> Select[Any]:
    """Answers to the comments `ids`, answers to those and so on, `most` of them."""
    given: BindParameter[Sequence[int]] = bindparam("ids", expanding=True)
    below = select(comments.c.id).where(comments.c.parent_id.in_(given)).cte("below", recursive=True)
    below = below.union_all(select(comments.c.id).join_from(below, comments, comments.c.parent_id == below.c.id))
    nearest = select(below.c.id).limit(bindparam("most", type_=Integer))
    return WITH_PERSON.where(comments.c.id.in_(nearest))


BELOW = _all_below()


@dataclass(frozen=True, slots=True)
class CommentShown:
    """One comment. `person` is None and `text` empty where it was taken back, or its author is not shown."""

    id: int
    parent_id: int | None
    person: PersonShown | None
    text: str
    at: datetime
    taken_back: bool
    depth: int = 0
    answers: PersonShown | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody was about to say, with the reason why it was not taken."""

    text: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """One page of comments. `under`: the comment whose answers these are; `newer`: where the next page begins."""

    comments: list[CommentShown]
    newer: int | None = None
    is_first: bool = True
    under: CommentShown | None = None
    answering: CommentShown | None = None
    draft: Draft = Draft()
    once: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    @property
    def ids(self) -> set[int]:
        """The ids of all on this page."""
        return {comment.id for comment in self.comments}


def thread_of(connection: Connection, creation_id: int, *, under: int | None = None, after: int = 0) -> Thread:
    """A page of what people say of a creation, or of the answers to one comment. Empty for a comment of another."""
    above = one_comment(connection, creation_id, under) if under is not None else None
    if under is not None and above is None:
        return Thread([])
    given = {"creation_id": creation_id, "after": after}
    given |= {"under": under} if under is not None else {}
    top = connection.execute(_tops(under is not None), given).all()
    answers, more = _answers(connection, [row.id for row in top[:ROOTS] if row.answered])
    newer = top[ROOTS - 1].id if len(top) > ROOTS else None
    shown = _in_order([*top[:ROOTS], *answers], above, more)
    return Thread(shown, newer, after == 0, above)


def one_comment(connection: Connection, creation_id: int, comment_id: int) -> CommentShown | None:
    """One comment of a creation."""
    wanted = WITH_PERSON.where(comments.c.id == comment_id, comments.c.creation_id == creation_id)
    row = connection.execute(wanted).one_or_none()
    return _shown(row) if row else None


def _answers(connection: Connection, ids: Sequence[int]) -> tuple[list[Any], set[int]]:
    """All below these comments, and which of them have more than are read."""
    found = _below(connection, ids, ANSWERS + 1)
    if len(found) <= ANSWERS:
        return found, set()
    each = {one: _below(connection, [one], FEW + 1) for one in ids}
    more = {one for one, rows in each.items() if len(rows) > FEW}
    return [row for rows in each.values() for row in rows[:FEW]], more


def _below(connection: Connection, ids: Sequence[int], limit: int) -> list[Any]:
    """Answers, answers to those and so on: what is nearest first, as far as the limit goes."""
    if not ids:
        return []
    return list(connection.execute(BELOW, {"ids": ids, "most": limit}))


def _in_order(rows: Iterable[Any], above: CommentShown | None, more: set[int]) -> list[CommentShown]:
    """Each comment with its answers after it, oldest first, without places that nobody needs."""
    children: dict[int | None, list[CommentShown]] = {}
    for row in sorted(rows, key=lambda row: row.id, reverse=True):
        children.setdefault(row.parent_id, []).append(replace(_shown(row), more=row.id in more))
    root = above.id if above else None
    authors = {one.id: one.person for some in children.values() for one in some}
    authors |= {above.id: above.person} if above else {}
    shown, waiting = [], [(one, 0) for one in children.get(root, [])]
    while waiting:
        one, depth = waiting.pop()
        shown.append(replace(one, depth=min(depth, DEEPEST), answers=authors.get(one.parent_id or 0)))
        waiting += [(answer, depth + 1) for answer in children.get(one.id, [])]
    return _pruned(shown)


def _pruned(shown: list[CommentShown]) -> list[CommentShown]:
    """Without those that say nothing and under which nothing is said."""
    kept: list[CommentShown] = []
    needed: set[int | None] = set()
    for one in reversed(shown):
        if one.person or one.more or one.id in needed:
            kept.append(one)
            needed.add(one.parent_id)
    return kept[::-1]


def _shown(row: Any) -> CommentShown:
    gone = row.deleted_at is not None
    if gone or row.unseen:
        return CommentShown(row.id, row.parent_id, None, "", row.created_at, gone)
    person = PersonShown(row.person_id, row.username, row.name)
    return CommentShown(row.id, row.parent_id, person, row.text, row.created_at, taken_back=False)
