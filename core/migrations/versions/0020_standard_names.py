"""standard names of tables, columns and indexes

Revision: 0020, after 0019, made 2026-11-29 15:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

# Renames are quick on a table of any size. Constraints keep their names: SQLite could only copy the table.
COLUMNS = {
    'creation': {
        'says': 'reply_text',
        'once': 'idempotency_key',
        'turn': 'queue_rank',
        'claim': 'lease_token',
        'start_url': 'init_image_url',
        'start_key': 'init_image_key',
        'start_owner_id': 'init_image_owner_id',
        'code': 'reason_code',
        'shown_at': 'published_at',
        'forgotten_at': 'purged_at',
        'ignored': 'ignored_options',
        'tokens_read': 'prompt_tokens_used',
        'tokens_in_all': 'prompt_tokens_total',
        'painted_steps': 'steps_used',
        'answers_post_id': 'reply_to_post_id',
        'reply_outcome': 'reply_status',
    },
    'post': {
        'verdict': 'classification',
        'summons': 'mention_type',
        'gone_at': 'deleted_on_x_at',
        'checked_at': 'last_checked_on_x_at',
    },
    'person': {'followers': 'follower_count', 'follows': 'following_count', 'shows_sensitive': 'show_sensitive'},
    'picture': {'described_at': 'alt_text_set_at'},
    'cursor': {'floor_id': 'min_id'},
    'comment': {'once': 'idempotency_key'},
    'board': {'once': 'idempotency_key'},
    'instance': {'made_at': 'created_at'},
    'poller': {'looked_at': 'polled_at'},
}
TABLES = {
    'liked': 'creation_like',
    'collected': 'board_item',
    'login': 'login_session',
    'watched': 'watched_post',
    'announced': 'announcement_post',
    'spending': 'daily_spend',
}
INDEXES = {
    'ix_creation_wall': 'ix_creation_feed',
    'ix_creation_person_wall': 'ix_creation_person_feed',
    'ix_creation_line': 'ix_creation_queue',
    'ix_creation_turn': 'ix_creation_queue_rank',
    'ix_creation_person_turn': 'ix_creation_person_rank',
    'ix_creation_answer': 'ix_creation_reply_post',
    'ix_creation_answers_post_id': 'ix_creation_reply_to_post_id',
    'ix_creation_family': 'ix_creation_remixes',
    'ix_creation_ended': 'ix_creation_unsuccessful',
    'ix_creation_start': 'ix_creation_init_image',
    'ix_creation_start_owner': 'ix_creation_init_image_owner',
    'ix_post_checked': 'ix_post_last_checked',
    'ix_comment_answers': 'ix_comment_replies',
    'ix_liked_creation': 'ix_creation_like_creation',
    'ix_liked_person': 'ix_creation_like_person',
    'ix_collected_board': 'ix_board_item_board',
    'ix_collected_creation': 'ix_board_item_creation',
    'ix_login_person_id': 'ix_login_session_person_id',
}
SQL_OF_INDEX = sa.text("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = :name")


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            _rename_column(table, old, new)
    for old, new in TABLES.items():
        op.rename_table(old, new)
    for old, new in INDEXES.items():
        _rename_index(old, new)


def downgrade() -> None:
    for old, new in INDEXES.items():
        _rename_index(new, old)
    for old, new in TABLES.items():
        op.rename_table(new, old)
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            _rename_column(table, new, old)


def _rename_column(table: str, old: str, new: str) -> None:
    op.execute(f'ALTER TABLE {table} RENAME COLUMN {old} TO {new}')


def _rename_index(old: str, new: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name != 'sqlite':
        op.execute(f'ALTER INDEX {old} RENAME TO {new}')
        return
    # SQLite renames no index. It has put the new names of columns and tables into this statement.
    statement = connection.execute(SQL_OF_INDEX, {'name': old}).scalar_one()
    op.execute(f'DROP INDEX {old}')
    op.execute(statement.replace(old, new, 1))
