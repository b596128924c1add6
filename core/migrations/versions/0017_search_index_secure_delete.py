"""words that are deleted are overwritten

Revision: 0017, after 0016, made 2026-11-29 09:50:00
"""

from alembic import op

from core.models.search import SEARCH_INDEX_TABLE, PEOPLE_SEARCH_INDEX_TABLE, secure_delete_statements

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != 'sqlite':
        return
    for name in (SEARCH_INDEX_TABLE, PEOPLE_SEARCH_INDEX_TABLE):
        for statement in secure_delete_statements(name):
            op.execute(statement)
        # Merges what there is, and with it leaves out what was deleted before.
        op.execute(f"INSERT INTO {name} ({name}) VALUES ('optimize')")


def downgrade() -> None:
    pass
