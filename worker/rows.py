"""Reads what a step needs to know of its creation."""

from typing import Any

from sqlalchemy import Engine, Row, select

from core.database import reading
from core.models import creations, people, pictures, posts


def creation_with_post(engine: Engine, creation_id: int) -> Row[Any]:
    """All columns of a creation; `name`, `opted_out_at`, `banned_at` of its author; and what we know of the post that
    asked: `summons`, `reply_settings`, `checked_at`, `gone_at` (all None without one)."""
    wanted = (
        select(
            creations,
            people.c.name,
            people.c.opted_out_at,
            people.c.banned_at,
            posts.c.summons,
            posts.c.reply_settings,
            posts.c.checked_at,
            posts.c.gone_at,
        )
        .join(people, people.c.id == creations.c.person_id)
        .outerjoin(posts, posts.c.id == creations.c.post_id)
        .where(creations.c.id == creation_id)
    )
    with reading(engine) as connection:
        return connection.execute(wanted).one()


def pictures_of(engine: Engine, creation_id: int) -> list[Row[Any]]:
    """The pictures of a creation in the order in which they hang."""
    wanted = select(pictures).where(pictures.c.creation_id == creation_id).order_by(pictures.c.position)
    with reading(engine) as connection:
        return list(connection.execute(wanted))
