"""Mute and unmute people and topics, and list what a member mutes."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, func, select, update

from core.clock import now
from core.database import insert_if_absent, retry_on_deadlock, write_session
from core.models import mutes, notifications, people
from core.mutes import MAX_MUTES, normalize_topic, style_of
from gallery.services.text_rules import text_error
from gallery.translations import gettext
from gallery.views.creations import UserView

MAX_TOPIC_LENGTH = 100


class MuteRejected(Exception):
    """Something that cannot be muted, with the reason for the member."""


@dataclass(frozen=True, slots=True)
class MuteView:
    """One thing that a member mutes: a person, or a topic."""

    id: int
    person: UserView | None
    topic: str

    @property
    def style(self) -> str:
        """Return the style if the topic names one."""
        return style_of(self.topic)


@retry_on_deadlock
def mute_person(engine: Engine, member_id: int, person_id: int) -> None:
    """Mute a person, at most once, and mark what they caused as read. Raises MuteRejected."""
    if person_id == member_id:
        raise MuteRejected(gettext("You can’t mute yourself."))
    theirs = (
        notifications.c.person_id == member_id,
        notifications.c.actor_id == person_id,
        notifications.c.read_at.is_(None),
    )
    with write_session(engine) as session:
        _ensure_room(session.connection(), member_id)
        insert_if_absent(session, mutes, person_id=member_id, muted_person_id=person_id, at=now())
        session.execute(update(notifications).where(*theirs).values(read_at=now()))


@retry_on_deadlock
def mute_topic(engine: Engine, member_id: int, typed: str) -> str:
    """Mute a topic as typed, at most once. Return how it is stored. Raises MuteRejected."""
    if error := text_error(typed, MAX_TOPIC_LENGTH):
        raise MuteRejected(error)
    topic = normalize_topic(typed)
    if not topic:
        raise MuteRejected(gettext("Enter a word."))
    with write_session(engine) as session:
        _ensure_room(session.connection(), member_id)
        insert_if_absent(session, mutes, person_id=member_id, topic=topic, at=now())
    return topic


def unmute_person(engine: Engine, member_id: int, person_id: int) -> None:
    """Unmute a person. Nothing happens if they are not muted."""
    with write_session(engine) as session:
        session.execute(delete(mutes).where(mutes.c.person_id == member_id, mutes.c.muted_person_id == person_id))


def remove_mute(engine: Engine, member_id: int, mute_id: int) -> bool:
    """Remove one of a member's mutes. Return whether it was theirs."""
    stmt = delete(mutes).where(mutes.c.id == mute_id, mutes.c.person_id == member_id).returning(mutes.c.id)
    with write_session(engine) as session:
        return session.execute(stmt).first() is not None


def list_mutes(connection: Connection, member_id: int) -> list[MuteView]:
    """List what a member mutes, last muted first."""
    stmt = (
        select(
            mutes.c.id, mutes.c.topic, mutes.c.muted_person_id, people.c.username, people.c.name, people.c.avatar_key
        )
        .outerjoin(people, people.c.id == mutes.c.muted_person_id)
        .where(mutes.c.person_id == member_id)
        .order_by(mutes.c.id.desc())
    )
    return [
        MuteView(row.id, _person(row.muted_person_id, row.username, row.name, row.avatar_key), row.topic or "")
        for row in connection.execute(stmt)
    ]


def _person(person_id: int | None, username: str | None, name: str | None, avatar_key: str | None) -> UserView | None:
    return None if person_id is None else UserView(person_id, username or "", name or "", avatar_key=avatar_key)


def _ensure_room(connection: Connection, member_id: int) -> None:
    # Mutes of one member wait for each other here, so the limit holds.
    connection.execute(select(people.c.id).where(people.c.id == member_id).with_for_update(key_share=True)).one()
    count = connection.execute(select(func.count()).where(mutes.c.person_id == member_id)).scalar_one()
    if count >= MAX_MUTES:
        raise MuteRejected(
            gettext("You mute %(num)s people and topics, the most you can. Remove one first.", num=MAX_MUTES)
        )
