"""The tables: posts, people, creations, pictures, and the poller's cursor. Knows nothing of how they are used.

Ids of posts and people are X's own (snowflakes); ids of creations and pictures are ours. All times are UTC.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Integer, Table, Text, TypeDecorator
from sqlmodel import Field, SQLModel

from core.clock import now

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING

# SQLite counts rows only in columns called INTEGER; PostgreSQL shall have the room of 64 bits.
OwnId = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Aware UTC in, as the database keeps it."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """As the database keeps it, aware UTC out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class State(StrEnum):
    """Where a creation is on its way. `core/states.py` holds the allowed steps."""

    QUEUED = "queued"
    PAINTING = "painting"
    PAINTED = "painted"
    REPLYING = "replying"
    REPLIED = "replied"
    REFUSED = "refused"
    FAILED = "failed"


class Person(SQLModel, table=True):
    """An X account: author of posts, member of the gallery."""

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    username: str = Field(description="the handle as its owner writes it, without @")
    handle: str = Field(index=True, description="the same in small letters, for finding; X lets handles change hands")
    name: str
    first_seen_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Post(SQLModel, table=True):
    """What X handed us: a mention, a reply or a quote. `root_id` is the id before any edit: one post, one row."""

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    root_id: int = Field(sa_column=Column(BigInteger, unique=True, nullable=False))
    author_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), index=True, nullable=False))
    text: str = Field(sa_type=Text)
    conversation_id: int | None = Field(default=None, sa_type=BigInteger)
    in_reply_to_id: int | None = Field(default=None, sa_type=BigInteger)
    verdict: str = Field(description="`prompt`, `talk`, or the code of a refusal")
    created_at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Creation(SQLModel, table=True):
    """One prompt on its way to 1 to 4 pictures, and what became of it.

    `next_attempt_at` is when somebody has to look at it again: the next try of a waiting creation, the end of the
    claim of one in work, empty where nothing is left to do. `shown_at` is when it became visible, empty while it
    is not: the gallery needs no other rule.
    """

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    post_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("post.id"), unique=True, nullable=True)
    )
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    parent_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("creation.id"), index=True))

    prompt: str = Field(sa_type=Text)
    negative_prompt: str = Field(default="", sa_type=Text)
    count: int = Field(default=1, description="pictures asked for, 1 to 4")
    width: int | None = Field(default=None, description="pixels; empty: the painter's own size")
    height: int | None = None
    seed: int = Field(sa_type=BigInteger, description="seed of the first picture; the others count up")

    state: State = Field(default=State.QUEUED, sa_type=Text)
    code: str | None = Field(default=None, description="why it was refused or failed")
    attempts: int = Field(default=0, description="tries of the present step")
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = Field(default=None, sa_type=Text)
    claim: str | None = Field(default=None, description="token of the job that works on it now")

    model: str | None = None
    painting_seconds: float | None = None
    reply_post_id: int | None = Field(default=None, sa_type=BigInteger)
    reply_outcome: str | None = Field(default=None, description="`answered`, or why it hangs in the gallery only")

    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    painted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    shown_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_creation_wall", "shown_at", "id"),
        Index("ix_creation_person_wall", "person_id", "shown_at", "id"),
        Index("ix_creation_waiting", "state", "next_attempt_at"),
        Index("ix_creation_recent", "created_at", "state"),
    )


class Picture(SQLModel, table=True):
    """One image of a creation. `key` and `thumb_key` name files in the storage; `placeholder` is a tiny data URI."""

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), nullable=False))
    position: int = Field(description="0 to 3, the order in which it hangs")
    seed: int = Field(sa_type=BigInteger)
    width: int
    height: int
    mime: str
    size: int = Field(description="bytes of the picture's file")
    key: str
    thumb_key: str
    thumb_width: int
    thumb_height: int
    placeholder: str = Field(sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_picture_creation", "creation_id", "position", unique=True),)


class Cursor(SQLModel, table=True):
    """How far the poller has read one source. `floor_id` is where it first began: nothing older is ever answered."""

    name: str = Field(primary_key=True)
    since_id: int = Field(sa_type=BigInteger)
    floor_id: int = Field(sa_type=BigInteger)
    polled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


def table(name: str) -> Table:
    """The Core table behind a model, for the queries that must be fast."""
    return SQLModel.metadata.tables[name]


people = table("person")
posts = table("post")
creations = table("creation")
pictures = table("picture")
cursors = table("cursor")
