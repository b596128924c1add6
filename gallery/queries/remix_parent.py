"""Find what a remix or re-run starts from: the parent, its pictures, and the member's own post behind it.

Only what the member may see: public creations, and their own.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from core.init_image_access import may_use_init_image
from core.models import Creation, creations, people, pictures, posts
from core.reason_codes import COMMAND_CODES, HIDDEN_PROMPT_CODES
from core.text import display_name
from gallery.views.pagination import MAX_ID

# How far back a chain of remixes is followed.
MAX_ANCESTORS = 50


@dataclass(frozen=True)
class Parent:
    """A creation to remix. `picture_keys` and `thumb_keys`: its files in the order of its pictures."""

    row: Creation
    picture_keys: tuple[str, ...]
    thumb_keys: tuple[str, ...]
    author: str

    @property
    def id(self) -> int:
        """Return the creation's id."""
        return int(self.row.id or 0)

    @property
    def has_init_image(self) -> bool:
        """Return whether it has an init image that the member may use too."""
        return bool(self.row.init_image_key or self.row.init_image_url)


def find_parent(connection: Connection, creation_id: int, member_id: int) -> Parent | None:
    """Return the creation if the member may remix it."""
    if not 0 < creation_id <= MAX_ID:
        return None
    stmt = (
        select(creations, people.c.name, people.c.username, people.c.hidden_at.label("author_hidden_at"))
        .join_from(creations, people, people.c.id == creations.c.person_id)
        .where(creations.c.id == creation_id, creations.c.deleted_at.is_(None))
    )
    row = connection.execute(stmt).one_or_none()
    if row is None:
        return None
    creation = Creation(**{column.name: row._mapping[column] for column in creations.columns})
    if not _is_remixable(creation, member_id, is_author_hidden=row.author_hidden_at is not None):
        return None
    if not may_use_init_image(connection, creation, member_id):
        creation.init_image_key = creation.init_image_url = None
    files = connection.execute(
        select(pictures.c.key, pictures.c.thumb_key, pictures.c.flagged)
        .where(pictures.c.creation_id == creation_id)
        .order_by(pictures.c.position)
    ).all()
    if any(file.flagged for file in files):  # held back by the safety check, from its author too
        files = []
    author = display_name(row.name, row.username)
    return Parent(creation, tuple(file.key for file in files), tuple(file.thumb_key for file in files), author)


def _is_remixable(creation: Creation, member_id: int, *, is_author_hidden: bool) -> bool:
    has_prompt = bool(creation.prompt) and creation.reason_code not in COMMAND_CODES | HIDDEN_PROMPT_CODES
    is_public = creation.published_at is not None and not is_author_hidden
    return has_prompt and (is_public or creation.person_id == member_id)


def find_own_post(connection: Connection, creation_id: int | None, member_id: int) -> int | None:
    """Return the member's own post behind a creation or its nearest ancestor; None if none is left on X."""
    for _ in range(MAX_ANCESTORS):
        if creation_id is None:
            return None
        row = connection.execute(
            select(creations.c.parent_id, posts.c.id.label("post_id"), posts.c.author_id, posts.c.deleted_on_x_at)
            .outerjoin(posts, posts.c.id == creations.c.post_id)
            .where(creations.c.id == creation_id)
        ).one_or_none()
        if row is None:
            return None
        if row.post_id is not None and row.author_id == member_id and row.deleted_on_x_at is None:
            return int(row.post_id)
        creation_id = row.parent_id
    return None
