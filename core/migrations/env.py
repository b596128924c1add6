"""What Alembic runs for every migration. The open connection comes from `core.migrate`."""

from typing import Any, Literal

from alembic import context
from sqlmodel import AutoString, SQLModel

from core.models import SEARCH_INDEX_TABLE, UtcDateTime  # also fills SQLModel.metadata


def plain_types(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write plain SQL types into migrations: history must not change when our classes do."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    return False


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Return whether models describe a table. They do not describe the search indexes and their shadow tables."""
    return kind != "table" or name is None or name.split("_")[0] != SEARCH_INDEX_TABLE


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite cannot ALTER much: the table is copied instead
    render_item=plain_types,
    include_name=ours,
)
with context.begin_transaction():
    context.run_migrations()
