"""Define the tables of the instance: its key, leases and the poller's status."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from core.clock import now
from core.models.types import UtcDateTime


class Instance(SQLModel, table=True):
    """This instance, in one row. The folder of pictures holds a file with the same `key` (`core/instance.py`)."""

    id: int = Field(default=1, primary_key=True)
    key: str
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    storage_marked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LeaseRow(SQLModel, table=True):
    """The right to do what only one process may do, until `expires_at`. `machine` is where `pid` is valid."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    token: str
    host: str
    machine: str
    pid: int
    since: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class PollerState(SQLModel, table=True):
    """The poller's status, in one row. `error` is empty after a success."""

    __tablename__ = "poller"

    id: int = Field(default=1, primary_key=True)
    polled_at: datetime = Field(sa_type=UtcDateTime)
    succeeded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    code: str = ""
    error: str = ""
