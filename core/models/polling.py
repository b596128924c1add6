"""Define the tables of polling X: cursors, watched posts and announcement posts."""

from datetime import datetime

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from core.clock import now
from core.models.types import UtcDateTime


class PollCursor(SQLModel, table=True):
    """How far the poller has read one source. `min_id` is its first position: older posts never get a reply."""

    __tablename__ = "cursor"

    name: str = Field(primary_key=True)
    since_id: int = Field(sa_type=BigInteger)
    min_id: int = Field(sa_type=BigInteger)
    polled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WatchedPost(SQLModel, table=True):
    """A post of the bot whose direct replies are prompts. See `core/watched_posts.py`."""

    __tablename__ = "watched_post"

    post_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    since: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class AnnouncementPost(SQLModel, table=True):
    """A post of the announcement thread. The row is written before posting, so that a retry checks X first."""

    __tablename__ = "announcement_post"

    key: str = Field(primary_key=True, description="names its place in the thread, and its words")
    since_id: int = Field(sa_type=BigInteger, description="older posts are not it")
    post_id: int | None = Field(default=None, sa_type=BigInteger)


class EarlierReply(SQLModel, table=True):
    """A reply of ours that was found on X and belongs to no creation here: the database is older than the reply.

    Its post gets no second reply. `number` and `seed` are those that the reply names.
    """

    __tablename__ = "earlier_reply"

    post_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    reply_post_id: int = Field(sa_type=BigInteger)
    number: int | None = Field(default=None, sa_type=BigInteger)
    seed: int | None = Field(default=None, sa_type=BigInteger)
    found_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
