"""what of a wish the painter did not heed

Revision: 0006, after 0005, made 2026-11-20 17:20:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('creation', sa.Column('ignored', sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column('creation', 'ignored')
