"""words are found whatever their marks and strokes, and people by their names

Revision: 0013, after 0012, made 2026-11-29 09:00:00
"""

import sqlalchemy as sa
from alembic import op

from core.models.search import CREATE_SEARCH_INDEX, CREATE_PEOPLE_SEARCH_INDEX
from core.search_index import ADD, index_row
from core.people_search_index import ADD as ADD_PERSON
from core.people_search_index import person_index_row

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

AT_ONCE = 2000
SHOWN = sa.text(
    "SELECT id, prompt FROM creation WHERE shown_at IS NOT NULL AND id > :after ORDER BY id LIMIT :limit"
)
# Whom X never sent along has no name but the id.
NAMED = sa.text(
    "SELECT id, username, name FROM person WHERE id > :after AND username <> CAST(id AS VARCHAR(20))"
    " ORDER BY id LIMIT :limit"
)


def upgrade() -> None:
    # The form of words belongs to the code that asks for them: a change of it comes with a step that fills anew.
    connection = op.get_bind()
    dialect = connection.dialect.name
    op.execute("DROP TABLE IF EXISTS searchable")
    op.execute("DROP TABLE IF EXISTS searchable_person")
    for statement in (*CREATE_SEARCH_INDEX[dialect], *CREATE_PEOPLE_SEARCH_INDEX[dialect]):
        op.execute(statement)
    after = 0
    while found := connection.execute(SHOWN, {"after": after, "limit": AT_ONCE}).all():
        connection.execute(ADD[dialect], [index_row(dialect, one.id, one.prompt) for one in found])
        after = found[-1].id
    after = 0
    while found := connection.execute(NAMED, {"after": after, "limit": AT_ONCE}).all():
        connection.execute(ADD_PERSON[dialect], [person_index_row(dialect, *one) for one in found])
        after = found[-1].id


def downgrade() -> None:
    op.execute("DROP TABLE searchable_person")
