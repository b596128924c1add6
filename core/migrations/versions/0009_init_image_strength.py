"""how far from the start picture

Revision: 0009, after 0008, made 2026-11-20 19:49:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('creation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('strength', sa.Float(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('creation', schema=None) as batch_op:
        batch_op.drop_column('strength')
