"""The tables of the way of one post: people, posts, creations, pictures.

Ids of posts and people are X's own (snowflakes); ids of creations and pictures are ours. All times are UTC.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Text, false, text
from sqlmodel import Field, SQLModel

from core.clock import now
from core.models.columns import OwnId, UtcDateTime, where

# Of a million creations a handful wait: an index of those alone stays small.
WAITING = where(text("next_attempt_at IS NOT NULL"))
LIKED = where(text("likes > 0 AND shown_at IS NOT NULL"))
# What is rare among a member's own.
HIDDEN = where(text("hidden_at IS NOT NULL"))
ENDED = where(text("state IN ('refused', 'failed')"))
# Files that most rows have none of. A plain index of them is mostly the same nothing: SQLite, told so by ANALYZE, would
# rather read the whole table.
BEGUN = where(text("start_key IS NOT NULL"))


def named(column: str) -> dict[str, Any]:
    """An index of those rows alone in which the column is set."""
    return where(text(f"{column} IS NOT NULL"))


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
    # What they decided, and the host; what X says of them.
    opted_out_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="they said `stop`")
    banned_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="the host said no")
    hidden_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="protected or suspended on X, or hidden by a ban"
    )
    ban_reason: str | None = Field(default=None, sa_type=Text, description="why the operator banned them")
    ban_hides: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": false()},
        description="the ban also hides what they made; if only it does, hidden_at equals banned_at",
    )
    # X lets handles change hands: a handle belongs to whoever showed it last (core/people.py).
    handle_seen_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="when X last showed this handle with this id"
    )
    former_handle: str | None = Field(default=None, description="the one before, in small letters")
    handle_lost_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="since when it is former")
    # In the gallery.
    member_since: datetime | None = Field(default=None, sa_type=UtcDateTime, description="first signed in")
    follows_bot_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="X said so, the last time it was asked (FOLLOW_GATE)"
    )
    shows_sensitive: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": false()},
        description="wants to see sensitive pictures without a veil",
    )
    followers: int = Field(default=0, sa_column_kwargs={"server_default": "0"}, description="members who follow them")
    follows: int = Field(default=0, sa_column_kwargs={"server_default": "0"}, description="people they follow")

    __table_args__ = (
        Index("ix_person_former_handle", "former_handle", **named("former_handle")),
        Index("ix_person_banned", "banned_at", **named("banned_at")),
    )


class Post(SQLModel, table=True):
    """What X handed us: a mention, a reply or a quote. `root_id` is the id before any edit: one post, one row."""

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    root_id: int = Field(sa_column=Column(BigInteger, unique=True, nullable=False))
    author_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), index=True, nullable=False))
    text: str = Field(sa_type=Text)
    conversation_id: int | None = Field(default=None, sa_type=BigInteger)
    in_reply_to_id: int | None = Field(default=None, sa_type=BigInteger)
    quoted_id: int | None = Field(default=None, sa_type=BigInteger)
    reply_settings: str = Field(default="everyone", description="whom X lets reply, in its words")
    verdict: str = Field(description="`prompt`, `talk`, a command, or the code of a refusal")
    summons: str = Field(
        default="mention", description="`mention`: the author wrote our handle; `prefix`: only X did, before a reply"
    )
    created_at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    checked_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, description="last seen on X")
    gone_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="since when its words are gone")

    __table_args__ = (
        Index("ix_post_conversation", "conversation_id", "created_at"),
        Index("ix_post_checked", "gone_at", "checked_at"),
    )


class Creation(SQLModel, table=True):
    """One prompt on its way to 1 to 4 pictures, and what became of it.

    `turn` is its place in the line: fair between people, see `core/line/turns.py`. `says` is what is answered on X
    where there is no picture: a refusal in words, the answer to a command.

    `next_attempt_at` is when somebody has to look at it again: the next try of a waiting creation, the end of the
    claim of one in work, empty where nothing is left to do. `shown_at` is when it became visible, empty while it
    is not: the gallery needs no other rule.
    """

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    post_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("post.id"), unique=True, nullable=True)
    )
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    parent_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("creation.id")))
    # One wished for in the gallery may be answered on X, too: under this post of its author.
    answers_post_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("post.id"), index=True))
    once: str | None = Field(default=None, unique=True, description="names one sending of a form: twice is one wish")

    prompt: str = Field(sa_type=Text)
    negative_prompt: str = Field(default="", sa_type=Text)
    count: int = Field(default=1, description="pictures asked for, 1 to 4")
    aspect_ratio: str | None = Field(default=None, description="like `16:9`; empty: the painter's own shape")
    seed: int = Field(sa_type=BigInteger, description="seed of the first picture; the others count up")
    steps: int | None = Field(default=None, description="empty: as many as the model likes")
    style: str | None = Field(default=None, description="name of a preset of `core/styles.py`")
    start_url: str | None = Field(default=None, sa_type=Text, description="picture on X that it starts from")
    start_key: str | None = Field(default=None, description="the same, or one of ours, in the storage")
    start_owner_id: int | None = Field(
        default=None,
        sa_type=BigInteger,
        description="who brought that picture along, perhaps unknown here; empty for one of ours (core/starts.py)",
    )
    strength: float | None = Field(default=None, description="how far it goes from that picture, 0 to 1")
    says: str | None = Field(default=None, sa_type=Text)
    turn: int = Field(default=0, sa_type=BigInteger)

    state: State = Field(default=State.QUEUED, sa_type=Text)
    code: str | None = Field(default=None, description="why it was refused or failed")
    attempts: int = Field(default=0, description="tries of the present step")
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = Field(default=None, sa_type=Text)
    claim: str | None = Field(default=None, description="token of the job that works on it now")

    model: str | None = None
    painting_seconds: float | None = None
    painted_steps: int | None = Field(default=None, description="the steps that the painter took")
    guidance: float | None = None
    tokens_read: int | None = Field(default=None, description="of a prompt longer than the painter reads; else empty")
    tokens_in_all: int | None = None
    ignored: str | None = Field(default=None, description="fields of the wish that the painter did not heed, spaced")
    option_corrections: str | None = Field(
        default=None, sa_type=Text, description="options not taken as written: JSON list of [name, written, taken]"
    )
    reply_post_id: int | None = Field(default=None, sa_type=BigInteger)
    reply_outcome: str | None = Field(default=None, description="`answered`, or why it hangs in the gallery only")

    reply_forbidden_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="by X's clock: when X last refused its reply without a reason"
    )

    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    painted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    shown_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    hidden_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="its author took it off the wall")
    sensitive: bool = Field(
        default=False, sa_column_kwargs={"server_default": false()}, description="hangs behind a veil"
    )
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="asked to be forgotten")
    forgotten_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="words, files, answer are gone"
    )

    # Counted where they happen, in the same transaction. Remixes: creations made from this one that hang.
    likes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    comments: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    remixes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})

    __table_args__ = (
        Index("ix_creation_wall", "shown_at", "id"),
        # The likes are there to be added up: of somebody with a thousand creations no row is read for it.
        Index("ix_creation_person_wall", "person_id", "shown_at", "id", "likes"),
        Index("ix_creation_waiting", "state", "next_attempt_at"),
        Index("ix_creation_line", "state", "turn", "id", **WAITING),
        Index("ix_creation_turn", "turn"),
        Index("ix_creation_person_turn", "person_id", "turn"),
        Index("ix_creation_person_time", "person_id", "created_at"),
        Index("ix_creation_answer", "reply_post_id"),
        Index("ix_creation_deleted", "deleted_at", "forgotten_at"),
        Index("ix_creation_recent", "created_at", "state"),
        Index("ix_creation_family", "parent_id", "shown_at", "id"),
        Index("ix_creation_top", "likes", "id", **LIKED),
        Index("ix_creation_liked", "shown_at", "likes", **LIKED),
        Index("ix_creation_hidden", "person_id", "created_at", "id", **HIDDEN),
        Index("ix_creation_ended", "person_id", "created_at", "id", **ENDED),
        Index("ix_creation_start", "start_key", **BEGUN),
        Index("ix_creation_forbidden", "reply_forbidden_at", **named("reply_forbidden_at")),
        Index("ix_creation_start_owner", "start_owner_id", **named("start_owner_id")),
    )


class Picture(SQLModel, table=True):
    """One image of a creation. Keys name files in the storage; `placeholder` is a tiny data URI.

    thumb: for cards; wide: for a picture hung large, where the picture itself is larger. Both also as AVIF. What was
    painted before these were made has none of them but the thumb.
    """

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
    thumb_avif_key: str | None = None
    wide_key: str | None = None
    wide_avif_key: str | None = None
    wide_width: int | None = None
    wide_height: int | None = None
    placeholder: str = Field(sa_type=Text)
    flagged: bool = Field(default=False, description="the painter's safety check would rather not show it")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    # Its copy on X, kept so that another try neither uploads nor pays again. X forgets an unused one after a day.
    media_id: str | None = None
    uploaded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    described_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_picture_creation", "creation_id", "position", unique=True),
        # Who asks for a file is asked about its creation; and a file that another picture shows, too, is kept.
        Index("ix_picture_key", "key"),
        Index("ix_picture_thumb", "thumb_key"),
        Index("ix_picture_thumb_avif", "thumb_avif_key", **named("thumb_avif_key")),
        Index("ix_picture_wide", "wide_key", **named("wide_key")),
        Index("ix_picture_wide_avif", "wide_avif_key", **named("wide_avif_key")),
    )
