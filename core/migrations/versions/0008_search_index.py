"""words are found

Revision: 0008, after 0007, made 2026-11-20 19:25:00
"""

import sqlalchemy as sa
from alembic import op

from core.models.search import CREATE_SEARCH_INDEX
from core.search_index import ADD, index_row

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

AT_ONCE = 2000
SHOWN = sa.text(
    "SELECT id, prompt FROM creation WHERE shown_at IS NOT NULL AND id > :after ORDER BY id LIMIT :limit"
)


def upgrade() -> None:
    # The form of words belongs to the code that asks for them: a change of it comes with a step that fills anew.
    connection = op.get_bind()
    name = connection.dialect.name
    op.execute("DROP TABLE IF EXISTS searchable")
    for statement in CREATE_SEARCH_INDEX[name]:
        op.execute(statement)
    after = 0
    while found := connection.execute(SHOWN, {"after": after, "limit": AT_ONCE}).all():
        connection.execute(ADD[name], [index_row(name, one.id, one.prompt) for one in found])
        after = found[-1].id


def downgrade() -> None:
    op.execute("DROP TABLE searchable")
