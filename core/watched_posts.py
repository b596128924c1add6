"""The bot's posts whose direct replies are prompts, as far as it posted them itself (`python -m bot announce`).

The pinned thread and X_WATCHED_POSTS are watched as well.
"""

from collections.abc import Iterable

from sqlalchemy import Engine, select

from core.database import read_connection, write_session
from core.models import WatchedPost, watched_posts


def watched_post_ids(engine: Engine) -> frozenset[int]:
    """Return the ids of all watched posts in the database."""
    with read_connection(engine) as connection:
        return frozenset(connection.execute(select(watched_posts.c.post_id)).scalars())


def watch_posts(engine: Engine, post_ids: Iterable[int]) -> None:
    """Watch these posts. Posts that are watched already stay as they are."""
    with write_session(engine) as session:
        for post_id in post_ids:
            session.merge(WatchedPost(post_id=post_id))
