"""Write what a poll found: users, posts, creations and cursors, in one transaction.

A post that is read twice (overlap, two sources, an edit, a second poller) is stored once. It is recognized by its id
and by its root, the id before any edit, because X does not always return the root.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, or_, select
from sqlmodel import Session

from bot import reply_reconciliation
from bot.init_images import init_image_of
from bot.intent import DELETE, EXPLICIT, GENERATING_ACTIONS, PAINT, START, STOP, Intent
from bot.policy import Decision
from bot.triage import Decisions
from core.clock import now
from core.database import read_connection, write_session
from core.deletion import opt_in, opt_out, soft_delete_creations
from core.generation_limits import random_seed
from core.models import Creation, PollCursor, PostRow, State, creations, posts
from core.notifications import notify_failed
from core.people import record_people
from core.reply_texts import reply_text_for
from core.scheduling.fair_queue import next_rank
from core.states import move
from core.usage import batched
from core.x import Post


def read_cursor(engine: Engine, name: str) -> PollCursor | None:
    """Return how far a source was read, or None before the first poll."""
    with Session(engine) as session:
        return session.get(PollCursor, name)


def create_cursor(engine: Engine, name: str, newest_id: int, *, min_id: int | None = None) -> PollCursor:
    """Create the cursor of a source. Posts older than its floor are never answered."""
    cursor = PollCursor(name=name, since_id=newest_id, min_id=newest_id if min_id is None else min_id)
    with write_session(engine) as session:
        session.add(cursor)
    return cursor


def filter_new(engine: Engine, fetched: Iterable[Post]) -> list[Post]:
    """Return the posts that are not stored yet, oldest first, one per root. `save_posts` checks again."""
    by_root = {post.root_id: post for post in sorted(fetched, key=lambda post: post.id)}
    with read_connection(engine) as connection:
        return _filter_unknown(connection, by_root.values())


def find_edited(engine: Engine, fetched: Iterable[Post]) -> list[tuple[Post, int]]:
    """Return newer versions of posts whose creation is still queued, each with the creation's id."""
    versions = {post.root_id: post for post in sorted(fetched, key=lambda post: post.id) if post.id != post.root_id}
    edited: list[tuple[Post, int]] = []
    with read_connection(engine) as connection:
        for roots in batched(versions):
            stmt = (
                select(posts.c.id, posts.c.root_id, posts.c.text, creations.c.id.label("creation_id"))
                .join(creations, creations.c.post_id == posts.c.id)
                .where(posts.c.root_id.in_(roots), creations.c.state == State.QUEUED.value)
            )
            for row in connection.execute(stmt):
                post = versions[row.root_id]
                if post.id > row.id and post.text != row.text:
                    edited.append((post, row.creation_id))
    return edited


def apply_edit(engine: Engine, post: Post, creation_id: int, decision: Decision) -> bool:
    """Update a queued creation to its edited post. Return False if it is not queued any more."""
    if decision.intent is None:
        return False
    with write_session(engine) as session:
        if decision.code == STOP:
            _execute_command(session, post.author.id, decision.intent)
            return True
        columns = _generation_columns(session, post, decision.intent)
        if decision.is_rejected:
            is_applied = _reject(session, post, creation_id, decision, columns)
        else:
            is_queued = (creations.c.id == creation_id, creations.c.state == State.QUEUED.value)
            result = session.execute(creations.update().where(*is_queued).values(**columns))
            is_applied = result.rowcount == 1  # type: ignore[attr-defined]  # an UPDATE's result always has it
        if is_applied:
            session.execute(posts.update().where(posts.c.root_id == post.root_id).values(text=post.text))
    return is_applied


def save_posts(engine: Engine, decisions: Decisions, *, cursors: Mapping[str, int], polled_at: datetime) -> list[int]:
    """Save posts, users, creations and cursors, all or nothing. Return the ids of new queued creations.

    cursors: the newest post id that was read, by source.
    """
    with write_session(engine) as session:
        by_post_id = {post.id: decision for post, decision in decisions}
        new = _filter_unknown(session.connection(), [post for post, _ in decisions])
        record_people(session, [post.author for post in new if by_post_id[post.id].store_post])
        # Creation numbers that earlier replies on X name are taken first.
        answered_ids = reply_reconciliation.find_already_answered(session.connection(), new)
        new.sort(key=lambda post: post.id not in answered_ids)
        created = [_save_post(session, post, by_post_id[post.id]) for post in new]
        for name, newest_id in cursors.items():
            cursor = session.get_one(PollCursor, name)
            cursor.since_id = max(cursor.since_id, newest_id)
            cursor.polled_at = polled_at
            session.add(cursor)
        session.flush()
        return [row.id for row in created if row and row.id and row.state == State.QUEUED]


