"""what is counted of a person is read from an index

Revision: 0011, after 0010, made 2026-11-20 20:34:00
"""

from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

WALL = 'ix_creation_person_wall'
COLUMNS = ['person_id', 'shown_at', 'id']


def upgrade() -> None:
    op.drop_index(WALL, table_name='creation')
    op.create_index(WALL, 'creation', [*COLUMNS, 'likes'])


def downgrade() -> None:
    op.drop_index(WALL, table_name='creation')
    op.create_index(WALL, 'creation', COLUMNS)
