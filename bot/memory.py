"""What the house remembers around posts: what they stand under, and whose words are not ours. Reads only.

How people stand, and how often the bot spoke in a conversation: `core/standing.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, or_, select

from bot.intent import ReplyTarget
from bot.intent.options import Options
from core.database import reading
from core.models import State, creations, people, pictures, posts
from core.refusals import NOTICES
from core.standing import some
from core.text_replies import QUESTIONS

flagged = pictures.alias("flagged")
ENDED = (State.REFUSED.value, State.FAILED.value)


def targets(engine: Engine, post_ids: Collection[int]) -> dict[int, ReplyTarget]:
    """For posts that are answers of the bot, or that it answered: the creation behind each."""
    found: dict[int, ReplyTarget] = {}
    wanted = set(post_ids)
    with reading(engine) as connection:
        for ids in some(wanted):
            edited, notices = _edited(connection, ids), _notices(connection, ids)
            rows = connection.execute(_creations_behind([*ids, *edited.values(), *notices.values()])).all()
            keys = _picture_keys(connection, [row.id for row in rows])
            for row in rows:
                target = _target(row, keys.get(row.id, ()))
                # One look may hold posts under both: the answer, and the post that was answered.
                found |= {row.post_id: replace(target, is_answer=False), row.reply_post_id: target}
            found |= _behind_notices(connection, rows)
            found |= {root: found[post_id] for root, post_id in edited.items() if post_id in found}
            found |= {reply: _behind_notice(found[asked]) for reply, asked in notices.items() if asked in found}
    return {post_id: target for post_id, target in found.items() if post_id in wanted}


def silent_people(engine: Engine, person_ids: Collection[int]) -> frozenset[int]:
    """Those of them whose words are not ours to paint: they said stop, or X hides them."""
    with reading(engine) as connection:
        return frozenset(number for ids in some(person_ids) for number in _silent(connection, ids))


def _silent(connection: Connection, ids: list[int]) -> list[int]:
    silent = or_(people.c.opted_out_at.is_not(None), people.c.hidden_at.is_not(None))
    return list(connection.execute(select(people.c.id).where(people.c.id.in_(ids), silent)).scalars())


def _edited(connection: Connection, ids: list[int]) -> dict[int, int]:
    """Of those ids that were edited before we read them: the id under which they are written down."""
    wanted = select(posts.c.root_id, posts.c.id).where(posts.c.root_id.in_(ids), posts.c.id != posts.c.root_id)
    return {row.root_id: row.id for row in connection.execute(wanted)}


def _notices(connection: Connection, ids: list[int]) -> dict[int, int]:
    """Of those replies that tell of a wait or a failure: the post that each answers."""
    notice = (
        creations.c.reply_post_id.in_(ids),
        creations.c.code.in_(NOTICES),
        creations.c.answers_post_id.is_not(None),
    )
    wanted = select(creations.c.reply_post_id, creations.c.answers_post_id).where(*notice)
    return {row.reply_post_id: row.answers_post_id for row in connection.execute(wanted)}


def _behind_notice(target: ReplyTarget) -> ReplyTarget:
    """What is said under a notice is said to the creation that it is about."""
    return replace(target, is_answer=True, is_text=not target.picture_keys)


def _creations_behind(post_ids: list[int]) -> Any:
    behind = or_(creations.c.reply_post_id.in_(post_ids), creations.c.post_id.in_(post_ids))
    held_back = select(flagged.c.id).where(flagged.c.creation_id == creations.c.id, flagged.c.flagged).exists()
    return (
        select(
            creations,
            held_back.label("held_back"),
            people.c.hidden_at.label("author_hidden_at"),
        )
        .join_from(creations, people, people.c.id == creations.c.person_id)
        .where(behind)
    )


def _behind_notices(connection: Connection, notices: Sequence[Any]) -> dict[int, ReplyTarget]:
    """For replies that tell of a wait or a failure: the creation that they are about."""
    told = {row.answers_post_id: row.reply_post_id for row in notices if row.says is not None and row.answers_post_id}
    about = connection.execute(_creations_behind(list(told))).all() if told else []
    targets = {told[row.post_id]: _target(row, ()) for row in about if row.post_id in told}
    return {post_id: replace(target, is_text=True) for post_id, target in targets.items()}


def _is_private(row: Any) -> bool:
    """Whether only its author may go on from it. As in the gallery; but what waits was asked for in public on X."""
    is_out_of_sight = row._mapping[creations.c.hidden_at] or row.author_hidden_at or row.held_back
    return bool(is_out_of_sight) or row.state in ENDED


def _picture_keys(connection: Connection, creation_ids: list[int]) -> dict[int, tuple[str, ...]]:
    """The pictures of each creation, in the order in which a post shows them."""
    wanted = select(pictures.c.creation_id, pictures.c.key).where(pictures.c.creation_id.in_(creation_ids))
    keys: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(wanted.order_by(pictures.c.creation_id, pictures.c.position)):
        keys[row.creation_id] = (*keys.get(row.creation_id, ()), row.key)
    return keys


def _target(row: Any, picture_keys: tuple[str, ...]) -> ReplyTarget:
    options = Options(
        count=row._mapping[creations.c.count],
        steps=row.steps,
        style=row.style,
        negative=row.negative_prompt or None,
        aspect_ratio=row.aspect_ratio,
    )
    target = ReplyTarget(
        creation_id=row.id,
        person_id=row.person_id,
        is_answer=True,
        prompt=row.prompt,
        options=options,
        # What a check held back is gone for its author, too.
        picture_keys=() if row.held_back else picture_keys,
        init_image_url=row.start_url,
        init_image_key=row.start_key,
        is_text=row.says is not None and not picture_keys,
        is_question=row.code in QUESTIONS and row.says is not None,
        private=_is_private(row),
    )
    return target.redacted() if row.deleted_at is not None else target
