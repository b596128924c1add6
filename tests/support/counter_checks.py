"""Check that stored counts equal the rows that they count, and that the search index has all public creations."""

from sqlalchemy import Engine, func, select, text

from core.database import read_connection
from core.models import (
    SEARCH_INDEX_TABLE,
    board_items,
    boards,
    comments,
    creations,
    follows,
    likes,
    notifications,
    people,
)


def assert_all_is_counted(engine: Engine) -> None:
    """Check all users, creations and boards."""
    child = creations.alias()
    visible = (comments.c.creation_id == creations.c.id, comments.c.deleted_at.is_(None))
    counted = [
        (creations.c.likes, select(func.count()).where(likes.c.creation_id == creations.c.id)),
        (creations.c.comments, select(func.count()).where(*visible)),
        (
            creations.c.remixes,
            select(func.count()).where(child.c.parent_id == creations.c.id, child.c.published_at.is_not(None)),
        ),
        (people.c.follower_count, select(func.count()).where(follows.c.followed_id == people.c.id)),
        (people.c.following_count, select(func.count()).where(follows.c.follower_id == people.c.id)),
        (boards.c.size, select(func.count()).where(board_items.c.board_id == boards.c.id)),
    ]
    with read_connection(engine) as connection:
        for column, rows in counted:
            wrong = select(column.table.c.id, column).where(column != rows.correlate(column.table).scalar_subquery())
            assert connection.execute(wrong).all() == [], column
        public = set(connection.execute(select(creations.c.id).where(creations.c.published_at.is_not(None))).scalars())
        number = "rowid" if engine.dialect.name == "sqlite" else "id"
        assert set(connection.execute(text(f"SELECT {number} FROM {SEARCH_INDEX_TABLE}")).scalars()) == public
        keys = connection.execute(select(notifications.c.key)).scalars().all()
        assert len(keys) == len(set(keys))
