"""Read the rows around posts: the creations that they reply to, and users whose words must not be painted.

`core/usage.py` reads how much each user asked for and how often the bot replied in a conversation.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, or_, select

from bot.intent import ReplyTarget
from bot.intent.options import Options
from core.database import read_connection
from core.models import State, creations, people, pictures, posts
from core.reason_codes import NOTICE_CODES
from core.text_replies import QUESTIONS
from core.usage import batched

flagged_pictures = pictures.alias("flagged")
PRIVATE_STATES = (State.REFUSED.value, State.FAILED.value)


def find_reply_targets(engine: Engine, post_ids: Collection[int]) -> dict[int, ReplyTarget]:
    """Return the creation behind each post that is a reply of the bot, or that the bot replied to."""
    targets: dict[int, ReplyTarget] = {}
    with read_connection(engine) as connection:
        for ids in batched(set(post_ids)):
            targets |= _targets_of(connection, ids)
    return {post_id: target for post_id, target in targets.items() if post_id in set(post_ids)}


def find_opted_out_or_hidden(engine: Engine, user_ids: Collection[int]) -> frozenset[int]:
    """Return the users whose words must not be painted: they opted out, or X hides them."""
    excluded = or_(people.c.opted_out_at.is_not(None), people.c.hidden_at.is_not(None))
    user_ids_found: set[int] = set()
    with read_connection(engine) as connection:
        for ids in batched(user_ids):
            stmt = select(people.c.id).where(people.c.id.in_(ids), excluded)
            user_ids_found.update(connection.execute(stmt).scalars())
    return frozenset(user_ids_found)


def _targets_of(connection: Connection, ids: list[int]) -> dict[int, ReplyTarget]:
    targets: dict[int, ReplyTarget] = {}
    stored_ids, notice_posts = _stored_ids(connection, ids), _notice_posts(connection, ids)
    rows = connection.execute(_creations_stmt([*ids, *stored_ids.values(), *notice_posts.values()])).all()
    keys = _picture_keys(connection, [row.id for row in rows])
    for row in rows:
        target = _reply_target(row, keys.get(row.id, ()))
        # One poll may hold replies to both: to the bot's reply, and to the post that it answered.
        targets |= {row.post_id: replace(target, is_bot_reply=False), row.reply_post_id: target}
    targets |= _targets_of_notices(connection, rows)
    targets |= {root: targets[post_id] for root, post_id in stored_ids.items() if post_id in targets}
    targets |= {reply: _about_notice(targets[post]) for reply, post in notice_posts.items() if post in targets}
    return targets


def _stored_ids(connection: Connection, root_ids: list[int]) -> dict[int, int]:
    """Return the stored id by root id for posts that were edited before the bot read them."""
    stmt = select(posts.c.root_id, posts.c.id).where(posts.c.root_id.in_(root_ids), posts.c.id != posts.c.root_id)
    return {row.root_id: row.id for row in connection.execute(stmt)}


def _notice_posts(connection: Connection, reply_ids: list[int]) -> dict[int, int]:
    """Return the answered post by reply id, for replies that only announce a wait or a failure."""
    stmt = select(creations.c.reply_post_id, creations.c.reply_to_post_id).where(
        creations.c.reply_post_id.in_(reply_ids),
        creations.c.reason_code.in_(NOTICE_CODES),
        creations.c.reply_to_post_id.is_not(None),
    )
    return {row.reply_post_id: row.reply_to_post_id for row in connection.execute(stmt)}


def _about_notice(target: ReplyTarget) -> ReplyTarget:
    """Treat a reply to a notice as a reply to the creation that the notice is about."""
    return replace(target, is_bot_reply=True, is_text=not target.picture_keys)


def _creations_stmt(post_ids: list[int]) -> Select[Any]:
    is_flagged = (
        select(flagged_pictures.c.id)
        .where(flagged_pictures.c.creation_id == creations.c.id, flagged_pictures.c.flagged)
        .exists()
    )
    return (
        select(creations, is_flagged.label("is_flagged"), people.c.hidden_at.label("author_hidden_at"))
        .join_from(creations, people, people.c.id == creations.c.person_id)
        .where(or_(creations.c.reply_post_id.in_(post_ids), creations.c.post_id.in_(post_ids)))
    )


def _targets_of_notices(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, ReplyTarget]:
    """Return the creation that each notice among the rows is about, by the notice's post id."""
    notices = {
        row.reply_to_post_id: row.reply_post_id for row in rows if row.reply_text is not None and row.reply_to_post_id
    }
    about = connection.execute(_creations_stmt(list(notices))).all() if notices else []
    targets = {notices[row.post_id]: _reply_target(row, ()) for row in about if row.post_id in notices}
    return {post_id: replace(target, is_text=True) for post_id, target in targets.items()}


def _is_private(row: Row[Any]) -> bool:
    """Return whether only the author may continue from it, as in the gallery. Queued creations are public on X."""
    is_hidden = row._mapping[creations.c.hidden_at] or row.author_hidden_at or row.is_flagged
    return bool(is_hidden) or row.state in PRIVATE_STATES


def _picture_keys(connection: Connection, creation_ids: list[int]) -> dict[int, tuple[str, ...]]:
    """Return the picture keys of each creation, in the order in which the reply shows them."""
    stmt = select(pictures.c.creation_id, pictures.c.key).where(pictures.c.creation_id.in_(creation_ids))
    keys: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(stmt.order_by(pictures.c.creation_id, pictures.c.position)):
        keys[row.creation_id] = (*keys.get(row.creation_id, ()), row.key)
    return keys


def _reply_target(row: Row[Any], picture_keys: tuple[str, ...]) -> ReplyTarget:
    options = Options(
        count=row._mapping[creations.c.count],  # `row.count` is the method of a tuple
        steps=row.steps,
        style=row.style,
        negative=row.negative_prompt or None,
        aspect_ratio=row.aspect_ratio,
    )
    target = ReplyTarget(
        creation_id=row.id,
        person_id=row.person_id,
        is_bot_reply=True,
        prompt=row.prompt,
        options=options,
        # Pictures that the safety check flagged are gone for their author, too.
        picture_keys=() if row.is_flagged else picture_keys,
        init_image_url=row.init_image_url,
        init_image_key=row.init_image_key,
        is_text=row.reply_text is not None and not picture_keys,
        is_question=row.reason_code in QUESTIONS and row.reply_text is not None,
        private=_is_private(row),
    )
    return target.redacted() if row.deleted_at is not None else target
