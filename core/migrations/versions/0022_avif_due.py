"""AVIF copies are made by a job of their own, also for earlier pictures

Revision: 0022, after 0021, made 2026-11-30 09:50:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

DUE = sa.text('avif_due_at IS NOT NULL')


def upgrade() -> None:
    op.add_column('picture', sa.Column('avif_due_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('picture', sa.Column('avif_attempts', sa.Integer(), server_default='0', nullable=False))
    op.execute('UPDATE picture SET avif_due_at = CURRENT_TIMESTAMP')
    op.create_index(
        'ix_picture_avif_due', 'picture', ['creation_id', 'avif_due_at'], sqlite_where=DUE, postgresql_where=DUE
    )


def downgrade() -> None:
    op.drop_index('ix_picture_avif_due', table_name='picture')
    op.drop_column('picture', 'avif_attempts')
    op.drop_column('picture', 'avif_due_at')
