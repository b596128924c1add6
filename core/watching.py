"""The bot's posts whose direct replies are prompts, as far as it posted them itself (`python -m bot announce`).

The pinned thread and X_WATCHED_POSTS are watched besides. Knows rows only.
"""

from collections.abc import Iterable

from sqlalchemy import Engine, select

from core.database import reading, transaction
from core.models import WatchedPost, watched


def watched_posts(engine: Engine) -> frozenset[int]:
    """Ids of all posts that are watched."""
    with reading(engine) as connection:
        return frozenset(connection.execute(select(watched.c.post_id)).scalars())


def watch(engine: Engine, post_ids: Iterable[int]) -> None:
    """Watch these posts, too. Twice does no harm."""
    with transaction(engine) as session:
        for post_id in post_ids:
            session.merge(WatchedPost(post_id=post_id))
