"""Define the tables of members: sessions, likes, comments, follows, boards, reports and notifications.

Each row that is counted somewhere (`creation.likes`, `creation.comments`, `person.follower_count`, ...) is written
together with its count, in one transaction (`gallery/services/`).
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from core.clock import now
from core.models.types import OwnId, UtcDateTime, not_null_index, partial_index

UNREAD = partial_index(text("read_at IS NULL"))
RESTORABLE = partial_index(text("deleted_at IS NOT NULL AND text <> ''"))
OPEN = partial_index(text("handled_at IS NULL"))


class NotificationKind(StrEnum):
    """The event that a notification reports."""

    LIKED = "liked"
    COMMENTED = "commented"
    ANSWERED = "answered"
    MENTIONED = "mentioned"
    REMIXED = "remixed"
    FOLLOWED = "followed"
    PAINTED = "painted"
    REFUSED = "refused"
    INVITED = "invited"


class LoginSession(SQLModel, table=True):
    """A browser session of a member. Only the digest of its cookie is stored; X's tokens are encrypted."""

    __tablename__ = "login_session"

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), index=True, nullable=False))
    digest: str = Field(description="SHA-256 of the cookie's value, in hex")
    browser: str = Field(default="", description="what it calls itself, in few words")
    tokens: str | None = Field(default=None, sa_type=Text, description="X's tokens, encrypted")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    seen_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)

    __table_args__ = (UniqueConstraint("digest", name="uq_login_digest"),)


class Like(SQLModel, table=True):
    """A member likes a creation."""

    __tablename__ = "creation_like"

    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), primary_key=True, autoincrement=False))
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), primary_key=True, autoincrement=False))
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_creation_like_creation", "creation_id", "at"),
        Index("ix_creation_like_person", "person_id", "at", "creation_id"),
    )


class Comment(SQLModel, table=True):
    """A comment on a creation. A deleted one that has replies keeps its row without its text.

    Its author can restore it for a moment, so until then its text stays (`core/social_cleanup.py`).
    """

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), nullable=False))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    parent_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("comment.id")))
    text: str = Field(sa_type=Text)
    idempotency_key: str | None = Field(default=None, description="names one submission of a form")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        UniqueConstraint("idempotency_key", name="uq_comment_once"),
        Index("ix_comment_creation", "creation_id", "id"),
        Index("ix_comment_replies", "parent_id", "id"),
        Index("ix_comment_person", "person_id", "created_at"),
        Index("ix_comment_restorable", "deleted_at", **RESTORABLE),
    )


class Follow(SQLModel, table=True):
    """A member follows a person."""

    follower_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("person.id"), primary_key=True, autoincrement=False)
    )
    followed_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("person.id"), primary_key=True, autoincrement=False)
    )
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_follow_followed", "followed_id", "at", "follower_id"),
        Index("ix_follow_follower", "follower_id", "at", "followed_id"),
    )


class Mute(SQLModel, table=True):
    """A member does not want to see a person, or a topic (`core/mutes.py`): exactly one of both."""

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    muted_person_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("person.id")))
    topic: str | None = Field(default=None, description="words that the search would find, or `style:` with a style")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (
        UniqueConstraint("person_id", "muted_person_id", name="uq_mute_person"),
        UniqueConstraint("person_id", "topic", name="uq_mute_topic"),
        Index("ix_mute_muted_person_id", "muted_person_id", **not_null_index("muted_person_id")),
    )


class Notification(SQLModel, table=True):
    """An event on a member's creations. `key` identifies it, so that repeating an action notifies once."""

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    kind: NotificationKind = Field(sa_type=Text)
    key: str = Field(unique=True)
    actor_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("person.id")))
    creation_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("creation.id"), index=True))
    comment_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("comment.id")))
    board_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("board.id")))
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_notification_person", "person_id", "id"),
        Index("ix_notification_actor_id", "actor_id", **not_null_index("actor_id")),
        Index("ix_notification_comment_id", "comment_id", **not_null_index("comment_id")),
        Index("ix_notification_board_id", "board_id", **not_null_index("board_id")),
        Index("ix_notification_unread", "person_id", **UNREAD),
    )


class Board(SQLModel, table=True):
    """A collection of creations with its own URL.

    `public`: everybody sees it; `unlisted`: only those who know its address do, which no page shows to others.
    """

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    name: str = Field(description="unguessable part of its address")
    title: str
    about: str = Field(default="", sa_type=Text)
    public: bool = Field(default=True)
    unlisted: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    size: int = Field(default=0, description="creations on it")
    idempotency_key: str | None = Field(default=None, description="names one submission of a form")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (
        UniqueConstraint("idempotency_key", name="uq_board_once"),
        Index("ix_board_name", "name", unique=True),
        Index("ix_board_person", "person_id", "changed_at", "id"),
    )


class BoardItem(SQLModel, table=True):
    """A creation on a board."""

    __tablename__ = "board_item"

    board_id: int = Field(sa_column=Column(OwnId, ForeignKey("board.id"), primary_key=True, autoincrement=False))
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), primary_key=True, autoincrement=False))
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_board_item_board", "board_id", "at", "creation_id"),
        Index("ix_board_item_creation", "creation_id"),
    )


class BoardMember(SQLModel, table=True):
    """A user whom the owner of a board invited to it. Once accepted, they add pictures and remove them."""

    __tablename__ = "board_member"

    board_id: int = Field(sa_column=Column(OwnId, ForeignKey("board.id"), primary_key=True, autoincrement=False))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), primary_key=True, autoincrement=False))
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_board_member_person", "person_id", "board_id"),)


class Report(SQLModel, table=True):
    """A report of a creation or comment. `key` identifies reporter and subject."""

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    key: str = Field(unique=True)
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), index=True, nullable=False))
    comment_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("comment.id")))
    person_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("person.id")))
    reason: str
    words: str = Field(default="", sa_type=Text)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    handled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_report_open", "at", **OPEN),
        Index("ix_report_comment_id", "comment_id", **not_null_index("comment_id")),
        Index("ix_report_person_id", "person_id", **not_null_index("person_id")),
    )
