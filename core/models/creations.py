"""Define the tables of people, posts, creations and pictures.

Ids of posts and people are X's snowflakes; ids of creations and pictures are our own. All times are UTC.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from core.clock import now
from core.models.types import OwnId, UtcDateTime, not_null_index, partial_index

# Few of a million creations wait, so an index of only those stays small.
WAITING = partial_index(text("next_attempt_at IS NOT NULL"))
LIKED = partial_index(text("likes > 0 AND published_at IS NOT NULL"))
# Rare states among a member's creations.
HIDDEN = partial_index(text("hidden_at IS NOT NULL"))
ENDED = partial_index(text("state IN ('refused', 'failed')"))


class State(StrEnum):
    """State of a creation. `core/states.py` defines the allowed steps."""

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
    handle: str = Field(index=True, description="the same in lowercase, for searches; X lets handles change hands")
    name: str
    first_seen_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    # Decisions of the user and the operator, and the status on X.
    opted_out_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="they said `stop`")
    banned_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="the operator banned them")
    hidden_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="protected or suspended on X, or hidden by a ban"
    )
    ban_reason: str | None = Field(default=None, sa_type=Text, description="why the operator banned them")
    ban_hides: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": false()},
        description="the ban also hides what they made; if only it does, hidden_at equals banned_at",
    )
    # X lets handles change hands: a handle belongs to the user X last returned with it (core/people.py).
    handle_seen_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="when X last returned this handle with this id"
    )
    former_handle: str | None = Field(default=None, description="the previous handle, in lowercase")
    handle_lost_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="since when it is former")
    # In the gallery.
    member_since: datetime | None = Field(default=None, sa_type=UtcDateTime, description="first signed in")
    follows_bot_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="X said so, the last time it was asked (REQUIRE_FOLLOW)"
    )
    show_sensitive: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": false()},
        description="shows sensitive pictures unblurred",
    )
    avatar_key: str | None = Field(default=None, description="the file of their picture, in the storage")
    avatar_source: str | None = Field(default=None, description="the address on X that it was fetched from")
    follower_count: int = Field(
        default=0, sa_column_kwargs={"server_default": "0"}, description="members who follow them"
    )
    following_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"}, description="people they follow")

    __table_args__ = (
        Index("ix_person_former_handle", "former_handle", **not_null_index("former_handle")),
        Index("ix_person_banned", "banned_at", **not_null_index("banned_at")),
        Index("ix_person_avatar_key", "avatar_key", **not_null_index("avatar_key")),
    )


class PostRow(SQLModel, table=True):
    """A post that X returned: a mention, a reply or a quote. `root_id` is the id before any edit: one post, one row."""

    __tablename__ = "post"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    root_id: int = Field(sa_column=Column(BigInteger, unique=True, nullable=False))
    author_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), index=True, nullable=False))
    text: str = Field(sa_type=Text)
    conversation_id: int | None = Field(default=None, sa_type=BigInteger)
    in_reply_to_id: int | None = Field(default=None, sa_type=BigInteger)
    quoted_id: int | None = Field(default=None, sa_type=BigInteger)
    reply_settings: str = Field(default="everyone", description="whom X lets reply, in its words")
    classification: str = Field(description="`prompt`, `talk`, a command, or the code of a refusal")
    mention_type: str = Field(
        default="mention", description="`mention`: the author wrote our handle; `prefix`: only X did, before a reply"
    )
    created_at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    last_checked_on_x_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, description="last seen on X")
    deleted_on_x_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="since when its text is deleted"
    )

    __table_args__ = (
        Index("ix_post_conversation", "conversation_id", "created_at"),
        Index("ix_post_last_checked", "deleted_on_x_at", "last_checked_on_x_at"),
    )


class Creation(SQLModel, table=True):
    """One prompt on its way to 1 to 4 pictures, and what became of it.

    `queue_rank` is its rank in the fair queue (`core/scheduling/fair_queue.py`). `reply_text` is the text of a reply
    without a picture: a refusal, or the answer to a command.

    `next_attempt_at` is when it needs work again: the next try of a waiting creation, the expiry of a lease, or empty
    if nothing is left to do. `published_at` is when it became visible, or empty while it is not.
    """

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    post_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("post.id"), unique=True, nullable=True)
    )
    person_id: int = Field(sa_column=Column(BigInteger, ForeignKey("person.id"), nullable=False))
    parent_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("creation.id")))
    # A creation from the gallery may get a reply on X, under this post of its author.
    reply_to_post_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("post.id")))
    idempotency_key: str | None = Field(default=None, description="names one submission of a form")

    prompt: str = Field(sa_type=Text)
    negative_prompt: str = Field(default="", sa_type=Text)
    count: int = Field(default=1, description="pictures asked for, 1 to 4")
    aspect_ratio: str | None = Field(default=None, description="like `16:9`; empty: the model's default")
    seed: int = Field(sa_type=BigInteger, description="seed of the first picture; the others count up")
    steps: int | None = Field(default=None, description="empty: the model's default")
    style: str | None = Field(default=None, description="name of a preset of `core/styles.py`")
    init_image_url: str | None = Field(default=None, sa_type=Text, description="picture on X that it starts from")
    init_image_key: str | None = Field(default=None, description="the same, or one of ours, in the storage")
    init_image_owner_id: int | None = Field(
        default=None,
        sa_type=BigInteger,
        description="user who uploaded that picture, perhaps unknown here; empty if ours (core/init_image_access.py)",
    )
    strength: float | None = Field(default=None, description="how far it goes from that picture, 0 to 1")
    reply_text: str | None = Field(default=None, sa_type=Text)
    queue_rank: int = Field(default=0, sa_type=BigInteger)

    state: State = Field(default=State.QUEUED, sa_type=Text)
    reason_code: str | None = Field(default=None, description="why it was refused or failed")
    attempts: int = Field(default=0, description="tries of the current step")
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = Field(default=None, sa_type=Text)
    lease_token: str | None = Field(default=None, description="token of the job that works on it now")

    model: str | None = None
    painting_seconds: float | None = None
    steps_used: int | None = Field(default=None, description="the steps that the GPU service took")
    guidance: float | None = None
    prompt_tokens_used: int | None = Field(default=None, description="set if the prompt is longer than the model reads")
    prompt_tokens_total: int | None = None
    ignored_options: str | None = Field(
        default=None, description="options that the GPU service ignored, separated by spaces"
    )
    option_corrections: str | None = Field(
        default=None, sa_type=Text, description="options not taken as written: JSON list of [name, written, taken]"
    )
    reply_post_id: int | None = Field(default=None, sa_type=BigInteger)
    reply_status: str | None = Field(default=None, description="`answered`, or why it is in the gallery only")

    reply_forbidden_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="by X's clock: when X last refused its reply without a reason"
    )

    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    painted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    hidden_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="hidden by its author")
    sensitive: bool = Field(
        default=False, sa_column_kwargs={"server_default": false()}, description="blurred until a click"
    )
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime, description="soft deleted")
    purged_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="text, files and reply are deleted"
    )

    # Updated in the transaction of each event. Remixes: published creations made from this one.
    likes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    comments: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    remixes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})

    __table_args__ = (
        # Constraints keep the names of older columns: SQLite cannot rename one without copying the table.
        UniqueConstraint("idempotency_key", name="uq_creation_once"),
        Index("ix_creation_feed", "published_at", "id"),
        # Includes likes, so that their sum needs no table rows.
        Index("ix_creation_person_feed", "person_id", "published_at", "id", "likes"),
        Index("ix_creation_waiting", "state", "next_attempt_at"),
        Index("ix_creation_queue", "state", "queue_rank", "id", **WAITING),
        Index("ix_creation_queue_rank", "queue_rank"),
        Index("ix_creation_person_rank", "person_id", "queue_rank"),
        Index("ix_creation_person_time", "person_id", "created_at"),
        Index("ix_creation_reply_post", "reply_post_id", **not_null_index("reply_post_id")),
        Index("ix_creation_reply_to_post_id", "reply_to_post_id", **not_null_index("reply_to_post_id")),
        Index("ix_creation_deleted", "deleted_at", "purged_at"),
        Index("ix_creation_recent", "created_at", "state"),
        Index("ix_creation_remixes", "parent_id", "published_at", "id"),
        Index("ix_creation_top", "likes", "id", **LIKED),
        Index("ix_creation_liked", "published_at", "likes", **LIKED),
        Index("ix_creation_person_waiting", "person_id", "created_at", "id", **WAITING),
        Index("ix_creation_hidden", "person_id", "created_at", "id", **HIDDEN),
        Index("ix_creation_unsuccessful", "person_id", "created_at", "id", **ENDED),
        Index("ix_creation_init_image", "init_image_key", **not_null_index("init_image_key")),
        Index("ix_creation_forbidden", "reply_forbidden_at", **not_null_index("reply_forbidden_at")),
        Index("ix_creation_init_image_owner", "init_image_owner_id", **not_null_index("init_image_owner_id")),
    )


class Picture(SQLModel, table=True):
    """One image of a creation. Keys name files in the storage; `placeholder` is a tiny data URI.

    thumb: for cards; it names the picture's own file if that is hardly wider. wide: for large display; its WebP exists
    only of earlier pictures. AVIF copies are made after the reply (`worker/avif_copies.py`).
    """

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    creation_id: int = Field(sa_column=Column(OwnId, ForeignKey("creation.id"), nullable=False))
    position: int = Field(description="0 to 3, the display order")
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
    avif_due_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, description="when a job makes its AVIF copies; empty if that is done"
    )
    avif_attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    placeholder: str = Field(sa_type=Text)
    flagged: bool = Field(default=False, description="the safety check flagged it")
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    # Its copy on X, stored so that another try neither uploads nor pays again. X drops an unused copy after a day.
    media_id: str | None = None
    uploaded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    alt_text_set_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        Index("ix_picture_creation", "creation_id", "position", unique=True),
        # Find the creation of a requested file, and whether another picture uses a file.
        Index("ix_picture_key", "key"),
        Index("ix_picture_thumb", "thumb_key"),
        Index("ix_picture_thumb_avif", "thumb_avif_key", **not_null_index("thumb_avif_key")),
        Index("ix_picture_wide", "wide_key", **not_null_index("wide_key")),
        Index("ix_picture_wide_avif", "wide_avif_key", **not_null_index("wide_avif_key")),
        Index("ix_picture_avif_due", "creation_id", "avif_due_at", **not_null_index("avif_due_at")),
    )
