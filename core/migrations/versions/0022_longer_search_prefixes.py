"""prefixes of up to eight letters are found by an index

Revision: 0022, after 0021, made 2026-11-30 09:40:00
"""

import sqlalchemy as sa
from alembic import op

from core.models.search import CREATE_SEARCH_INDEX, CREATE_PEOPLE_SEARCH_INDEX, PREFIX_LENGTHS
from core.models.search import PEOPLE_SEARCH_INDEX_TABLE, SEARCH_INDEX_TABLE

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

CREATE = {SEARCH_INDEX_TABLE: CREATE_SEARCH_INDEX, PEOPLE_SEARCH_INDEX_TABLE: CREATE_PEOPLE_SEARCH_INDEX}
SQL_OF_TABLE = sa.text("SELECT sql FROM sqlite_master WHERE name = :name")


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != 'sqlite':
        return  # its index finds prefixes of any length
    for name, create in CREATE.items():
        # A database of before 0013 has had its index made anew by this code.
        if f"prefix='{PREFIX_LENGTHS}'" not in connection.execute(SQL_OF_TABLE, {'name': name}).scalar_one():
            _rebuild(name, create['sqlite'])


def downgrade() -> None:
    pass  # earlier code reads this index, too


def _rebuild(name: str, create: tuple[str, ...]) -> None:
    """Make the index anew from its own words: FTS5 cannot add prefixes to an index."""
    op.execute(f'ALTER TABLE {name} RENAME TO {name}_before')
    for statement in create:
        op.execute(statement)
    op.execute(f'INSERT INTO {name} (rowid, words) SELECT rowid, words FROM {name}_before')
    op.execute(f'DROP TABLE {name}_before')
