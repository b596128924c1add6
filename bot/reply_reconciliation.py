"""Read the bot's own posts since the newest known reply, and mark the creations that were answered.

    own posts | replies to others | mark their creations, or store them for posts not read yet | open the reply gate

All of it is one transaction: after a crash the next start repeats it. `core/reply_gate.py` decides when it is due.
Own posts that are no replies to others belong to an announcement: `bot/announcement.py` looks for them first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, or_, select, text, update
from sqlmodel import Session

from core.budget.prices import ALT_TEXT
from core.clock import now
from core.database import insert_into, read_connection, write_session
from core.errors import ThreadpaintError
from core.logs import get_logger
from core.models import AnnouncementPost, PollCursor, State, creations, cursors, earlier_replies, ledger
from core.reply_gate import REPLIES, ReplyGate, newest_reply_id
from core.reply_numbers import parse_numbers, parse_seed
from core.reply_texts import is_wait_notice
from core.usage import batched
from core.x import Post, XClient

log = get_logger(__name__)

# A number further above the newest creation than this is not the number of a creation.
MAX_NUMBER_GAP = 1_000_000
OWN_POST_PREFIX = "own:"


@dataclass(frozen=True)
class ReconcileResult:
    """Replies that were unknown here: some mark their creation, the others are stored for posts not read yet."""

    replies: int
    marked: int
    stored: int
    complete: bool


@dataclass
class _Candidate:
    """A creation that a reply may belong to."""

    creation_id: int
    reply_post_id: int | None
    is_from_post: bool


def reconcile(x: XClient, gate: ReplyGate, my_id: int) -> ReconcileResult:
    """Read own posts, mark what was answered, and open the gate. Raise TryLater and GiveUp as X's client does.

    Raises:
        TryLater: X or the queue is unavailable. The gate stays as it is.
        ThreadpaintError: the database is empty.
    """
    with read_connection(gate.engine) as connection:
        since = _newest_known_own_post(connection)
    if not since:
        raise ThreadpaintError("this database has never polled X: there is nothing to compare")
    own = x.get_all_own_posts(my_id, since_id=since)
    replies = [post for post in own.posts if post.in_reply_to_id and post.in_reply_to_person_id != my_id]
    for reply, is_paid in _with_alt_text_charges(gate.engine, replies):
        x.record_found_reply(reply, alt_texts=not is_paid)
    result = _save(gate.engine, own.posts, replies, since=since, complete=own.complete)
    with read_connection(gate.engine) as connection:
        gate.rate_limiter.remember_reply(newest_reply_id(connection), overwrite=True)
    if result.replies:
        log.warning("unknown replies found on X", **asdict(result))
    if not own.complete:
        log.error("X shows no older own posts; replies to older posts are looked up one by one", since=since)
    return result


def _newest_known_own_post(connection: Connection) -> int:
    """Return the newest own post id known here: newer ones were posted after the backup was made."""
    candidates = [
        newest_reply_id(connection),
        connection.execute(select(func.max(earlier_replies.c.reply_post_id))).scalar(),
        connection.execute(select(cursors.c.since_id).where(cursors.c.name == REPLIES)).scalar(),
        # Nothing older than the first start was ever answered.
        connection.execute(select(func.min(cursors.c.min_id)).where(cursors.c.name == "mentions")).scalar(),
    ]
    return max(int(post_id or 0) for post_id in candidates)


def _with_alt_text_charges(engine: Engine, replies: Sequence[Post]) -> Iterator[tuple[Post, bool]]:
    """Yield each reply, and whether the ledger has alt texts for a creation under the same post."""
    answered_ids = {reply.in_reply_to_id or 0 for reply in replies}
    charged: set[int] = set()
    answered_id = func.coalesce(creations.c.post_id, creations.c.reply_to_post_id)
    with read_connection(engine) as connection:
        for ids in batched(answered_ids):
            stmt = select(answered_id).join(ledger, ledger.c.creation_id == creations.c.id)
            is_under = or_(creations.c.post_id.in_(ids), creations.c.reply_to_post_id.in_(ids))
            charged.update(connection.execute(stmt.where(is_under, ledger.c.item == ALT_TEXT)).scalars())
    for reply in replies:
        yield reply, reply.in_reply_to_id in charged


def _save(
    engine: Engine, own: Sequence[Post], replies: Sequence[Post], *, since: int, complete: bool
) -> ReconcileResult:
    newest = max((post.id for post in own), default=since)
    oldest = min((post.id for post in own), default=0)
    with write_session(engine) as session:
        marked, stored = _save_replies(session, replies)
        for post in own:
            if post not in replies:
                session.merge(AnnouncementPost(key=f"{OWN_POST_PREFIX}{post.id}", since_id=post.id, post_id=post.id))
        _reserve_numbers(session, (number for post in replies for number in parse_numbers(post.text)))
        cursor = session.get(PollCursor, REPLIES) or PollCursor(name=REPLIES, since_id=0, min_id=0)
        cursor.since_id, cursor.polled_at = newest, now()
        cursor.min_id = cursor.min_id if complete else max(cursor.min_id, oldest)
        session.add(cursor)
    return ReconcileResult(len(replies), marked, stored, complete)


def _save_replies(session: Session, replies: Iterable[Post]) -> tuple[int, int]:
    """Mark the creation that each reply names, else one that waits under its post; else store the reply."""
    marked = stored = 0
    # A post may have a reply with its picture and text replies: the picture counts.
    in_order = sorted(replies, key=lambda post: (not post.media, post.id))
    by_post = _candidates_by_post(session.connection(), {post.in_reply_to_id or 0 for post in in_order})
    for reply in in_order:
        candidates = by_post.get(reply.in_reply_to_id or 0, [])
        if any(candidate.reply_post_id == reply.id for candidate in candidates):
            continue
        if match := _matching_candidate(candidates, reply):
            match.reply_post_id = reply.id
            _mark_replied(session, match.creation_id, reply)
            marked += 1
        elif not any(candidate.is_from_post for candidate in candidates) and not is_wait_notice(reply.text):
            stored += _store_earlier_reply(session, reply)
    return marked, stored


def _matching_candidate(candidates: list[_Candidate], reply: Post) -> _Candidate | None:
    """Return the unanswered creation that a reply names; if the reply names none, the first one."""
    numbers = parse_numbers(reply.text)
    unanswered = (candidate for candidate in candidates if candidate.reply_post_id is None)
    return next((candidate for candidate in unanswered if not numbers or candidate.creation_id in numbers), None)


def _candidates_by_post(connection: Connection, post_ids: Iterable[int]) -> Mapping[int, list[_Candidate]]:
    """Return the creations of these posts, and the gallery's creations that reply to them."""
    by_post: dict[int, list[_Candidate]] = {}
    columns = (creations.c.id, creations.c.post_id, creations.c.reply_to_post_id, creations.c.reply_post_id)
    for ids in batched(list(post_ids)):
        stmt = select(*columns).where(or_(creations.c.post_id.in_(ids), creations.c.reply_to_post_id.in_(ids)))
        for row in connection.execute(stmt.order_by(creations.c.id)):
            candidate = _Candidate(row.id, row.reply_post_id, is_from_post=row.post_id is not None)
            by_post.setdefault(row.post_id or row.reply_to_post_id, []).append(candidate)
    return by_post


