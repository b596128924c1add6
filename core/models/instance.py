"""The tables of the instance itself: its id, who holds which lease, and how the poller fares."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from core.clock import now
from core.models.columns import UtcDateTime


class Instance(SQLModel, table=True):
    """This instance, in one row. The folder of pictures holds a file with the same `key` (`core/instance.py`)."""

    id: int = Field(default=1, primary_key=True)
    key: str
    made_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    storage_marked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Lease(SQLModel, table=True):
    """The right to do what only one process may do, until `expires_at`. `machine` tells whose numbers `pid` is of."""

    name: str = Field(primary_key=True)
    token: str
    host: str
    machine: str
    pid: int
    since: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class PollerState(SQLModel, table=True):
    """How the poller fares, in one row. `error` is empty while all is well."""

    __tablename__ = "poller"

    id: int = Field(default=1, primary_key=True)
    looked_at: datetime = Field(sa_type=UtcDateTime)
    succeeded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    code: str = ""
    error: str = ""
