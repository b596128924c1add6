"""Whether every count in a row is what the rows it counts say, and what is found is what hangs."""

from sqlalchemy import Engine, func, select, text

from core.database import reading
from core.models import SEARCHABLE, boards, collected, comments, creations, follows, likings, notifications, people


def assert_all_is_counted(engine: Engine) -> None:
    """Of all people, creations and boards."""
    child = creations.alias()
    visible = (comments.c.creation_id == creations.c.id, comments.c.deleted_at.is_(None))
    counted = [
        (creations.c.likes, select(func.count()).where(likings.c.creation_id == creations.c.id)),
        (creations.c.comments, select(func.count()).where(*visible)),
        (
            creations.c.remixes,
            select(func.count()).where(child.c.parent_id == creations.c.id, child.c.shown_at.is_not(None)),
        ),
        (people.c.followers, select(func.count()).where(follows.c.followed_id == people.c.id)),
        (people.c.follows, select(func.count()).where(follows.c.follower_id == people.c.id)),
        (boards.c.size, select(func.count()).where(collected.c.board_id == boards.c.id)),
    ]
    with reading(engine) as connection:
        for column, rows in counted:
            wrong = select(column.table.c.id, column).where(column != rows.correlate(column.table).scalar_subquery())
            assert connection.execute(wrong).all() == [], column
        hangs = set(connection.execute(select(creations.c.id).where(creations.c.shown_at.is_not(None))).scalars())
        number = "rowid" if engine.dialect.name == "sqlite" else "id"
        assert set(connection.execute(text(f"SELECT {number} FROM {SEARCHABLE}")).scalars()) == hangs
        keys = connection.execute(select(notifications.c.key)).scalars().all()
        assert len(keys) == len(set(keys))
