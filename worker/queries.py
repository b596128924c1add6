"""Load what a job needs to know of its creation, as typed values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, bindparam, func, or_, select

from core.database import read_connection
from core.models import creations, people, pictures, posts
from core.text import display_name


@dataclass(frozen=True)
class _Task:
    """Columns that painting and replying both need.

    target_post_id: the post that the reply goes to; None if no reply is wanted, or if the post is unknown.
    deleted_on_x_at: since when that post is gone on X.
    """

    id: int
    person_id: int
    prompt: str
    count: int
    deleted_at: datetime | None
    name: str
    username: str
    opted_out_at: datetime | None
    banned_at: datetime | None
    target_post_id: int | None
    deleted_on_x_at: datetime | None

    @property
    def author(self) -> str:
        """The author's name as readers see it."""
        return display_name(self.name, self.username)


@dataclass(frozen=True)
class PaintTask(_Task):
    """A creation to paint.

    post_id: the post that asked for it; None for a creation made in the gallery.
    init_image_key, init_image_url, init_image_owner_id: names that `core.init_image_access` reads.
    """

    post_id: int | None
    negative_prompt: str
    aspect_ratio: str | None
    seed: int
    steps: int | None
    style: str | None
    strength: float | None
    init_image_key: str | None
    init_image_url: str | None
    init_image_owner_id: int | None
    last_checked_on_x_at: datetime | None


@dataclass(frozen=True)
class ReplyTask(_Task):
    """A creation whose post gets a reply.

    reply_text: the whole reply, in place of pictures. reply_post_id: our reply, if it was found on X already.
    mention_type: `mention` if the author wrote our handle, `prefix` if only X did.
    reply_forbidden_at: when X last refused this reply without a reason.
    credited_id: the picture by another user that it is a remix of, if that picture is public and on X.
    """

    reply_text: str | None
    reply_post_id: int | None
    reason_code: str | None
    last_error: str | None
    reply_forbidden_at: datetime | None
    mention_type: str | None
    reply_settings: str | None
    credited_id: int | None

    def failed_before_with(self, code: str) -> bool:
        """Return whether the last attempt ended with a code that starts like this."""
        return (self.last_error or "").startswith(code)


@dataclass(frozen=True)
class PictureUpload:
    """A picture's file, and what X has of it: media id, time of the upload, time of its alt text."""

    id: int
    key: str
    mime: str
    flagged: bool
    media_id: str | None
    uploaded_at: datetime | None
    alt_text_set_at: datetime | None


TASK_COLUMNS = (
    creations.c.id,
    creations.c.person_id,
    creations.c.prompt,
    creations.c.count,
    creations.c.deleted_at,
    people.c.name,
    people.c.username,
    people.c.opted_out_at,
    people.c.banned_at,
    posts.c.id.label("target_post_id"),
    posts.c.deleted_on_x_at,
)


def _select_task(*columns: ColumnElement[Any]) -> Select[tuple[object, ...]]:
    # The reply goes to the post that asked, or to the post that a creation of the gallery answers.
    target = func.coalesce(creations.c.post_id, creations.c.reply_to_post_id)
    return (
        select(*TASK_COLUMNS, *columns)
        .join(people, people.c.id == creations.c.person_id)
        .outerjoin(posts, posts.c.id == target)
        .where(creations.c.id == bindparam("creation_id"))
    )


# Built once: that takes longer than to run them.
PAINT_TASK = _select_task(
    creations.c.post_id,
    creations.c.negative_prompt,
    creations.c.aspect_ratio,
    creations.c.seed,
    creations.c.steps,
    creations.c.style,
    creations.c.strength,
    creations.c.init_image_key,
    creations.c.init_image_url,
    creations.c.init_image_owner_id,
    posts.c.last_checked_on_x_at,
)
_parents = creations.alias("parents")
_CREDITED_ID = (
    select(_parents.c.id)
    .where(
        _parents.c.id == creations.c.parent_id,
        _parents.c.person_id != creations.c.person_id,
        _parents.c.reply_post_id.is_not(None),
        _parents.c.published_at.is_not(None),
    )
    .scalar_subquery()
)
REPLY_TASK = _select_task(
    creations.c.reply_text,
    creations.c.reply_post_id,
    creations.c.reason_code,
    creations.c.last_error,
    creations.c.reply_forbidden_at,
    posts.c.mention_type,
    posts.c.reply_settings,
    _CREDITED_ID.label("credited_id"),
)
PICTURES = (
    select(
        pictures.c.id,
        pictures.c.key,
        pictures.c.mime,
        pictures.c.flagged,
        pictures.c.media_id,
        pictures.c.uploaded_at,
        pictures.c.alt_text_set_at,
    )
    .where(pictures.c.creation_id == bindparam("creation_id"))
    .order_by(pictures.c.position)
)


def load_paint_task(engine: Engine, creation_id: int) -> PaintTask:
    """Return what painting a creation needs."""
    with read_connection(engine) as connection:
        return PaintTask(**connection.execute(PAINT_TASK, {"creation_id": creation_id}).one()._mapping)


def load_reply_task(engine: Engine, creation_id: int) -> ReplyTask:
    """Return what replying for a creation needs."""
    with read_connection(engine) as connection:
        return ReplyTask(**connection.execute(REPLY_TASK, {"creation_id": creation_id}).one()._mapping)


def load_pictures(engine: Engine, creation_id: int) -> list[PictureUpload]:
    """Return the pictures of a creation in the order in which they are shown."""
    with read_connection(engine) as connection:
        rows = connection.execute(PICTURES, {"creation_id": creation_id})
        return [PictureUpload(**row._mapping) for row in rows]


def find_other_replies(engine: Engine, post_id: int, creation_id: int) -> frozenset[int]:
    """Return ids of our replies to a post that belong to other creations."""
    same_post = or_(creations.c.post_id == post_id, creations.c.reply_to_post_id == post_id)
    stmt = select(creations.c.reply_post_id).where(
        same_post, creations.c.id != creation_id, creations.c.reply_post_id.is_not(None)
    )
    with read_connection(engine) as connection:
        return frozenset(connection.execute(stmt).scalars())
