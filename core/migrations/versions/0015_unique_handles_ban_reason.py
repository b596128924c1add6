"""a handle belongs to one person; why somebody is banned

Revision: 0015, after 0014, made 2026-11-29 09:00:00
"""

import sqlalchemy as sa
from alembic import op

from core.people_search_index import ADD as ADD_PERSON
from core.people_search_index import person_index_row

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

# X shows people when they post and when they sign in.
SEEN = sa.text(
    "UPDATE person SET handle_seen_at = (SELECT MAX(seen.at) FROM ("
    "SELECT MAX(post.read_at) AS at FROM post WHERE post.author_id = person.id"
    " UNION ALL SELECT MAX(login.created_at) FROM login WHERE login.person_id = person.id"
    " UNION ALL SELECT person.first_seen_at) AS seen)"
    " WHERE handle <> CAST(id AS VARCHAR(20))"
)
DOUBLES = sa.text(
    "SELECT handle, id, name, handle_seen_at FROM person"
    " WHERE handle IN (SELECT handle FROM person GROUP BY handle HAVING COUNT(*) > 1)"
    " ORDER BY handle, handle_seen_at DESC, id DESC"
)
LOST = sa.text(
    "UPDATE person SET former_handle = handle, handle_lost_at = :at, username = CAST(id AS VARCHAR(20)),"
    " handle = CAST(id AS VARCHAR(20)) WHERE id = :id"
)


def upgrade() -> None:
    with op.batch_alter_table('person') as batch_op:
        batch_op.add_column(sa.Column('ban_reason', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('ban_hides', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('handle_seen_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('former_handle', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('handle_lost_at', sa.DateTime(timezone=True), nullable=True))
    for column in ('former_handle', 'banned_at'):
        there = sa.text(f"{column} IS NOT NULL")
        name = f"ix_person_{'banned' if column == 'banned_at' else column}"
        op.create_index(name, 'person', [column], postgresql_where=there, sqlite_where=there)
    connection = op.get_bind()
    dialect = connection.dialect.name
    connection.execute(SEEN)
    # Of several who had a handle, the one X showed last has it.
    owner = None
    for row in connection.execute(DOUBLES).all():
        if owner is None or row.handle != owner.handle:
            owner = row
        else:
            connection.execute(LOST, {"id": row.id, "at": owner.handle_seen_at})
            connection.execute(ADD_PERSON[dialect], person_index_row(dialect, row.id, "", row.name))


def downgrade() -> None:
    op.drop_index('ix_person_banned', 'person')
    op.drop_index('ix_person_former_handle', 'person')
    with op.batch_alter_table('person') as batch_op:
        for column in ('handle_lost_at', 'former_handle', 'handle_seen_at', 'ban_hides', 'ban_reason'):
            batch_op.drop_column(column)
