"""Writes down what the bot heard: people, posts, creations and the cursors, in one transaction. Knows no X call.

Whatever was read twice (overlap, two sources, an edit, a second poller) is written once: a post is known by its id and
by its root, the id before any edit, since X does not always tell the root.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, or_, select
from sqlmodel import Session

from bot import deeds, reconciling
from bot.init_images import init_image_of
from bot.intent import EXPLICIT, GENERATING_ACTIONS, PAINT, STOP, Intent
from bot.judging import Judged
from bot.rules import Verdict
from core.clock import now
from core.database import reading, transaction
from core.line.turns import next_turn
from core.models import Creation, Cursor, State, creations, posts
from core.models import Post as PostRow
from core.notifying import tell_not_painted
from core.people import record_people
from core.reply_texts import words_for
from core.standing import some
from core.states import move
from core.wishes import any_seed
from core.x import Post


def read_cursor(engine: Engine, name: str) -> Cursor | None:
    """How far a source was read, or None before the first look."""
    with Session(engine) as session:
        return session.get(Cursor, name)


def begin(engine: Engine, name: str, newest_id: int, *, floor_id: int | None = None) -> Cursor:
    """Put the cursor of a source to where it first begins. What is older than its floor is never answered."""
    cursor = Cursor(name=name, since_id=newest_id, floor_id=newest_id if floor_id is None else floor_id)
    with transaction(engine) as session:
        session.add(cursor)
    return cursor


def unknown(engine: Engine, heard: Iterable[Post]) -> list[Post]:
    """Those not written down yet, oldest first, one per root. A first sieve only: `write_down` looks again."""
    by_root = {post.root_id: post for post in sorted(heard, key=lambda post: post.id)}
    with reading(engine) as connection:
        return _new(connection, by_root.values())


def edited(engine: Engine, heard: Iterable[Post]) -> list[tuple[Post, int]]:
    """Newer versions of posts whose creation still waits to be painted, and that creation."""
    versions = {post.root_id: post for post in sorted(heard, key=lambda post: post.id) if post.id != post.root_id}
    found: list[tuple[Post, int]] = []
    with reading(engine) as connection:
        for roots in some(versions):
            wanted = (
                select(posts.c.id, posts.c.root_id, posts.c.text, creations.c.id.label("creation_id"))
                .join(creations, creations.c.post_id == posts.c.id)
                .where(posts.c.root_id.in_(roots), creations.c.state == State.QUEUED.value)
            )
            for row in connection.execute(wanted):
                post = versions[row.root_id]
                if post.id > row.id and post.text != row.text:
                    found.append((post, row.creation_id))
    return found


def rewrite(engine: Engine, post: Post, creation_id: int, verdict: Verdict) -> bool:
    """Let a waiting creation follow its edited post. False where it does not wait any more."""
    if verdict.wish is None:
        return False
    with transaction(engine) as session:
        if verdict.code == STOP:
            deeds.do(session, post.author.id, verdict.wish)
            return True
        made_of = _made_of(session, post, verdict.wish)
        if verdict.refused:
            said = words_for(verdict.code, creation_id) if verdict.told else None
            reply: dict[str, Any] = {"says": said, "next_attempt_at": now() if said else None, "attempts": 0}
            values = {"code": verdict.code} | reply | made_of
            moved = move(session, creation_id, State.QUEUED, State.REFUSED, **values)
            if moved:
                tell_not_painted(session, post.author.id, creation_id, verdict.code)
        else:
            waits = (creations.c.id == creation_id, creations.c.state == State.QUEUED.value)
            found = session.execute(creations.update().where(*waits).values(**made_of))
            moved = found.rowcount == 1  # type: ignore[attr-defined]  # an UPDATE's result always has it
        if moved:
            session.execute(posts.update().where(posts.c.root_id == post.root_id).values(text=post.text))
    return bool(moved)


def write_down(engine: Engine, heard: Judged, *, read: Mapping[str, int], polled_at: datetime) -> list[int]:
    """Write posts, people, creations and the cursors, all or nothing. Returns the new creations to paint.

    read: for each source, the newest post that is read there.
    """
    with transaction(engine) as session:
        verdicts = {post.id: verdict for post, verdict in heard}
        new = _new(session.connection(), [post for post, _ in heard])
        record_people(session, [post.author for post in new if verdicts[post.id].kept])
        # Numbers that replies on X name are given again before others can take them.
        before = reconciling.answered_before(session.connection(), new)
        new.sort(key=lambda post: post.id not in before)
        created = [_write(session, post, verdicts[post.id]) for post in new]
        for name, newest_id in read.items():
            cursor = session.get_one(Cursor, name)
            cursor.since_id = max(cursor.since_id, newest_id)
            cursor.polled_at = polled_at
            session.add(cursor)
        session.flush()
        return [row.id for row in created if row and row.id and row.state == State.QUEUED]


def _new(connection: Connection, heard: Iterable[Post]) -> list[Post]:
    """Those of which neither id nor root is written down."""
    asked = list(heard)
    known = _known(connection, {number for post in asked for number in (post.id, post.root_id)})
    return [post for post in asked if not {post.id, post.root_id} & known]


def _known(connection: Connection, wanted: Collection[int]) -> set[int]:
    known: set[int] = set()
    for ids in some(wanted):
        found = connection.execute(
            select(posts.c.id, posts.c.root_id).where(or_(posts.c.id.in_(ids), posts.c.root_id.in_(ids)))
        )
        known.update(number for row in found for number in row)
    return known


def _write(session: Session, post: Post, verdict: Verdict) -> Creation | None:
    if not verdict.kept:
        return None
    _write_post(session, post, verdict)
    if verdict.wish and verdict.wish.action == verdict.code:
        deeds.do(session, post.author.id, verdict.wish)
    return _write_creation(session, post, verdict) if verdict.asked else None


def _write_post(session: Session, post: Post, verdict: Verdict) -> None:
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
            verdict=verdict.code,
            summons=verdict.wish.mention_type if verdict.wish else EXPLICIT,
            created_at=post.created_at,
        )
    )
    session.flush()


def _write_creation(session: Session, post: Post, verdict: Verdict) -> Creation:
    wish = verdict.wish or Intent("", EXPLICIT)
    waits = verdict.told or not verdict.refused
    creation = Creation(
        post_id=post.id,
        person_id=post.author.id,
        state=State.REFUSED if verdict.refused else State.QUEUED,
        code=verdict.code if verdict.refused else None,
        next_attempt_at=now() if waits else None,
        # Who waits for nothing takes no turn: it would put off the next one of the same person.
        turn=next_turn(session.connection(), post.author.id) if waits else 0,
        **_made_of(session, post, wish),
    )
    if earlier := reconciling.earlier_reply(session, post):
        _answered_before(session, creation, earlier)
    session.add(creation)
    session.flush()
    if verdict.told and creation.id:
        creation.says = words_for(verdict.code, creation.id)
        session.flush()
    if verdict.refused and wish.action in GENERATING_ACTIONS and creation.id:
        tell_not_painted(session, post.author.id, creation.id, verdict.code)
    return creation


def _answered_before(session: Session, creation: Creation, earlier: Any) -> None:
    """It was painted and replied to before the database was restored: painted again for the gallery, as alike as can
    be, and not replied to."""
    creation.reply_post_id = earlier.reply_post_id
    if earlier.seed is not None:
        creation.seed = earlier.seed
    if earlier.number and session.get(Creation, earlier.number) is None:
        creation.id = earlier.number


def _made_of(session: Session, post: Post, wish: Intent) -> dict[str, Any]:
    """The columns that say what is to be painted."""
    options = wish.options
    return {
        "prompt": wish.prompt,
        "negative_prompt": options.negative or "",
        "count": options.count or 1,
        "aspect_ratio": options.aspect_ratio,
        "seed": any_seed() if options.seed is None else options.seed,
        "steps": options.steps,
        "style": options.style,
        "option_corrections": json.dumps(options.corrections) if options.corrections else None,
        "parent_id": wish.target.creation_id if wish.target and wish.prompt and wish.action != PAINT else None,
        **init_image_of(session.connection(), post, wish),
    }
