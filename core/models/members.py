"""The tables of the gallery's members: who is signed in, what they like, say, follow, collect, report and are told.

Each row that is counted somewhere (`creation.likes`, `creation.comments`, `person.followers`, ...) is written together
with its count, in one transaction: `gallery/social/`.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Text, text
from sqlmodel import Field, SQLModel

from core.clock import now
from core.models.columns import OwnId, UtcDateTime, where

UNREAD = where(text("read_at IS NULL"))
OPEN = where(text("handled_at IS NULL"))


class Kind(StrEnum):
    """What a notification tells."""

    LIKED = "liked"
    COMMENTED = "commented"
    ANSWERED = "answered"
    REMIXED = "remixed"
    FOLLOWED = "followed"
    PAINTED = "painted"
    REFUSED = "refused"


class Login(SQLModel, table=True):
    """One browser in which somebody is signed in. Of its cookie only the digest is kept; X's tokens are encrypted."""

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), index=True, nullable=False))
    digest: str = Field(unique=True, description="SHA-256 of the cookie's value, in hex")
    browser: str = Field(default="", description="what it calls itself, in few words")
    tokens: str | None = Field(default=None, sa_type=Text, description="X's tokens, encrypted")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    seen_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class Liked(SQLModel, table=True):
    """Somebody likes a creation."""

    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), primary_key=True, autoincrement=False))
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), primary_key=True, autoincrement=False))
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_liked_creation", "creation_id", "at"),
        Index("ix_liked_person", "person_id", "at", "creation_id"),
    )


class Comment(SQLModel, table=True):
    """Words under a creation. One that was taken back keeps its place while others answer it, without its words."""

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), nullable=False))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    parent_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("comment.id")))
    text: str = Field(sa_type=Text)
    once: str | None = Field(default=None, unique=True, description="names one sending of a form: twice is one comment")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_comment_creation", "creation_id", "id"),
        Index("ix_comment_answers", "parent_id", "id"),
        Index("ix_comment_person", "person_id", "created_at"),
    )


class Follow(SQLModel, table=True):
    """Somebody follows somebody."""

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


class Notification(SQLModel, table=True):
    """Something that happened to a member's things. `key` names it, so that doing it again tells it once."""

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    kind: Kind = Field(sa_type=Text)
    key: str = Field(unique=True)
    actor_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("person.id"), index=True))
    creation_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("creation.id"), index=True))
    comment_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("comment.id"), index=True))
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_notification_person", "person_id", "id"),
        Index("ix_notification_unread", "person_id", **UNREAD),
    )


class Board(SQLModel, table=True):
    """A collection of creations with an address of its own. `public`: others may see it."""

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    name: str = Field(description="unguessable part of its address")
    title: str
    about: str = Field(default="", sa_type=Text)
    public: bool = Field(default=True)
    size: int = Field(default=0, description="creations on it")
    once: str | None = Field(default=None, unique=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_board_name", "name", unique=True),
        Index("ix_board_person", "person_id", "changed_at", "id"),
    )


class Collected(SQLModel, table=True):
    """A creation on a board."""

    board_id: int = Field(sa_column=Column(OwnId, ForeignKey("board.id"), primary_key=True, autoincrement=False))
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), primary_key=True, autoincrement=False))
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_collected_board", "board_id", "at", "creation_id"),
        Index("ix_collected_creation", "creation_id"),
    )


class Report(SQLModel, table=True):
    """Somebody thinks that a creation or a comment should not hang here. `key` names reporter and thing."""

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    key: str = Field(unique=True)
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), index=True, nullable=False))
    comment_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("comment.id"), index=True))
    person_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("person.id"), index=True))
    reason: str
    words: str = Field(default="", sa_type=Text)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    handled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_report_open", "at", **OPEN),)
