"""The family of a creation: what it was made after up to the root, what else was made from that, what was made from it.

Three short lists, each bounded: a page costs the same for a picture that a thousand people remixed. What does not hang
any more is an empty frame, so that what came of it keeps its place. Knows no HTTP.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, literal, select

from core.models import creations, people, pictures
from core.text import alt_text, clip
from gallery.shown import CreationShown, PersonShown, file_address

# Steps towards the root that are shown; who wants to see more walks there.
MOST_ANCESTORS = 6
MOST_ON_A_LEVEL = 6
# Of what is gone only those are shown that something came of; so many are looked at.
MOST_GONE = 2
MOST_LOOKED_AT = 100
TITLE, ALT = 70, 120


@dataclass(frozen=True, slots=True)
class Thumb:
    """The first picture of a relative, tiny."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Relative:
    """One place in the tree. Without `person` it is an empty frame: nothing of what hung there is told."""

    id: int
    person: PersonShown | None = None
    title: str = ""
    alt: str = ""
    thumb: Thumb | None = None
    sensitive: bool = False
    remixes: int = 0
    children: list["Relative"] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Its page on this site."""
        return f"/c/{self.id}"


@dataclass(frozen=True, slots=True)
class Family:
    """`ancestors`: from the farthest shown to the parent; `goes_on`: there are farther ones."""

    ancestors: list[Relative]
    goes_on: bool
    siblings: list[Relative]
    more_siblings: int
    children: list[Relative]
    more_children: int

    @property
    def earlier(self) -> Relative | None:
        """From where one can walk on towards the root; None where the root is shown, or all that is shown is gone."""
        return next((one for one in self.ancestors if one.person), None) if self.goes_on else None

    @property
    def is_alone(self) -> bool:
        """Made from nothing, and nothing was made from it."""
        return not (self.ancestors or self.children)


NODE = (
    select(
        creations.c.id,
        creations.c.parent_id,
        creations.c.prompt,
        creations.c.shown_at,
        creations.c.sensitive,
        creations.c.remixes,
        people.c.id.label("person_id"),
        people.c.username,
        people.c.name,
        pictures.c.thumb_key,
        pictures.c.thumb_width,
        pictures.c.thumb_height,
    )
    .join_from(creations, people, people.c.id == creations.c.person_id)
    .outerjoin(pictures, and_(pictures.c.creation_id == creations.c.id, pictures.c.position == 0))
)
NEWEST_FIRST = (creations.c.shown_at.desc(), creations.c.id.desc())


def _line() -> Select[Any]:
    up = (
        select(creations.c.id, creations.c.parent_id, literal(0).label("depth"))
        .where(creations.c.id == bindparam("parent_id"))
        .cte("up", recursive=True)
    )
    further = creations.alias("further")
    up = up.union_all(
        select(further.c.id, further.c.parent_id, up.c.depth + 1)
        .join_from(up, further, further.c.id == up.c.parent_id)
        .where(up.c.depth < MOST_ANCESTORS)
    )
    # Not joined: SQLite would look through all pictures to save itself seven looks into their index.
    return NODE.where(creations.c.id.in_(select(up.c.id)))


def _hanging() -> Select[Any]:
    of_parents = creations.c.parent_id.in_(bindparam("parent_ids", expanding=True))
    others = creations.c.id != bindparam("without")
    return NODE.where(of_parents, others, creations.c.shown_at.is_not(None))


def _gone() -> Select[Any]:
    unseen = (
        select(creations.c.id, creations.c.remixes)
        .where(creations.c.parent_id == bindparam("parent_id"), creations.c.shown_at.is_(None))
        .order_by(creations.c.id)
        .limit(MOST_LOOKED_AT)
        .subquery()
    )
    return select(unseen.c.id).where(unseen.c.remixes > 0).limit(MOST_GONE)


# Made once: putting a question together takes longer than its answer.
LINE = _line()
HANGING = _hanging().order_by(*NEWEST_FIRST).limit(MOST_ON_A_LEVEL)
GONE = _gone()


def family_of(connection: Connection, creation: CreationShown) -> Family:
    """The relatives of a creation, at most a few on each level."""
    ancestors = _ancestors(connection, creation)
    siblings, in_all = _siblings(connection, creation, ancestors)
    children = _children(connection, [creation.id]) if creation.remixes else []
    shown = ancestors[-MOST_ANCESTORS:]
    return Family(
        ancestors=_relatives(shown),
        goes_on=len(ancestors) > len(shown),
        siblings=siblings,
        more_siblings=max(0, in_all - len(siblings)),
        children=_relatives(children) + (_gone_children(connection, creation.id) if creation.has_lost else []),
        more_children=max(0, creation.remixes - len(children)),
    )


def _ancestors(connection: Connection, creation: CreationShown) -> Sequence[Any]:
    """From the farthest to the parent; one more than are shown. A loop, which nobody can make, would end as well."""
    if creation.parent_id is None:
        return []
    by_id = {row.id: row for row in connection.execute(LINE, {"parent_id": creation.parent_id})}
    line, above = [], creation.parent_id
    while row := by_id.pop(above, None):
        line.append(row)
        above = row.parent_id
    return line[::-1]


def _siblings(connection: Connection, creation: CreationShown, ancestors: Sequence[Any]) -> tuple[list[Relative], int]:
    """Some of those that were made from the same one, and how many there are in all."""
    in_all = ancestors[-1].remixes - (1 if creation.hangs else 0) if ancestors else 0
    if in_all <= 0:
        return [], 0
    return _relatives(_children(connection, [creation.parent_id], without=creation.id)), in_all


def _children(connection: Connection, parent_ids: Sequence[int | None], without: int = 0) -> Sequence[Any]:
    return connection.execute(HANGING, {"parent_ids": parent_ids, "without": without}).all()


def _gone_children(connection: Connection, parent_id: int) -> list[Relative]:
    """Children that hang no more though something came of them: empty frames, with that beneath them."""
    ids = list(connection.execute(GONE, {"parent_id": parent_id}).scalars())
    if not ids:
        return []
    beneath = _children(connection, ids)
    return [Relative(one, children=_relatives(row for row in beneath if row.parent_id == one)) for one in ids]


def _relatives(rows: Iterable[Any]) -> list[Relative]:
    return [_relative(row) for row in rows]


def _relative(row: Any) -> Relative:
    if row.shown_at is None:
        return Relative(row.id)
    person = PersonShown(row.person_id, row.username, row.name)
    thumb = None
    if row.thumb_key and not row.sensitive:
        thumb = Thumb(file_address(row.thumb_key), row.thumb_width, row.thumb_height)
    return Relative(
        id=row.id,
        person=person,
        title=clip(row.prompt, TITLE) or "Untitled",
        alt=alt_text(row.prompt, person.called, ALT),
        thumb=thumb,
        sensitive=row.sensitive,
        remixes=row.remixes,
    )
