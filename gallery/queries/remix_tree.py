"""Query the remix tree around a creation: its ancestors up to the root, its siblings and its remixes.

Each list is short, so a page costs the same for a creation with a thousand remixes. A node that is no longer public
keeps its place in the tree, without its content.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, func, literal, select

from core.models import creations, people, pictures
from core.text import alt_text, clip
from gallery.translations import gettext
from gallery.views.creations import CreationView, UserView
from gallery.views.formatting import MAX_COUNTED_REMIXES
from gallery.views.pictures import file_address
from gallery.views.prompt_diff import DiffPart, summarize_changes

# The page of the farthest one shows the next six.
MAX_ANCESTORS = 6
MAX_ON_A_LEVEL = 6
# Hidden remixes are shown only if they have remixes themselves. At most 100 are searched for these.
MAX_HIDDEN = 2
MAX_HIDDEN_SEARCHED = 100
TITLE_LENGTH, ALT_LENGTH = 70, 120


class NodeRow(NamedTuple):
    """A row of NODE_STMT. The thumb is that of the first picture, if there is one."""

    id: int
    parent_id: int | None
    prompt: str
    published_at: datetime | None
    sensitive: bool
    remixes: int
    person_id: int
    username: str
    name: str
    thumb_key: str | None
    thumb_avif_key: str | None
    thumb_width: int | None
    thumb_height: int | None


@dataclass(frozen=True, slots=True)
class Thumb:
    """The small copy of the first picture of a node."""

    thumb_url: str
    thumb_avif_url: str
    thumb_width: int
    thumb_height: int


@dataclass(frozen=True, slots=True)
class RemixNode:
    """One creation in the tree. Without `person` it is no longer public, and nothing of its content is shown.

    changes: what its prompt adds to that of its parent, and what it leaves out, if both may be read.
    """

    id: int
    person: UserView | None = None
    title: str = ""
    alt: str = ""
    thumb: Thumb | None = None
    sensitive: bool = False
    remixes: int = 0
    changes: Sequence[DiffPart] = ()
    children: list["RemixNode"] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Return the address of its page."""
        return f"/c/{self.id}"


@dataclass(frozen=True, slots=True)
class RemixTree:
    """The tree around one creation.

    ancestors: the parent is the last. has_more: there are farther ancestors. changes: of the prompt, since the parent.
    descendants: its remixes with theirs, and so on; MAX_COUNTED_REMIXES + 1 stands for more.
    """

    ancestors: list[RemixNode]
    has_more: bool
    siblings: list[RemixNode]
    more_siblings: int
    children: list[RemixNode]
    more_children: int
    changes: Sequence[DiffPart] = ()
    descendants: int = 0

    @property
    def can_compare(self) -> bool:
        """Return whether the parent can be shown beside the creation."""
        return bool(self.ancestors and self.ancestors[-1].person)

    @property
    def earlier(self) -> RemixNode | None:
        """Return the node whose page shows farther ancestors; None if there are none."""
        return next((node for node in self.ancestors if node.person), None) if self.has_more else None

    @property
    def is_empty(self) -> bool:
        """Return whether the creation is no remix and has no remixes."""
        return not (self.ancestors or self.children)


NODE_STMT = (
    select(
        creations.c.id,
        creations.c.parent_id,
        creations.c.prompt,
        creations.c.published_at,
        creations.c.sensitive,
        creations.c.remixes,
        people.c.id,
        people.c.username,
        people.c.name,
        pictures.c.thumb_key,
        pictures.c.thumb_avif_key,
        pictures.c.thumb_width,
        pictures.c.thumb_height,
    )
    .join_from(creations, people, people.c.id == creations.c.person_id)
    .outerjoin(pictures, and_(pictures.c.creation_id == creations.c.id, pictures.c.position == 0))
)
NEWEST_FIRST = (creations.c.published_at.desc(), creations.c.id.desc())


def _ancestor_ids() -> Select[int]:
    up = (
        select(creations.c.id, creations.c.parent_id, literal(0).label("depth"))
        .where(creations.c.id == bindparam("parent_id"))
        .cte("up", recursive=True)
    )
    parents = creations.alias("parents")
    up = up.union_all(
        select(parents.c.id, parents.c.parent_id, up.c.depth + 1)
        .join_from(up, parents, parents.c.id == up.c.parent_id)
        .where(up.c.depth < MAX_ANCESTORS)
    )
    return select(up.c.id)


def _hidden_remixes_stmt() -> Select[int]:
    hidden = (
        select(creations.c.id, creations.c.remixes)
        .where(creations.c.parent_id == bindparam("parent_id"), creations.c.published_at.is_(None))
        .order_by(creations.c.id)
        .limit(MAX_HIDDEN_SEARCHED)
        .subquery()
    )
    return select(hidden.c.id).where(hidden.c.remixes > 0).limit(MAX_HIDDEN)


def _descendants_stmt() -> Select[int]:
    """Walk also through remixes that are not public. UNION ends cycles; the limit ends the walk."""
    down = (
        select(creations.c.id, creations.c.published_at)
        .where(creations.c.parent_id == bindparam("parent_id"))
        .cte("down", recursive=True)
    )
    remixes = creations.alias("remixes")
    down = down.union(
        select(remixes.c.id, remixes.c.published_at).join_from(down, remixes, remixes.c.parent_id == down.c.id)
    )
    counted = select(down.c.published_at).limit(MAX_COUNTED_REMIXES + 1).subquery()
    return select(func.count(counted.c.published_at))


