"""Add rows for tests: each function takes only the columns that matter to the test."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from sqlalchemy import Engine, insert
from sqlmodel import Session

from core.clock import now
from core.database import write_session
from core.models import Creation, Person, Picture, PostRow, State, creations

_ids = count(1_900_000_000_000_000_000)


def make_person(engine: Engine, **values: Any) -> int:
    """Add a user. Return the id."""
    with write_session(engine) as session:
        return _add_person(session, **values)


def make_post(engine: Engine, **values: Any) -> int:
    """Add a post with a prompt. Return the id."""
    with write_session(engine) as session:
        return _add_post(session, **values)


def make_creation(engine: Engine, **values: Any) -> int:
    """Add a creation, queued by default. Return the id. values: as in `_add_creation`."""
    with write_session(engine) as session:
        return _add_creation(session, **values)


def make_painted(engine: Engine, prompts: Sequence[str]) -> list[int]:
    """Add a painted creation with a picture for each prompt, all of one user. Return the ids in this order."""
    shared = {"seed": 42, "person_id": make_person(engine), "state": State.PAINTED, "painted_at": now()}
    rows = [{**shared, "prompt": prompt, "next_attempt_at": now()} for prompt in prompts]
    returning = insert(Creation).returning(creations.c.id, sort_by_parameter_order=True)
    with write_session(engine) as session:
        ids = [int(creation_id) for creation_id in session.execute(returning, rows).scalars()]
        session.add_all(_picture(creation_id, 0) for creation_id in ids)
    return ids


def make_creations(
    engine: Engine, number: int, *, with_posts: bool = False, with_pictures: bool = False, **values: Any
) -> None:
    """Add many creations of one user, queued by default, in the order of their rank."""
    author = make_person(engine)
    post_ids = [next(_ids) if with_posts else None for _ in range(number)]
    shared = {"prompt": "a fox", "seed": 42, "next_attempt_at": now(), "person_id": author} | values
    asked = {"author_id": author, "text": "@threadpaint a fox", "classification": "prompt", "created_at": now()}
    with write_session(engine) as session:
        if with_posts:
            session.execute(insert(PostRow), [{**asked, "id": post_id, "root_id": post_id} for post_id in post_ids])
        rows = [{**shared, "post_id": post_id, "queue_rank": rank} for rank, post_id in enumerate(post_ids)]
        ids = session.execute(insert(Creation).returning(creations.c.id), rows).scalars().all()
        if with_pictures:
            session.add_all(
                _picture(number, 0, key=f"ab/{number:030}.webp", thumb_key=f"cd/{number:030}.webp") for number in ids
            )


def make_due(engine: Engine) -> None:
    """End every backoff and lease."""
    with write_session(engine) as session:
        session.execute(
            creations.update().where(creations.c.next_attempt_at.is_not(None)).values(next_attempt_at=now())
        )


def read_creation(engine: Engine, creation_id: int) -> Creation:
    """Return the current row."""
    with Session(engine) as session:
        return session.get_one(Creation, creation_id)


def _add_person(session: Session, **values: Any) -> int:
    person_id = values.pop("id", None) or next(_ids)
    username = values.pop("username", f"p{person_id % 10_000_000}")
    named = {"username": username, "handle": username.lower(), "name": values.pop("name", "Ada")}
    session.add(Person(id=person_id, **named, **{"handle_seen_at": now(), **values}))
    session.flush()
    return int(person_id)


def _add_post(session: Session, **values: Any) -> int:
    post_id = values.pop("id", None) or next(_ids)
    author_id = values.pop("author_id", None) or _add_person(session)
    filled: dict[str, Any] = {
        "text": "@threadpaint a fox",
        "classification": "prompt",
        "created_at": now(),
        "root_id": post_id,
    } | values
    session.add(PostRow(id=post_id, author_id=author_id, **filled))
    session.flush()
    return int(post_id)


def _add_creation(session: Session, *, pictures: int = 0, with_post: bool = True, **values: Any) -> int:
    person_id = values.pop("person_id", None) or _add_person(session)
    post_id = _add_post(session, author_id=person_id) if with_post else None
    filled: dict[str, Any] = {"prompt": "a fox", "seed": 42, "next_attempt_at": now(), "post_id": post_id} | values
    creation = Creation(person_id=person_id, **filled)
    session.add(creation)
    session.flush()
    assert creation.id is not None
    session.add_all(_picture(creation.id, position) for position in range(pictures))
    return creation.id


def _picture(
    creation_id: int, position: int, *, key: str = f"ab/{'0' * 30}.webp", thumb_key: str = f"ab/{'1' * 30}.webp"
) -> Picture:
    return Picture(
        creation_id=creation_id, position=position, seed=42 + position, width=64, height=64, mime="image/webp",
        size=9,
        key=key, thumb_key=thumb_key, thumb_width=64, thumb_height=64,
        placeholder="data:,",
    )  # fmt: skip
