"""the style watercolour is named watercolor

Revision: 0021, after 0020, made 2026-11-30 10:00:00
"""

from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE creation SET style = 'watercolor' WHERE style = 'watercolour'")


def downgrade() -> None:
    op.execute("UPDATE creation SET style = 'watercolour' WHERE style = 'watercolor'")
