"""Members are notified once of each action of others; other users are not notified."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import read_connection, write_session
from core.models import NotificationKind, notifications
from core.notifications import RETENTION, notify, prune_old
from tests.support.rows import make_person


def notify_liked(engine: Engine, person_id: int, key: str = "liked:1:2", **values: Any) -> bool:
    with write_session(engine) as session:
        return notify(session, person_id, NotificationKind.LIKED, key=key, **values)


def test_a_member_is_notified_once(engine: Engine) -> None:
    ada, bob = make_person(engine, member_since=now()), make_person(engine)
    assert notify_liked(engine, ada, actor_id=bob) is True
    assert notify_liked(engine, ada, actor_id=bob) is False
    with read_connection(engine) as connection:
        row = connection.execute(select(notifications)).one()
    assert (row.person_id, row.kind, row.actor_id, row.read_at) == (ada, "liked", bob, None)


def test_a_user_who_never_signed_in_is_not_notified(engine: Engine) -> None:
    assert notify_liked(engine, make_person(engine)) is False


def test_own_actions_cause_no_notification(engine: Engine) -> None:
    ada = make_person(engine, member_since=now())
    assert notify_liked(engine, ada, actor_id=ada) is False


def test_notifications_are_pruned_after_three_months(engine: Engine) -> None:
    ada, bob = make_person(engine, member_since=now()), make_person(engine)
    for key in ("old", "new"):
        notify_liked(engine, ada, key=key, actor_id=bob)
    with write_session(engine) as session:
        long_ago = now() - RETENTION - timedelta(minutes=1)
        session.execute(update(notifications).where(notifications.c.key == "old").values(at=long_ago))
    with write_session(engine) as session:
        assert prune_old(session) == 1
    with read_connection(engine) as connection:
        assert connection.execute(select(notifications.c.key)).scalars().all() == ["new"]
