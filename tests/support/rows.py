"""Rows for tests: each maker takes only what matters to the test."""

from itertools import count
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from core.clock import now
from core.database import transaction
from core.models import Creation, Person, Picture, Post, creations

_ids = count(1_900_000_000_000_000_000)


def make_person(engine: Engine, **values: Any) -> int:
    """A person; returns the id."""
    person_id = values.pop("id", None) or next(_ids)
    username = values.pop("username", f"p{person_id % 10_000_000}")
    named = {"username": username, "handle": username.lower(), "name": values.pop("name", "Ada")}
    person = Person(id=person_id, **named, **{"handle_seen_at": now(), **values})
    with transaction(engine) as session:
        session.add(person)
    return int(person_id)


def make_post(engine: Engine, **values: Any) -> int:
    """A post that asked; returns the id."""
    post_id = values.pop("id", None) or next(_ids)
    author_id = values.pop("author_id", None) or make_person(engine)
    filled = {"text": "@threadpaint a fox", "verdict": "prompt", "created_at": now(), "root_id": post_id} | values
    with transaction(engine) as session:
        session.add(Post(id=post_id, author_id=author_id, **filled))
    return int(post_id)


def make_creation(engine: Engine, *, pictures: int = 0, with_post: bool = True, **values: Any) -> int:
    """A creation waiting to be painted, unless told otherwise; returns the id."""
    person_id = values.pop("person_id", None) or make_person(engine)
    post_id = make_post(engine, author_id=person_id) if with_post else None
    filled: dict[str, Any] = {"prompt": "a fox", "seed": 42, "next_attempt_at": now(), "post_id": post_id} | values
    with transaction(engine) as session:
        creation = Creation(person_id=person_id, **filled)
        session.add(creation)
        session.flush()
        assert creation.id is not None
        for position in range(pictures):
            session.add(_picture(creation.id, position))
    return creation.id


def make_due(engine: Engine) -> None:
    """As if all pauses and leases had just run out."""
    with transaction(engine) as session:
        session.execute(
            creations.update().where(creations.c.next_attempt_at.is_not(None)).values(next_attempt_at=now())
        )


def read_creation(engine: Engine, creation_id: int) -> Creation:
    """The row as it is now."""
    with Session(engine) as session:
        return session.get_one(Creation, creation_id)


def _picture(creation_id: int, position: int) -> Picture:
    return Picture(
        creation_id=creation_id, position=position, seed=42 + position, width=64, height=64, mime="image/webp",
        size=9,
        key=f"ab/{'0' * 30}.webp", thumb_key=f"ab/{'1' * 30}.webp", thumb_width=64, thumb_height=64,
        placeholder="data:,",
    )  # fmt: skip
