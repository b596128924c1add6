"""the shape in place of sizes, and how it was painted

Revision: 0005, after 0004, made 2026-11-20 16:10:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

# The sizes that were ever asked for. Painters of another size paint the same shape in their own pixels.
SHAPES = {(688, 384): '16:9', (624, 416): '3:2', (416, 624): '2:3', (384, 688): '9:16'}

creation = sa.table(
    'creation', sa.column('aspect_ratio', sa.String()), sa.column('width', sa.Integer()), sa.column('height', sa.Integer())
)


# Without alembic's batch, which would copy the whole table: SQLite drops columns itself since 3.35.
def upgrade() -> None:
    op.add_column('creation', sa.Column('aspect_ratio', sa.String(), nullable=True))
    op.add_column('creation', sa.Column('painted_steps', sa.Integer(), nullable=True))
    op.add_column('creation', sa.Column('guidance', sa.Float(), nullable=True))
    op.add_column('creation', sa.Column('tokens_read', sa.Integer(), nullable=True))
    op.add_column('creation', sa.Column('tokens_in_all', sa.Integer(), nullable=True))
    for (width, height), shape in SHAPES.items():
        asked = (creation.c.width == width, creation.c.height == height)
        op.execute(creation.update().where(*asked).values(aspect_ratio=shape))
    op.drop_column('creation', 'width')
    op.drop_column('creation', 'height')


def downgrade() -> None:
    op.add_column('creation', sa.Column('width', sa.Integer(), nullable=True))
    op.add_column('creation', sa.Column('height', sa.Integer(), nullable=True))
    for (width, height), shape in SHAPES.items():
        op.execute(creation.update().where(creation.c.aspect_ratio == shape).values(width=width, height=height))
    for name in ('aspect_ratio', 'painted_steps', 'guidance', 'tokens_read', 'tokens_in_all'):
        op.drop_column('creation', name)
