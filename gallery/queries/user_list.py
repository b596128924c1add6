"""Page through lists of users by keyset, latest first: likers, followers, followed users.

links = UserLinks(likes, of=likes.c.creation_id, user=likes.c.person_id)
list_users(connection, links, 17, limit=30, after=None)     the users who like creation 17
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, Connection, Table, select, tuple_

from core.models import people
from gallery.views.creations import UserView
from gallery.views.pagination import Cursor


@dataclass(frozen=True, slots=True)
class UserListItem:
    """One user of a list."""

    person: UserView
    followers: int


@dataclass(frozen=True, slots=True)
class UserPage:
    """One page of users, and where the next one begins."""

    people: list[UserListItem]
    older: str | None

    @property
    def ids(self) -> list[int]:
        """Return the ids of all users on this page."""
        return [row.person.id for row in self.people]


@dataclass(frozen=True, slots=True)
class UserLinks:
    """A table that links users to something since `at`: the column of the thing, and the column of the user."""

    table: Table
    of: Column[int]
    user: Column[int]

    @property
    def at(self) -> Column[datetime]:
        """Return the column with the time of a link."""
        return self.table.c.at


class LinkedUser(NamedTuple):
    """One user of a list, and since when they are in it."""

    id: int
    username: str
    name: str
    avatar_key: str | None
    follower_count: int
    at: datetime


def list_users(
    connection: Connection, links: UserLinks, thing_id: int, *, limit: int, after: Cursor | None
) -> UserPage:
    """List the users who are linked to a thing, without hidden and banned users."""
    stmt = (
        select(people.c.id, people.c.username, people.c.name, people.c.avatar_key, people.c.follower_count, links.at)
        .join_from(links.table, people, people.c.id == links.user)
        .where(links.of == thing_id, people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
        .order_by(links.at.desc(), links.user.desc())
        .limit(limit + 1)
    )
    if after is not None:
        stmt = stmt.where(tuple_(links.at, links.user) < (after.published_at, after.id))
    users = [LinkedUser(*row) for row in connection.execute(stmt)]
    last = users[limit - 1] if len(users) > limit else None
    shown = [UserListItem(_user_view(user), user.follower_count) for user in users[:limit]]
    return UserPage(shown, str(Cursor(last.at, last.id)) if last else None)


def _user_view(user: LinkedUser) -> UserView:
    return UserView(user.id, user.username, user.name, avatar_key=user.avatar_key)
