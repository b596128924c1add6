"""what members of the gallery do

Revision: 0007, after 0006, made 2026-11-20 18:51:47.585026
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('board',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('about', sa.Text(), nullable=False),
    sa.Column('public', sa.Boolean(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('once', sa.String(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_board_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_board')),
    sa.UniqueConstraint('once', name=op.f('uq_board_once'))
    )
    with op.batch_alter_table('board', schema=None) as batch_op:
        batch_op.create_index('ix_board_name', ['name'], unique=True)
        batch_op.create_index('ix_board_person', ['person_id', 'changed_at', 'id'], unique=False)

    op.create_table('follow',
    sa.Column('follower_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('followed_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['followed_id'], ['person.id'], name=op.f('fk_follow_followed_id_person')),
    sa.ForeignKeyConstraint(['follower_id'], ['person.id'], name=op.f('fk_follow_follower_id_person')),
    sa.PrimaryKeyConstraint('follower_id', 'followed_id', name=op.f('pk_follow'))
    )
    with op.batch_alter_table('follow', schema=None) as batch_op:
        batch_op.create_index('ix_follow_followed', ['followed_id', 'at', 'follower_id'], unique=False)
        batch_op.create_index('ix_follow_follower', ['follower_id', 'at', 'followed_id'], unique=False)

    op.create_table('login',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('digest', sa.String(), nullable=False),
    sa.Column('browser', sa.String(), nullable=False),
    sa.Column('tokens', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_login_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_login')),
    sa.UniqueConstraint('digest', name=op.f('uq_login_digest'))
    )
    with op.batch_alter_table('login', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_login_person_id'), ['person_id'], unique=False)

    op.create_table('collected',
    sa.Column('board_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('creation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['board_id'], ['board.id'], name=op.f('fk_collected_board_id_board')),
    sa.ForeignKeyConstraint(['creation_id'], ['creation.id'], name=op.f('fk_collected_creation_id_creation')),
    sa.PrimaryKeyConstraint('board_id', 'creation_id', name=op.f('pk_collected'))
    )
    with op.batch_alter_table('collected', schema=None) as batch_op:
        batch_op.create_index('ix_collected_board', ['board_id', 'at', 'creation_id'], unique=False)
        batch_op.create_index('ix_collected_creation', ['creation_id'], unique=False)

    op.create_table('comment',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('creation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('parent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('once', sa.String(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['creation_id'], ['creation.id'], name=op.f('fk_comment_creation_id_creation')),
    sa.ForeignKeyConstraint(['parent_id'], ['comment.id'], name=op.f('fk_comment_parent_id_comment')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_comment_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_comment')),
    sa.UniqueConstraint('once', name=op.f('uq_comment_once'))
    )
    with op.batch_alter_table('comment', schema=None) as batch_op:
        batch_op.create_index('ix_comment_creation', ['creation_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_comment_parent_id'), ['parent_id'], unique=False)
        batch_op.create_index('ix_comment_person', ['person_id', 'created_at'], unique=False)

    op.create_table('liked',
    sa.Column('person_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('creation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['creation_id'], ['creation.id'], name=op.f('fk_liked_creation_id_creation')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_liked_person_id_person')),
    sa.PrimaryKeyConstraint('person_id', 'creation_id', name=op.f('pk_liked'))
    )
    with op.batch_alter_table('liked', schema=None) as batch_op:
        batch_op.create_index('ix_liked_creation', ['creation_id', 'at'], unique=False)
        batch_op.create_index('ix_liked_person', ['person_id', 'at', 'creation_id'], unique=False)

    op.create_table('notification',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('actor_id', sa.BigInteger(), nullable=True),
    sa.Column('creation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('comment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['actor_id'], ['person.id'], name=op.f('fk_notification_actor_id_person')),
    sa.ForeignKeyConstraint(['comment_id'], ['comment.id'], name=op.f('fk_notification_comment_id_comment')),
    sa.ForeignKeyConstraint(['creation_id'], ['creation.id'], name=op.f('fk_notification_creation_id_creation')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_notification_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notification')),
    sa.UniqueConstraint('key', name=op.f('uq_notification_key'))
    )
    with op.batch_alter_table('notification', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notification_actor_id'), ['actor_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notification_comment_id'), ['comment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notification_creation_id'), ['creation_id'], unique=False)
        batch_op.create_index('ix_notification_person', ['person_id', 'id'], unique=False)
        batch_op.create_index('ix_notification_unread', ['person_id'], unique=False, sqlite_where=sa.text('read_at IS NULL'), postgresql_where=sa.text('read_at IS NULL'))

    op.create_table('report',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('creation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('comment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['comment_id'], ['comment.id'], name=op.f('fk_report_comment_id_comment')),
    sa.ForeignKeyConstraint(['creation_id'], ['creation.id'], name=op.f('fk_report_creation_id_creation')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_report_person_id_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report')),
    sa.UniqueConstraint('key', name=op.f('uq_report_key'))
    )
    with op.batch_alter_table('report', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_comment_id'), ['comment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_report_creation_id'), ['creation_id'], unique=False)
        batch_op.create_index('ix_report_open', ['at'], unique=False, sqlite_where=sa.text('handled_at IS NULL'), postgresql_where=sa.text('handled_at IS NULL'))
        batch_op.create_index(batch_op.f('ix_report_person_id'), ['person_id'], unique=False)

    with op.batch_alter_table('creation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('answers_post_id', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('once', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('hidden_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('sensitive', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('likes', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('comments', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('remixes', sa.Integer(), server_default='0', nullable=False))
        batch_op.drop_index(batch_op.f('ix_creation_parent_id'))
        batch_op.create_index(batch_op.f('ix_creation_answers_post_id'), ['answers_post_id'], unique=False)
        batch_op.create_index('ix_creation_family', ['parent_id', 'shown_at', 'id'], unique=False)
        batch_op.create_index('ix_creation_liked', ['shown_at', 'likes'], unique=False, sqlite_where=sa.text('likes > 0 AND shown_at IS NOT NULL'), postgresql_where=sa.text('likes > 0 AND shown_at IS NOT NULL'))
        batch_op.create_index('ix_creation_top', ['likes', 'id'], unique=False, sqlite_where=sa.text('likes > 0 AND shown_at IS NOT NULL'), postgresql_where=sa.text('likes > 0 AND shown_at IS NOT NULL'))
        batch_op.create_unique_constraint(batch_op.f('uq_creation_once'), ['once'])
        batch_op.create_foreign_key(batch_op.f('fk_creation_answers_post_id_post'), 'post', ['answers_post_id'], ['id'])

    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.add_column(sa.Column('member_since', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('shows_sensitive', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('followers', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('follows', sa.Integer(), server_default='0', nullable=False))

    with op.batch_alter_table('picture', schema=None) as batch_op:
        batch_op.add_column(sa.Column('thumb_avif_key', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('wide_key', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('wide_avif_key', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('wide_width', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('wide_height', sa.Integer(), nullable=True))
        batch_op.create_index('ix_picture_thumb_avif', ['thumb_avif_key'], unique=False)
        batch_op.create_index('ix_picture_wide', ['wide_key'], unique=False)
        batch_op.create_index('ix_picture_wide_avif', ['wide_avif_key'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('picture', schema=None) as batch_op:
        batch_op.drop_index('ix_picture_wide_avif')
        batch_op.drop_index('ix_picture_wide')
        batch_op.drop_index('ix_picture_thumb_avif')
        batch_op.drop_column('wide_height')
        batch_op.drop_column('wide_width')
        batch_op.drop_column('wide_avif_key')
        batch_op.drop_column('wide_key')
        batch_op.drop_column('thumb_avif_key')

    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.drop_column('follows')
        batch_op.drop_column('followers')
        batch_op.drop_column('shows_sensitive')
        batch_op.drop_column('member_since')

    with op.batch_alter_table('creation', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_creation_answers_post_id_post'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('uq_creation_once'), type_='unique')
        batch_op.drop_index('ix_creation_top', sqlite_where=sa.text('likes > 0 AND shown_at IS NOT NULL'), postgresql_where=sa.text('likes > 0 AND shown_at IS NOT NULL'))
        batch_op.drop_index('ix_creation_liked', sqlite_where=sa.text('likes > 0 AND shown_at IS NOT NULL'), postgresql_where=sa.text('likes > 0 AND shown_at IS NOT NULL'))
        batch_op.drop_index('ix_creation_family')
        batch_op.drop_index(batch_op.f('ix_creation_answers_post_id'))
        batch_op.create_index(batch_op.f('ix_creation_parent_id'), ['parent_id'], unique=False)
        batch_op.drop_column('remixes')
        batch_op.drop_column('comments')
        batch_op.drop_column('likes')
        batch_op.drop_column('sensitive')
        batch_op.drop_column('hidden_at')
        batch_op.drop_column('once')
        batch_op.drop_column('answers_post_id')

    with op.batch_alter_table('report', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_report_person_id'))
        batch_op.drop_index('ix_report_open', sqlite_where=sa.text('handled_at IS NULL'), postgresql_where=sa.text('handled_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_report_creation_id'))
        batch_op.drop_index(batch_op.f('ix_report_comment_id'))

    op.drop_table('report')
    with op.batch_alter_table('notification', schema=None) as batch_op:
        batch_op.drop_index('ix_notification_unread', sqlite_where=sa.text('read_at IS NULL'), postgresql_where=sa.text('read_at IS NULL'))
        batch_op.drop_index('ix_notification_person')
        batch_op.drop_index(batch_op.f('ix_notification_creation_id'))
        batch_op.drop_index(batch_op.f('ix_notification_comment_id'))
        batch_op.drop_index(batch_op.f('ix_notification_actor_id'))

    op.drop_table('notification')
    with op.batch_alter_table('liked', schema=None) as batch_op:
        batch_op.drop_index('ix_liked_person')
        batch_op.drop_index('ix_liked_creation')

    op.drop_table('liked')
    with op.batch_alter_table('comment', schema=None) as batch_op:
        batch_op.drop_index('ix_comment_person')
        batch_op.drop_index(batch_op.f('ix_comment_parent_id'))
        batch_op.drop_index('ix_comment_creation')

    op.drop_table('comment')
    with op.batch_alter_table('collected', schema=None) as batch_op:
        batch_op.drop_index('ix_collected_creation')
        batch_op.drop_index('ix_collected_board')

    op.drop_table('collected')
    with op.batch_alter_table('login', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_login_person_id'))

    op.drop_table('login')
    with op.batch_alter_table('follow', schema=None) as batch_op:
        batch_op.drop_index('ix_follow_follower')
        batch_op.drop_index('ix_follow_followed')

    op.drop_table('follow')
    with op.batch_alter_table('board', schema=None) as batch_op:
        batch_op.drop_index('ix_board_person')
        batch_op.drop_index('ix_board_name')

    op.drop_table('board')
