"""Reads the bot's own posts since the newest reply known here, and writes down what was answered.

    own posts since | replies to others | marked at their creations, or kept for posts not heard yet | the gate opens

All of it is one transaction: killed anywhere, the next start does it again. `core/reply_gate.py` says when it is due.
Posts that are no replies to others are parts of an announcement: `bot/announcing.py` finds them before posting again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, func, or_, select, text, update
from sqlmodel import Session

from core.clock import now
from core.database import insert_into, reading, transaction
from core.errors import HouseError
from core.logs import get_logger
from core.models import Announced, Cursor, State, creations, cursors, earlier_replies, ledger
from core.money.prices import ALT_TEXT
from core.reply_gate import REPLIES, ReplyGate, newest_reply
from core.reply_numbers import numbers_in, seed_in
from core.reply_texts import is_wait_notice
from core.standing import some
from core.x import Post, XClient

log = get_logger(__name__)

# A number that is further from ours than this is no number of a creation.
BELIEVABLE = 1_000_000
OWN = "own:"


@dataclass(frozen=True)
class Found:
    """What was read: replies found, creations marked as answered, replies kept for posts that are not known here."""

    replies: int
    marked: int
    kept: int
    complete: bool


def reconcile(x: XClient, gate: ReplyGate, my_id: int) -> Found:
    """Read own posts, write down what was answered, and open the gate. Raises TryLater and GiveUp as X's client does.

    Raises:
        TryLater: X, or the queue, is away. The gate stays as it is.
        HouseError: the database is empty.
    """
    with reading(gate.engine) as connection:
        since = _read_until(connection)
    if not since:
        raise HouseError("this database has never listened to X: there is nothing to compare")
    own = x.own_posts_since(my_id, since_id=since)
    replies = [post for post in own.posts if post.in_reply_to_id and post.in_reply_to_person_id != my_id]
    for reply, is_paid in _with_alt_texts_paid(gate.engine, replies):
        x.charge_found(reply, alt_texts=not is_paid)
    found = _write(gate.engine, own.posts, replies, since=since, complete=own.complete)
    with reading(gate.engine) as connection:
        gate.pace.remember_reply(newest_reply(connection), anew=True)
    if found.replies:
        log.warning("replies found on X that were not known here", **vars(found))
    if not own.complete:
        log.error("X shows no older own posts; replies to older posts are looked for one by one", since=since)
    return found


def _read_until(connection: Connection) -> int:
    """The id of the newest own post that is known here: what is newer was posted after the backup was made."""
    known = [
        newest_reply(connection),
        connection.execute(select(func.max(earlier_replies.c.reply_post_id))).scalar(),
        connection.execute(select(cursors.c.since_id).where(cursors.c.name == REPLIES)).scalar(),
        # Nothing older than the first start was ever answered.
        connection.execute(select(func.min(cursors.c.floor_id)).where(cursors.c.name == "mentions")).scalar(),
    ]
    return max(int(one or 0) for one in known)


def _with_alt_texts_paid(engine: Engine, replies: Sequence[Post]) -> Iterator[tuple[Post, bool]]:
    """Each reply, and whether alt texts of a creation under its post are in the ledger already."""
    posts = {reply.in_reply_to_id or 0 for reply in replies}
    paid: set[int] = set()
    asked = func.coalesce(creations.c.post_id, creations.c.answers_post_id)
    with reading(engine) as connection:
        for ids in some(posts):
            wanted = select(asked).join(ledger, ledger.c.creation_id == creations.c.id)
            under = or_(creations.c.post_id.in_(ids), creations.c.answers_post_id.in_(ids))
            paid.update(connection.execute(wanted.where(under, ledger.c.item == ALT_TEXT)).scalars())
    for reply in replies:
        yield reply, reply.in_reply_to_id in paid


def _write(engine: Engine, own: Sequence[Post], replies: Sequence[Post], *, since: int, complete: bool) -> Found:
    newest = max((post.id for post in own), default=since)
    oldest = min((post.id for post in own), default=0)
    with transaction(engine) as session:
        marked, kept = _write_replies(session, replies)
        for post in own:
            if post not in replies:
                session.merge(Announced(key=f"{OWN}{post.id}", since_id=post.id, post_id=post.id))
        _spare_numbers(session, (number for post in replies for number in numbers_in(post.text)))
        gate = session.get(Cursor, REPLIES) or Cursor(name=REPLIES, since_id=0, floor_id=0)
        gate.since_id, gate.polled_at = newest, now()
        gate.floor_id = gate.floor_id if complete else max(gate.floor_id, oldest)
        session.add(gate)
    return Found(len(replies), marked, kept, complete)


def _write_replies(session: Session, replies: Iterable[Post]) -> tuple[int, int]:
    """Each reply at the creation that it names, else at the one that waits under its post, else kept for the post."""
    marked = kept = 0
    # A post may have a reply with its picture and others in words: the picture counts.
    in_order = sorted(replies, key=lambda post: (not post.media, post.id))
    under = _creations_under(session.connection(), {post.in_reply_to_id or 0 for post in in_order})
    for reply in in_order:
        there = under.get(reply.in_reply_to_id or 0, [])
        if any(row["reply_post_id"] == reply.id for row in there):
            continue
        if row := _meant(there, reply):
            row["reply_post_id"] = reply.id
            marked += _mark(session, row["id"], reply)
        elif not any(row["asked_here"] for row in there) and not is_wait_notice(reply.text):
            kept += _keep(session, reply)
    return marked, kept


def _meant(there: list[dict[str, Any]], reply: Post) -> dict[str, Any] | None:
    """The creation that a reply belongs to. One that names none may be of any; in doubt it is answered."""
    waiting = [row for row in there if row["reply_post_id"] is None]
    numbers = numbers_in(reply.text)
    return next((row for row in waiting if not numbers or row["id"] in numbers), None)


def _creations_under(connection: Connection, post_ids: Iterable[int]) -> Mapping[int, list[dict[str, Any]]]:
    """The creations that replies to these posts may belong to: those that asked there, and those of the gallery."""
    under: dict[int, list[dict[str, Any]]] = {}
    columns = (creations.c.id, creations.c.post_id, creations.c.answers_post_id, creations.c.reply_post_id)
    for ids in some(list(post_ids)):
        wanted = select(*columns).where(or_(creations.c.post_id.in_(ids), creations.c.answers_post_id.in_(ids)))
        for row in connection.execute(wanted.order_by(creations.c.id)):
            one = {"id": row.id, "reply_post_id": row.reply_post_id, "asked_here": row.post_id is not None}
            under.setdefault(row.post_id or row.answers_post_id, []).append(one)
    return under


def _mark(session: Session, creation_id: int, reply: Post) -> int:
    """Its own step finds the reply and moves the state: whatever state it is in, nothing is posted any more."""
    mine = (creations.c.id == creation_id, creations.c.reply_post_id.is_(None))
    session.execute(update(creations).where(*mine).values(reply_post_id=reply.id))
    resting = (creations.c.id == creation_id, creations.c.next_attempt_at.is_(None))
    ended = creations.c.state.in_([State.PAINTED.value, State.REFUSED.value])
    session.execute(update(creations).where(*resting, ended).values(next_attempt_at=now()))
    return 1


def _keep(session: Session, reply: Post) -> int:
    number = next(iter(numbers_in(reply.text)), None)
    values = {"post_id": reply.in_reply_to_id, "reply_post_id": reply.id, "number": number, "found_at": now()}
    values |= {"seed": seed_in(reply.text)}
    statement = insert_into(session.connection(), earlier_replies).values(values).on_conflict_do_nothing()
    return session.execute(statement.returning(earlier_replies.c.post_id)).first() is not None


def _spare_numbers(session: Session, numbers: Iterable[int]) -> None:
    """Numbers that replies on X name stay with their posts. (SQLite counts on from the largest id that is there.)"""
    connection = session.connection()
    largest = int(connection.execute(select(func.max(creations.c.id))).scalar() or 0)
    named = max((number for number in numbers if number < largest + BELIEVABLE), default=0)
    if named > largest and connection.dialect.name == "postgresql":
        connection.execute(text("SELECT setval(pg_get_serial_sequence('creation', 'id'), :named)"), {"named": named})


def earlier_reply(session: Session, post: Post) -> Any:
    """The reply of ours to a post, from before the database was restored; None if there is none."""
    wanted = select(earlier_replies).where(earlier_replies.c.post_id.in_({post.id, post.root_id}))
    return session.execute(wanted.order_by(earlier_replies.c.reply_post_id).limit(1)).first()


def answered_before(connection: Connection, heard: Iterable[Post]) -> set[int]:
    """Ids of those posts that have a reply of ours from before the database was restored."""
    versions = {number: post.id for post in heard for number in (post.id, post.root_id)}
    found: set[int] = set()
    for ids in some(list(versions)):
        wanted = select(earlier_replies.c.post_id).where(earlier_replies.c.post_id.in_(ids))
        found |= {versions[number] for number in connection.execute(wanted).scalars()}
    return found
