"""what is rare has an index of its own

Revision: 0010, after 0009, made 2026-11-20 20:20:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

# Remixes that hung before they were counted.
COUNT_REMIXES = """
    UPDATE creation SET remixes = counted.number
    FROM (
        SELECT parent_id, count(*) AS number FROM creation
        WHERE parent_id IS NOT NULL AND shown_at IS NOT NULL GROUP BY parent_id
    ) AS counted
    WHERE counted.parent_id = creation.id AND creation.remixes <> counted.number
"""
OWN = ['person_id', 'created_at', 'id']
RARE = (
    ('ix_creation_hidden', 'creation', OWN, 'hidden_at IS NOT NULL'),
    ('ix_creation_ended', 'creation', OWN, "state IN ('refused', 'failed')"),
    ('ix_creation_start', 'creation', ['start_key'], 'start_key IS NOT NULL'),
)
FILES = (('ix_picture_thumb_avif', 'thumb_avif_key'), ('ix_picture_wide', 'wide_key'), ('ix_picture_wide_avif', 'wide_avif_key'))


def upgrade() -> None:
    op.execute(COUNT_REMIXES)
    for name, table, columns, which in RARE:
        _create(name, table, columns, which)
    for name, column in FILES:
        op.drop_index(name, table_name='picture')
        _create(name, 'picture', [column], f'{column} IS NOT NULL')
    op.drop_index('ix_comment_parent_id', table_name='comment')
    op.create_index('ix_comment_answers', 'comment', ['parent_id', 'id'])


def downgrade() -> None:
    op.drop_index('ix_comment_answers', table_name='comment')
    op.create_index('ix_comment_parent_id', 'comment', ['parent_id'])
    for name, column in FILES:
        op.drop_index(name, table_name='picture')
        op.create_index(name, 'picture', [column])
    for name, table, _columns, _which in RARE:
        op.drop_index(name, table_name=table)


def _create(name: str, table: str, columns: list[str], which: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(which), postgresql_where=sa.text(which))
