"""The tables of listening to X: how far each source is read, which posts are watched, what was announced."""

from datetime import datetime

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from core.clock import now
from core.models.columns import UtcDateTime


class Cursor(SQLModel, table=True):
    """How far the poller has read one source. `floor_id` is where it first began: nothing older is ever answered."""

    name: str = Field(primary_key=True)
    since_id: int = Field(sa_type=BigInteger)
    floor_id: int = Field(sa_type=BigInteger)
    polled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WatchedPost(SQLModel, table=True):
    """A post of the bot whose direct replies are prompts. `core/watching.py` says where else such posts are named."""

    __tablename__ = "watched"

    post_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    since: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Announced(SQLModel, table=True):
    """A part of the rules thread, on its way to X. Written before it is posted: who finds it looks on X first."""

    __tablename__ = "announced"

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
