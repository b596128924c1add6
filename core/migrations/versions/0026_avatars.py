"""members have the picture that they have on X

Revision: 0026, after 0025, made 2026-11-30 20:45:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None

HAS_AVATAR = sa.text('avatar_key IS NOT NULL')


def upgrade() -> None:
    op.add_column('person', sa.Column('avatar_key', sa.String(), nullable=True))
    op.add_column('person', sa.Column('avatar_source', sa.String(), nullable=True))
    op.create_index(
        'ix_person_avatar_key', 'person', ['avatar_key'], sqlite_where=HAS_AVATAR, postgresql_where=HAS_AVATAR
    )


def downgrade() -> None:
    op.drop_index('ix_person_avatar_key', table_name='person')
    op.drop_column('person', 'avatar_source')
    op.drop_column('person', 'avatar_key')
