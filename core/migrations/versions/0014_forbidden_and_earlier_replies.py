"""when X refused a reply without a reason, and replies found on X after a restore

Revision: 0014, after 0013, made 2026-11-29 09:30:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

REFUSED = sa.text("reply_forbidden_at IS NOT NULL")


def upgrade() -> None:
    op.add_column('creation', sa.Column('reply_forbidden_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        'ix_creation_forbidden', 'creation', ['reply_forbidden_at'], sqlite_where=REFUSED, postgresql_where=REFUSED
    )
    op.create_table(
        'earlier_reply',
        sa.Column('post_id', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('reply_post_id', sa.BigInteger(), nullable=False),
        sa.Column('number', sa.BigInteger(), nullable=True),
        sa.Column('seed', sa.BigInteger(), nullable=True),
        sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('post_id', name=op.f('pk_earlier_reply')),
    )


def downgrade() -> None:
    op.drop_table('earlier_reply')
    op.drop_index('ix_creation_forbidden', 'creation')
    op.drop_column('creation', 'reply_forbidden_at')
