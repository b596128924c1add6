"""Define the tables of costs: the ledger and its daily sums."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index
from sqlmodel import Field, SQLModel

from core.clock import now
from core.models.types import OwnId, UtcDateTime


class LedgerRow(SQLModel, table=True):
    """One charge. `key` is unique, so that recording a charge twice counts once."""

    __tablename__ = "ledger"

    id: int | None = Field(default=None, sa_column=Column(OwnId, primary_key=True))
    key: str = Field(unique=True)
    day: str = Field(description="UTC day of the payee's clock, 2026-11-20")
    item: str = Field(description="what was paid for; the names of `core/budget/prices.py`")
    micro_usd: int = Field(sa_type=BigInteger)
    creation_id: int | None = Field(default=None, sa_column=Column(OwnId, ForeignKey("creation.id"), index=True))
    person_id: int | None = Field(default=None, sa_type=BigInteger, description="user who caused it, maybe unknown")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_ledger_person", "person_id", "day"),)


class DailySpend(SQLModel, table=True):
    """The ledger's sum per day and item, so that budget checks read few rows."""

    __tablename__ = "daily_spend"

    day: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    count: int = Field(default=0, sa_type=BigInteger)
    micro_usd: int = Field(default=0, sa_type=BigInteger)
