"""Writes down what the bot heard: people, posts, creations and the cursor, in one transaction. Knows no X call.

Whatever was read twice (overlap, two sources, an edit, a second poller) is written once: a post is known by its id and
by its root, the id before any edit, since X does not always tell the root.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Engine, or_, select
from sqlmodel import Session

from bot.rules import Verdict
from core.clock import now
from core.database import reading, transaction
from core.models import Creation, Cursor, Person, State, posts
from core.models import Post as PostRow
from core.x import Author, Post

SEEDS = 2**31
# Bound variables per query: SQLite allows 32,766, PostgreSQL 65,535.
ASK_AT_ONCE = 5_000


def read_cursor(engine: Engine, name: str) -> Cursor | None:
    """How far a source was read, or None before the first look."""
    with Session(engine) as session:
        return session.get(Cursor, name)


def begin(engine: Engine, name: str, newest_id: int) -> Cursor:
    """Put the cursor of a source to where it first begins. Nothing older is ever answered."""
    cursor = Cursor(name=name, since_id=newest_id, floor_id=newest_id)
    with transaction(engine) as session:
        session.add(cursor)
    return cursor


def unknown(engine: Engine, heard: Iterable[Post]) -> list[Post]:
    """Those not written down yet, oldest first, one per root. A first sieve only: `write_down` looks again."""
    by_root = {post.root_id: post for post in sorted(heard, key=lambda post: post.id)}
    with reading(engine) as connection:
        return _new(connection, by_root.values())


def write_down(
    engine: Engine, name: str, heard: list[tuple[Post, Verdict]], *, newest_id: int, polled_at: datetime
) -> list[int]:
    """Write posts, people, creations and the cursor, all or nothing. Returns the new creations to paint."""
    with transaction(engine) as session:
        verdicts = {post.id: verdict for post, verdict in heard}
        new = _new(session.connection(), [post for post, _ in heard])
        created = [_write(session, post, verdicts[post.id]) for post in new]
        cursor = session.get_one(Cursor, name)
        cursor.since_id = max(cursor.since_id, newest_id)
        cursor.polled_at = polled_at
        session.add(cursor)
        session.flush()
        return [row.id for row in created if row and row.id and row.state == State.QUEUED]


def _new(connection: Connection, heard: Iterable[Post]) -> list[Post]:
    """Those of which neither id nor root is written down."""
    asked = list(heard)
    wanted = list({number for post in asked for number in (post.id, post.root_id)})
    known: set[int] = set()
    for start in range(0, len(wanted), ASK_AT_ONCE):
        some = wanted[start : start + ASK_AT_ONCE]
        found = connection.execute(
            select(posts.c.id, posts.c.root_id).where(or_(posts.c.id.in_(some), posts.c.root_id.in_(some)))
        )
        known.update(number for row in found for number in row)
    return [post for post in asked if not {post.id, post.root_id} & known]


def _write(session: Session, post: Post, verdict: Verdict) -> Creation | None:
    if not verdict.kept:
        return None
    _write_person(session, post.author)
    session.add(
        PostRow(
            id=post.id,
            root_id=post.root_id,
            author_id=post.author.id,
            text=post.text,
            conversation_id=post.conversation_id,
            in_reply_to_id=post.in_reply_to_id,
            verdict=verdict.code,
            created_at=post.created_at,
        )
    )
    session.flush()
    return _write_creation(session, post, verdict) if verdict.asked else None


def _write_person(session: Session, author: Author) -> None:
    person = session.get(Person, author.id)
    if person is None:
        person = Person(id=author.id, username=str(author.id), handle=str(author.id), name="somebody")
    if author.username:  # X does not always send the person with the post
        person.username, person.handle, person.name = author.username, author.username.lower(), author.name
    session.add(person)
    session.flush()


def _write_creation(session: Session, post: Post, verdict: Verdict) -> Creation:
    creation = Creation(
        post_id=post.id,
        person_id=post.author.id,
        prompt=verdict.prompt,
        seed=secrets.randbelow(SEEDS),
        state=State.REFUSED if verdict.refused else State.QUEUED,
        code=verdict.code if verdict.refused else None,
        next_attempt_at=None if verdict.refused else now(),
    )
    session.add(creation)
    session.flush()
    return creation