# Statements are built once: building one takes longer than running it.
# A subquery, not a join: for a join SQLite would scan all pictures to save seven index lookups.
ANCESTORS_STMT = NODE_STMT.where(creations.c.id.in_(_ancestor_ids()))
PUBLIC_REMIXES_STMT = (
    NODE_STMT.where(
        creations.c.parent_id.in_(bindparam("parent_ids", expanding=True)),
        creations.c.id != bindparam("excluded_id"),
        creations.c.published_at.is_not(None),
    )
    .order_by(*NEWEST_FIRST)
    .limit(MAX_ON_A_LEVEL)
)
DESCENDANTS_STMT = _descendants_stmt()
HIDDEN_REMIXES_STMT = _hidden_remixes_stmt()


def load_remix_tree(connection: Connection, creation: CreationView) -> RemixTree:
    """Return the tree around a creation."""
    ancestors = _load_ancestors(connection, creation)
    parent_prompt = _readable_prompt(ancestors[-1]) if ancestors else ""
    own_prompt = creation.prompt if creation.is_public and not creation.sensitive else ""
    siblings, sibling_count = _load_siblings(connection, creation, ancestors)
    remixes = _load_remixes(connection, [creation.id]) if creation.remixes else []
    hidden = _load_hidden_remixes(connection, creation.id) if creation.has_hidden_remix else []
    return RemixTree(
        ancestors=_chain(ancestors)[-MAX_ANCESTORS:],
        has_more=len(ancestors) > MAX_ANCESTORS,
        siblings=_nodes(siblings, parent_prompt),
        more_siblings=max(0, sibling_count - len(siblings)),
        children=_nodes(remixes, own_prompt) + hidden,
        more_children=max(0, creation.remixes - len(remixes)),
        changes=_changes(parent_prompt, own_prompt),
        descendants=_count_descendants(connection, creation, remixes) if remixes or hidden else 0,
    )


def _count_descendants(connection: Connection, creation: CreationView, remixes: Sequence[NodeRow]) -> int:
    """Return how many remixes there are below a creation. Without remixes of remixes, its own count says so."""
    if len(remixes) == creation.remixes and not creation.has_hidden_remix and not any(row.remixes for row in remixes):
        return len(remixes)
    return int(connection.execute(DESCENDANTS_STMT, {"parent_id": creation.id}).scalar_one())


def _load_ancestors(connection: Connection, creation: CreationView) -> Sequence[NodeRow]:
    """Return one more than is shown, from the farthest to the parent. A cycle in the data would end, too."""
    if creation.parent_id is None:
        return []
    rows = [NodeRow._make(row) for row in connection.execute(ANCESTORS_STMT, {"parent_id": creation.parent_id})]
    by_id: dict[int | None, NodeRow] = {row.id: row for row in rows}
    ancestors: list[NodeRow] = []
    ancestor_id: int | None = creation.parent_id
    while row := by_id.pop(ancestor_id, None):
        ancestors.append(row)
        ancestor_id = row.parent_id
    return ancestors[::-1]


def _load_siblings(
    connection: Connection, creation: CreationView, ancestors: Sequence[NodeRow]
) -> tuple[Sequence[NodeRow], int]:
    """Return the newest other remixes of the parent, and how many others it has."""
    count = ancestors[-1].remixes - (1 if creation.is_public else 0) if ancestors else 0
    if count <= 0:
        return [], 0
    return _load_remixes(connection, [creation.parent_id], excluded_id=creation.id), count


def _load_remixes(connection: Connection, parent_ids: Sequence[int | None], excluded_id: int = 0) -> Sequence[NodeRow]:
    parameters = {"parent_ids": parent_ids, "excluded_id": excluded_id}
    return [NodeRow._make(row) for row in connection.execute(PUBLIC_REMIXES_STMT, parameters)]


def _load_hidden_remixes(connection: Connection, parent_id: int) -> list[RemixNode]:
    """Return remixes that are no longer public but have public remixes, with these as children."""
    ids = list(connection.execute(HIDDEN_REMIXES_STMT, {"parent_id": parent_id}).scalars())
    if not ids:
        return []
    rows = _load_remixes(connection, ids)
    return [RemixNode(node_id, children=_nodes(row for row in rows if row.parent_id == node_id)) for node_id in ids]


def _nodes(rows: Iterable[NodeRow], parent_prompt: str = "") -> list[RemixNode]:
    return [_node(row, parent_prompt) for row in rows]


def _chain(rows: Sequence[NodeRow]) -> list[RemixNode]:
    """Return rows of which each is the parent of the next one."""
    return [_node(row, _readable_prompt(rows[place - 1]) if place else "") for place, row in enumerate(rows)]


def _readable_prompt(row: NodeRow) -> str:
    """Return the prompt, or nothing if it is not shown to everyone."""
    return row.prompt if row.published_at is not None and not row.sensitive else ""


def _changes(before: str, after: str) -> list[DiffPart]:
    return summarize_changes(before, after) if before and after else []


def _node(row: NodeRow, parent_prompt: str) -> RemixNode:
    if row.published_at is None:
        return RemixNode(row.id)
    person = UserView(row.person_id, row.username, row.name)
    thumb = None
    if row.thumb_key and row.thumb_width and row.thumb_height and not row.sensitive:
        thumb = Thumb(file_address(row.thumb_key), file_address(row.thumb_avif_key), row.thumb_width, row.thumb_height)
    return RemixNode(
        id=row.id,
        person=person,
        title=clip(row.prompt, TITLE_LENGTH) or gettext("Untitled"),
        alt=alt_text(row.prompt, person.display_name, ALT_LENGTH),
        thumb=thumb,
        sensitive=row.sensitive,
        remixes=row.remixes,
        changes=_changes(parent_prompt, _readable_prompt(row)),
    )
