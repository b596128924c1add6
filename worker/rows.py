"""Reads what a step needs to know of its creation."""

from typing import Any

from sqlalchemy import Engine, Row, func, or_, select

from core.database import reading
from core.models import creations, people, pictures, posts


def creation_with_post(engine: Engine, creation_id: int) -> Row[Any]:
    """All columns of a creation; `name`, `username`, `opted_out_at`, `banned_at` of its author; and what we know of
    the post that is answered: `to_post_id`, `summons`, `reply_settings`, `checked_at`, `gone_at` (None without one).

    That is the post that asked, or, of a creation wished for in the gallery, the one it answers, too."""
    answered = func.coalesce(creations.c.post_id, creations.c.answers_post_id)
    wanted = (
        select(
            creations,
            people.c.name,
            people.c.username,
            people.c.opted_out_at,
            people.c.banned_at,
            posts.c.id.label("to_post_id"),
            posts.c.summons,
            posts.c.reply_settings,
            posts.c.checked_at,
            posts.c.gone_at,
        )
        .join(people, people.c.id == creations.c.person_id)
        .outerjoin(posts, posts.c.id == answered)
        .where(creations.c.id == creation_id)
    )
    with reading(engine) as connection:
        return connection.execute(wanted).one()


def pictures_of(engine: Engine, creation_id: int) -> list[Row[Any]]:
    """The pictures of a creation in the order in which they hang."""
    wanted = select(pictures).where(pictures.c.creation_id == creation_id).order_by(pictures.c.position)
    with reading(engine) as connection:
        return list(connection.execute(wanted))


def other_answers_to(engine: Engine, post_id: int, creation_id: int) -> frozenset[int]:
    """Answers of ours under a post that belong to other creations."""
    under = or_(creations.c.post_id == post_id, creations.c.answers_post_id == post_id)
    wanted = select(creations.c.reply_post_id).where(
        under, creations.c.id != creation_id, creations.c.reply_post_id.is_not(None)
    )
    with reading(engine) as connection:
        return frozenset(connection.execute(wanted).scalars())
