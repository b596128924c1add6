"""an index of what waits among a member's own creations

Revision: 0025, after 0024, made 2026-11-30 10:45:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None

WAITING = sa.text('next_attempt_at IS NOT NULL')


def upgrade() -> None:
    columns = ['person_id', 'created_at', 'id']
    op.create_index('ix_creation_person_waiting', 'creation', columns, sqlite_where=WAITING, postgresql_where=WAITING)


def downgrade() -> None:
    op.drop_index('ix_creation_person_waiting', table_name='creation')
