"""who follows the bot

Revision: 0012, after 0011, made 2026-11-28 18:05:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('person', sa.Column('follows_bot_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('person', 'follows_bot_at')
