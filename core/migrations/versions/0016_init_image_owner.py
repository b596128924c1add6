"""whose a start picture is

Revision: 0016, after 0015, made 2026-11-29 09:20:00
"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

# Who first began from a picture brought it along, unless it was painted here.
BY_FILE = sa.text(
    "UPDATE creation SET start_owner_id = (SELECT first.person_id FROM creation AS first"
    " WHERE first.start_key = creation.start_key ORDER BY first.id LIMIT 1)"
    " WHERE start_key IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM picture WHERE picture.key = creation.start_key)"
)
# What is not fetched yet is known by its address on X.
ADDRESSES = sa.text("SELECT id, person_id, start_url, start_key FROM creation WHERE start_url IS NOT NULL ORDER BY id")
OWNER = sa.text("UPDATE creation SET start_owner_id = :owner WHERE id = :id")
BEGUN = sa.text('start_owner_id IS NOT NULL')


def upgrade() -> None:
    with op.batch_alter_table('creation') as batch_op:
        batch_op.add_column(sa.Column('start_owner_id', sa.BigInteger(), nullable=True))
    op.execute(BY_FILE)
    connection = op.get_bind()
    first: dict[str, int] = {}
    for row in connection.execute(ADDRESSES).all():
        owner = first.setdefault(row.start_url, row.person_id)
        if row.start_key is None:
            connection.execute(OWNER, {"owner": owner, "id": row.id})
    op.create_index(
        'ix_creation_start_owner', 'creation', ['start_owner_id'], sqlite_where=BEGUN, postgresql_where=BEGUN
    )


def downgrade() -> None:
    op.drop_index('ix_creation_start_owner', 'creation')
    with op.batch_alter_table('creation') as batch_op:
        batch_op.drop_column('start_owner_id')
