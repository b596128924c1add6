"""options that were not taken as they were written

Revision: 0019, after 0018, made 2026-11-29 09:20:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('creation', sa.Column('option_corrections', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('creation', 'option_corrections')
