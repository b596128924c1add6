"""Members are told once of each thing that others did; nobody else is told of anything."""

from datetime import timedelta

from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import reading, transaction
from core.models import Kind, notifications
from core.notifying import KEPT, forget_old, notify
from tests.support.rows import make_person


def tell(engine: Engine, person_id: int, key: str = "liked:1:2", **values) -> bool:
    with transaction(engine) as session:
        return notify(session, person_id, Kind.LIKED, key=key, **values)


def test_a_member_is_told_once(engine: Engine) -> None:
    ada, bob = make_person(engine, member_since=now()), make_person(engine)
    assert tell(engine, ada, actor_id=bob) is True
    assert tell(engine, ada, actor_id=bob) is False
    with reading(engine) as connection:
        row = connection.execute(select(notifications)).one()
    assert (row.person_id, row.kind, row.actor_id, row.read_at) == (ada, "liked", bob, None)


def test_who_never_signed_in_is_not_told(engine: Engine) -> None:
    assert tell(engine, make_person(engine)) is False


def test_nobody_is_told_of_what_they_did_themselves(engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    assert tell(engine, ada, actor_id=ada) is False


def test_what_is_older_than_three_months_goes_and_the_rest_stays(engine: Engine) -> None:
    ada, bob = make_person(engine, member_since=now()), make_person(engine)
    for key in ("old", "new"):
        tell(engine, ada, key=key, actor_id=bob)
    with transaction(engine) as session:
        long_ago = now() - KEPT - timedelta(minutes=1)
        session.execute(update(notifications).where(notifications.c.key == "old").values(at=long_ago))
    with transaction(engine) as session:
        assert forget_old(session) == 1
    with reading(engine) as connection:
        assert connection.execute(select(notifications.c.key)).scalars().all() == ["new"]
