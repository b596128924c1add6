"""what was announced

Revision: 0004, after 0003, made 2026-11-20 13:22:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('announced',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('since_id', sa.BigInteger(), nullable=False),
    sa.Column('post_id', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_announced'))
    )


def downgrade() -> None:
    op.drop_table('announced')