def _mark_replied(session: Session, creation_id: int, reply: Post) -> None:
    """Set the reply. The worker's own step then finds it and moves the state, and posts nothing any more."""
    is_unmarked = (creations.c.id == creation_id, creations.c.reply_post_id.is_(None))
    session.execute(update(creations).where(*is_unmarked).values(reply_post_id=reply.id))
    is_idle = (creations.c.id == creation_id, creations.c.next_attempt_at.is_(None))
    has_ended = creations.c.state.in_([State.PAINTED.value, State.REFUSED.value])
    session.execute(update(creations).where(*is_idle, has_ended).values(next_attempt_at=now()))


def _store_earlier_reply(session: Session, reply: Post) -> bool:
    number = next(iter(parse_numbers(reply.text)), None)
    values = {"post_id": reply.in_reply_to_id, "reply_post_id": reply.id, "number": number, "found_at": now()}
    values |= {"seed": parse_seed(reply.text)}
    stmt = insert_into(session.connection(), earlier_replies).values(values).on_conflict_do_nothing()
    return session.execute(stmt.returning(earlier_replies.c.post_id)).first() is not None


def _reserve_numbers(session: Session, numbers: Iterable[int]) -> None:
    """Keep new creations from taking numbers that replies on X name. (SQLite continues from the largest stored id.)"""
    connection = session.connection()
    largest = int(connection.execute(select(func.max(creations.c.id))).scalar() or 0)
    named = max((number for number in numbers if number < largest + MAX_NUMBER_GAP), default=0)
    if named > largest and connection.dialect.name == "postgresql":
        connection.execute(text("SELECT setval(pg_get_serial_sequence('creation', 'id'), :named)"), {"named": named})


def find_earlier_reply(session: Session, post: Post) -> Row[Any] | None:
    """Return the bot's reply to a post from before the database was restored, or None."""
    stmt = select(earlier_replies).where(earlier_replies.c.post_id.in_({post.id, post.root_id}))
    return session.execute(stmt.order_by(earlier_replies.c.reply_post_id).limit(1)).first()


def find_already_answered(connection: Connection, posts: Iterable[Post]) -> set[int]:
    """Return the ids of the posts that the bot replied to before the database was restored."""
    by_version = {version_id: post.id for post in posts for version_id in (post.id, post.root_id)}
    answered: set[int] = set()
    for ids in batched(list(by_version)):
        stmt = select(earlier_replies.c.post_id).where(earlier_replies.c.post_id.in_(ids))
        answered |= {by_version[version_id] for version_id in connection.execute(stmt).scalars()}
    return answered
