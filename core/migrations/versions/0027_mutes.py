"""members mute people and topics

Revision: 0027, after 0026, made 2026-11-30 20:55:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None

OF_PERSON = sa.text('muted_person_id IS NOT NULL')


def upgrade() -> None:
    op.create_table(
        'mute',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('person_id', sa.BigInteger(), nullable=False),
        sa.Column('muted_person_id', sa.BigInteger(), nullable=True),
        sa.Column('topic', sa.String(), nullable=True),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_mute_person_id_person')),
        sa.ForeignKeyConstraint(['muted_person_id'], ['person.id'], name=op.f('fk_mute_muted_person_id_person')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_mute')),
        sa.UniqueConstraint('person_id', 'muted_person_id', name=op.f('uq_mute_person')),
        sa.UniqueConstraint('person_id', 'topic', name=op.f('uq_mute_topic')),
    )
    op.create_index(
        'ix_mute_muted_person_id', 'mute', ['muted_person_id'], sqlite_where=OF_PERSON, postgresql_where=OF_PERSON
    )


def downgrade() -> None:
    op.drop_table('mute')
