"""indexes of columns that are mostly empty hold only the rows that are not

With statistics SQLite takes an index in which most rows are NULL for useless and reads the table.

Revision: 0024, after 0023, made 2026-11-30 10:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None

INDEXES = (
    ('ix_creation_reply_post', 'creation', 'reply_post_id'),
    ('ix_creation_reply_to_post_id', 'creation', 'reply_to_post_id'),
    ('ix_notification_actor_id', 'notification', 'actor_id'),
    ('ix_notification_comment_id', 'notification', 'comment_id'),
    ('ix_report_comment_id', 'report', 'comment_id'),
    ('ix_report_person_id', 'report', 'person_id'),
)


def upgrade() -> None:
    for name, table, column in INDEXES:
        condition = sa.text(f'{column} IS NOT NULL')
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [column], sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    for name, table, column in INDEXES:
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [column])
