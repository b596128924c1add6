"""boards are shared by several members, or open to all who know their address

Revision: 0028, after 0027, made 2026-11-30 21:10:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0028'
down_revision = '0027'
branch_labels = None
depends_on = None

ABOUT_BOARD = sa.text('board_id IS NOT NULL')
OWN_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.add_column('board', sa.Column('unlisted', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        'board_member',
        sa.Column('board_id', OWN_ID, autoincrement=False, nullable=False),
        sa.Column('person_id', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['board_id'], ['board.id'], name=op.f('fk_board_member_board_id_board')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_board_member_person_id_person')),
        sa.PrimaryKeyConstraint('board_id', 'person_id', name=op.f('pk_board_member')),
    )
    op.create_index('ix_board_member_person', 'board_member', ['person_id', 'board_id'])
    with op.batch_alter_table('notification') as batch_op:
        batch_op.add_column(sa.Column('board_id', OWN_ID, nullable=True))
        batch_op.create_foreign_key(op.f('fk_notification_board_id_board'), 'board', ['board_id'], ['id'])
    op.create_index(
        'ix_notification_board_id', 'notification', ['board_id'], sqlite_where=ABOUT_BOARD, postgresql_where=ABOUT_BOARD
    )


def downgrade() -> None:
    op.drop_index('ix_notification_board_id', table_name='notification')
    with op.batch_alter_table('notification') as batch_op:
        batch_op.drop_constraint(op.f('fk_notification_board_id_board'), type_='foreignkey')
        batch_op.drop_column('board_id')
    op.drop_table('board_member')
    op.drop_column('board', 'unlisted')
