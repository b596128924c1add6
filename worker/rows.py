"""Reads what a step needs to know of its creation."""

from typing import Any

from sqlalchemy import Engine, Row, select

from core.database import reading
from core.models import creations, people, pictures


def creation_with_author(engine: Engine, creation_id: int) -> Row[Any]:
    """All columns of a creation, and `name`: what people call its author."""
    wanted = select(creations, people.c.name).join(people).where(creations.c.id == creation_id)
    with reading(engine) as connection:
        return connection.execute(wanted).one()


def pictures_of(engine: Engine, creation_id: int) -> list[Row[Any]]:
    """The pictures of a creation in the order in which they hang."""
    wanted = select(pictures).where(pictures.c.creation_id == creation_id).order_by(pictures.c.position)
    with reading(engine) as connection:
        return list(connection.execute(wanted))
