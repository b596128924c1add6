"""an index of deleted comments whose text is left, for a moment in which their author can restore them

Revision: 0029, after 0028, made 2026-11-30 21:25:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0029'
down_revision = '0028'
branch_labels = None
depends_on = None

RESTORABLE = sa.text("deleted_at IS NOT NULL AND text <> ''")


def upgrade() -> None:
    op.create_index(
        'ix_comment_restorable', 'comment', ['deleted_at'], sqlite_where=RESTORABLE, postgresql_where=RESTORABLE
    )


def downgrade() -> None:
    op.drop_index('ix_comment_restorable', table_name='comment')
