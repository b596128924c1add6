"""search finds prefixes of up to eight letters, and slices, by an index

Revision: 0023, after 0022, made 2026-11-30 09:40:00
"""

from alembic import op

from core.models.search import CREATE_SEARCH_INDEX, CREATE_PEOPLE_SEARCH_INDEX
from core.models.search import PEOPLE_SEARCH_INDEX_TABLE, SEARCH_INDEX_TABLE
from core.search_index import SLICE_MARK, SLICE_ROWS

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

WORDS_AND_SLICE = f"words || ' {SLICE_MARK}' || (rowid / {SLICE_ROWS})"


def upgrade() -> None:
    if op.get_bind().dialect.name == 'sqlite':  # PostgreSQL's index finds prefixes of any length
        _rebuild(SEARCH_INDEX_TABLE, CREATE_SEARCH_INDEX['sqlite'], WORDS_AND_SLICE)
        _rebuild(PEOPLE_SEARCH_INDEX_TABLE, CREATE_PEOPLE_SEARCH_INDEX['sqlite'], 'words')


def downgrade() -> None:
    pass  # earlier code reads this index, too


def _rebuild(name: str, create: tuple[str, ...], words: str) -> None:
    """Make the index anew from its own words: FTS5 cannot add prefixes to an index."""
    op.execute(f'ALTER TABLE {name} RENAME TO {name}_before')
    for statement in create:
        op.execute(statement)
    op.execute(f'INSERT INTO {name} (rowid, words) SELECT rowid, {words} FROM {name}_before')
    op.execute(f'DROP TABLE {name}_before')