def _execute_command(session: Session, user_id: int, intent: Intent) -> None:
    """Execute stop, start or delete. It runs in the transaction that saves the post, so it happens exactly once."""
    if intent.action == STOP:
        opt_out(session, user_id)
    if intent.action == START:
        opt_in(session, user_id)
    if intent.action == DELETE and intent.target:
        soft_delete_creations(session, [intent.target.creation_id], "deleted")


def _reject(session: Session, post: Post, creation_id: int, decision: Decision, columns: dict[str, Any]) -> bool:
    reply_text = reply_text_for(decision.code, creation_id) if decision.reply_with_text else None
    reply: dict[str, Any] = {"reply_text": reply_text, "next_attempt_at": now() if reply_text else None, "attempts": 0}
    values = {"reason_code": decision.code} | reply | columns
    is_moved = bool(move(session, creation_id, State.QUEUED, State.REFUSED, **values))
    if is_moved:
        notify_failed(session, post.author.id, creation_id, decision.code)
    return is_moved


def _filter_unknown(connection: Connection, fetched: Iterable[Post]) -> list[Post]:
    """Return the posts of which neither id nor root is stored."""
    candidates = list(fetched)
    known = _known_ids(connection, {post_id for post in candidates for post_id in (post.id, post.root_id)})
    return [post for post in candidates if not {post.id, post.root_id} & known]


def _known_ids(connection: Connection, post_ids: Collection[int]) -> set[int]:
    known: set[int] = set()
    for ids in batched(post_ids):
        stmt = select(posts.c.id, posts.c.root_id).where(or_(posts.c.id.in_(ids), posts.c.root_id.in_(ids)))
        known.update(post_id for row in connection.execute(stmt) for post_id in row)
    return known


def _save_post(session: Session, post: Post, decision: Decision) -> Creation | None:
    if not decision.store_post:
        return None
    _insert_post(session, post, decision)
    if decision.intent and decision.intent.action == decision.code:
        _execute_command(session, post.author.id, decision.intent)
    return _insert_creation(session, post, decision) if decision.create_creation else None


def _insert_post(session: Session, post: Post, decision: Decision) -> None:
    session.add(
        PostRow(
            id=post.id,
            root_id=post.root_id,
            author_id=post.author.id,
            text=post.text,
            conversation_id=post.conversation_id,
            in_reply_to_id=post.in_reply_to_id,
            quoted_id=post.quoted_id,
            reply_settings=post.reply_settings,
            classification=decision.code,
            mention_type=decision.intent.mention_type if decision.intent else EXPLICIT,
            created_at=post.created_at,
        )
    )
    session.flush()


def _insert_creation(session: Session, post: Post, decision: Decision) -> Creation:
    intent = decision.intent or Intent("", EXPLICIT)
    has_work = decision.reply_with_text or not decision.is_rejected
    creation = Creation(
        post_id=post.id,
        person_id=post.author.id,
        state=State.REFUSED if decision.is_rejected else State.QUEUED,
        reason_code=decision.code if decision.is_rejected else None,
        next_attempt_at=now() if has_work else None,
        # Without work it takes no rank: it would delay the user's next creation.
        queue_rank=next_rank(session.connection(), post.author.id) if has_work else 0,
        **_generation_columns(session, post, intent),
    )
    if earlier := reply_reconciliation.find_earlier_reply(session, post):
        _copy_earlier_reply(session, creation, earlier)
    session.add(creation)
    session.flush()
    if decision.reply_with_text and creation.id:
        creation.reply_text = reply_text_for(decision.code, creation.id)
        session.flush()
    if decision.is_rejected and intent.action in GENERATING_ACTIONS and creation.id:
        notify_failed(session, post.author.id, creation.id, decision.code)
    return creation


def _copy_earlier_reply(session: Session, creation: Creation, earlier: Row[Any]) -> None:
    """Reuse seed and number of a creation that was replied to before a restore: it is painted again, not replied to."""
    creation.reply_post_id = earlier.reply_post_id
    if earlier.seed is not None:
        creation.seed = earlier.seed
    if earlier.number and session.get(Creation, earlier.number) is None:
        creation.id = earlier.number


def _generation_columns(session: Session, post: Post, intent: Intent) -> dict[str, Any]:
    """Return the columns with the generation parameters."""
    options = intent.options
    return {
        "prompt": intent.prompt,
        "negative_prompt": options.negative or "",
        "count": options.count or 1,
        "aspect_ratio": options.aspect_ratio,
        "seed": random_seed() if options.seed is None else options.seed,
        "steps": options.steps,
        "style": options.style,
        "option_corrections": json.dumps(options.corrections) if options.corrections else None,
        "parent_id": intent.target.creation_id if intent.target and intent.prompt and intent.action != PAINT else None,
        **init_image_of(session.connection(), post, intent),
    }
