"""What a remix or a re-run is made after: the creation, its pictures, and the member's own post behind it. Reads only.

Only what the member may see: what hangs, and what is their own.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from core.models import Creation, creations, people, pictures, posts
from core.refusals import NO_CREATION, UNSHOWN
from core.starts import may_begin
from core.text import display_name
from gallery.queries import LARGEST_ID

# A chain of remixes is followed no further.
MOST_STEPS_BACK = 50


@dataclass(frozen=True)
class Parent:
    """A creation to go on from. `keys`: files of its pictures; `thumbs`: of their small copies; in their order."""

    row: Creation
    keys: tuple[str, ...]
    thumbs: tuple[str, ...]
    author: str

    @property
    def id(self) -> int:
        """The creation's id."""
        return int(self.row.id or 0)

    @property
    def has_start(self) -> bool:
        """Whether it began from a picture itself, from which the member may begin, too."""
        return bool(self.row.start_key or self.row.start_url)


def find_parent(connection: Connection, creation_id: int, member_id: int) -> Parent | None:
    """The creation, if this member may go on from it."""
    if not 0 < creation_id <= LARGEST_ID:
        return None
    wanted = (
        select(creations, people.c.name, people.c.username, people.c.hidden_at.label("author_hidden_at"))
        .join_from(creations, people, people.c.id == creations.c.person_id)
        .where(creations.c.id == creation_id, creations.c.deleted_at.is_(None))
    )
    found = connection.execute(wanted).one_or_none()
    if found is None or not _may_go_on(found, member_id):
        return None
    row = Creation(**{column.name: found._mapping[column] for column in creations.columns})
    if not may_begin(connection, row, member_id):
        row.start_key = row.start_url = None
    files = connection.execute(
        select(pictures.c.key, pictures.c.thumb_key, pictures.c.flagged)
        .where(pictures.c.creation_id == creation_id)
        .order_by(pictures.c.position)
    ).all()
    if any(one.flagged for one in files):  # what a check held back is gone for its author, too
        files = []
    author = display_name(found.name, found.username)
    return Parent(row, tuple(one.key for one in files), tuple(one.thumb_key for one in files), author)


def _may_go_on(found: Any, member_id: int) -> bool:
    has_words = bool(found.prompt) and found.code not in NO_CREATION | UNSHOWN
    hangs = found.shown_at is not None and found.author_hidden_at is None
    return has_words and (hangs or found.person_id == member_id)


def own_post_behind(connection: Connection, creation_id: int | None, member_id: int) -> int | None:
    """The member's own post that a creation came from, or one that it was made after; None where there is none left."""
    for _ in range(MOST_STEPS_BACK):
        if creation_id is None:
            return None
        row = connection.execute(
            select(creations.c.parent_id, posts.c.id.label("post_id"), posts.c.author_id, posts.c.gone_at)
            .outerjoin(posts, posts.c.id == creations.c.post_id)
            .where(creations.c.id == creation_id)
        ).one_or_none()
        if row is None:
            return None
        if row.post_id is not None and row.author_id == member_id and row.gone_at is None:
            return int(row.post_id)
        creation_id = row.parent_id
    return None
