"""Load creations with their authors, parents and pictures as read models.

Every query that returns creations is CREATION_STMT with its own conditions.
"""

from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, bindparam, func, select

from core.models import State, creations, people, pictures
from core.reason_codes import HIDDEN_PROMPT_CODES
from gallery.queries.file_access import visible_to_owner
from gallery.views.creations import CreationView, ParentView, UserView
from gallery.views.pictures import PictureView

parents, parent_authors = creations.alias("parents"), people.alias("parent_authors")
# Fields of UserView.
AUTHOR_COLUMNS = (people.c.id.label("person_id"), people.c.username, people.c.name, people.c.avatar_key)
# The id of the parent, then the fields of its author.
PARENT_COLUMNS = (
    parents.c.id.label("visible_parent_id"),
    parent_authors.c.id.label("parent_person_id"),
    parent_authors.c.username.label("parent_username"),
    parent_authors.c.name.label("parent_name"),
)
# The order of the fields of CreationView: a page builds dozens, and by position takes a third of the time by name.
CREATION_COLUMNS = (
    creations.c.id,
    creations.c.state,
    creations.c.reason_code,
    creations.c.prompt,
    creations.c.negative_prompt,
    creations.c.post_id,
    creations.c.parent_id,
    creations.c.count,
    creations.c.seed,
    creations.c.attempts,
    creations.c.next_attempt_at,
    creations.c.model,
    creations.c.painting_seconds,
    creations.c.steps_used,
    creations.c.guidance,
    creations.c.prompt_tokens_used,
    creations.c.prompt_tokens_total,
    creations.c.ignored_options,
    creations.c.option_corrections,
    creations.c.reply_post_id,
    creations.c.reply_status,
    creations.c.created_at,
    creations.c.painted_at,
    creations.c.published_at,
    creations.c.deleted_at,
    creations.c.aspect_ratio,
    creations.c.steps,
    creations.c.style,
    creations.c.init_image_url,
    creations.c.init_image_key,
    creations.c.hidden_at,
    creations.c.sensitive,
    creations.c.likes,
    creations.c.comments,
    creations.c.remixes,
)
# The id of the creation, then the fields of PictureView.
PICTURE_COLUMNS = (
    pictures.c.creation_id,
    pictures.c.seed,
    pictures.c.width,
    pictures.c.height,
    pictures.c.mime,
    pictures.c.thumb_width,
    pictures.c.thumb_height,
    func.coalesce(pictures.c.wide_width, 0),
    func.coalesce(pictures.c.wide_height, 0),
    pictures.c.placeholder,
    pictures.c.key,
    pictures.c.thumb_key,
    pictures.c.thumb_avif_key,
    pictures.c.wide_key,
    pictures.c.wide_avif_key,
)
PictureRow = tuple[
    int, int, int, int, str, int, int, int, int, str, str, str, str | None, str | None, str | None  # in that order
]
# A row of CREATION_STMT. It has more than forty columns, which are read by position.
CreationRow = Sequence[Any]
# The parent is left out if it is hidden or deleted, its author if X hides them.
CREATION_STMT = (
    select(*AUTHOR_COLUMNS, *PARENT_COLUMNS, *CREATION_COLUMNS)
    .join_from(creations, people, people.c.id == creations.c.person_id)
    .outerjoin(
        parents,
        and_(parents.c.id == creations.c.parent_id, parents.c.deleted_at.is_(None), parents.c.hidden_at.is_(None)),
    )
    .outerjoin(parent_authors, and_(parent_authors.c.id == parents.c.person_id, parent_authors.c.hidden_at.is_(None)))
)
PICTURES_STMT = select(*PICTURE_COLUMNS).order_by(pictures.c.creation_id, pictures.c.position)
# SQLAlchemy compiles an expanding IN list at each call. Statements for lists of these lengths are compiled once.
CACHED_LENGTHS = (1, 25, 30)


def load_creation_views(
    connection: Connection, rows: Sequence[CreationRow], *, viewer_id: int | None = None
) -> list[CreationView]:
    """Return the rows of CREATION_STMT as views, with the pictures of public creations and of the viewer's own."""
    views = [to_creation_view(row, viewer_id=viewer_id) for row in rows]
    by_id = {view.id: view for view in views}
    picture_rows = _load_pictures(connection, [view.id for view in views if view.is_public])
    own_ids = [view.id for view in views if view.painted_at and not view.is_public and view.person.id == viewer_id]
    if own_ids:
        own_rows = connection.execute(_own_pictures_stmt(), {"ids": own_ids, "viewer_id": viewer_id}).all()
        picture_rows = [*picture_rows, *own_rows]
    for row in picture_rows:
        view = by_id[row[0]]
        view.pictures.append(to_picture_view(row, view))
    return views


def to_picture_view(row: PictureRow, creation: CreationView) -> PictureView:
    """Return a row of PICTURE_COLUMNS as a picture of this creation."""
    return PictureView._make((*row[1:], creation.prompt, creation.person.display_name))


def to_creation_view(row: CreationRow, *, viewer_id: int | None = None) -> CreationView:
    """Return a row of CREATION_STMT as a view without pictures, and without a prompt that the viewer may not read."""
    person_id, username, name, avatar_key, parent_id, parent_person_id, parent_username, parent_name, *columns = row
    parent = None
    if parent_id is not None and parent_person_id is not None:
        parent = ParentView(parent_id, UserView(parent_person_id, parent_username, parent_name))
    view = CreationView(UserView(person_id, username, name, None, avatar_key), parent, *columns)
    view.state = State(view.state)
    if not _may_read(view, viewer_id):
        view.prompt = view.negative_prompt = ""
    return view


def _may_read(view: CreationView, viewer_id: int | None) -> bool:
    """Return whether the viewer may read the prompt. Other users may if the creation is public or pending."""
    if view.reason_code in HIDDEN_PROMPT_CODES:
        return False
    return view.is_public or view.person.id == viewer_id or (view.is_pending and not view.deleted_at)


def _load_pictures(connection: Connection, ids: Sequence[int]) -> Sequence[PictureRow]:
    if not ids:
        return []
    length = next((length for length in CACHED_LENGTHS if len(ids) <= length), None)
    if length is None:
        return connection.execute(_pictures_stmt(None), {"ids": ids}).all()
    # Fill a shorter list up with its last id: IN ignores duplicates.
    padded = zip_longest(range(length), ids, fillvalue=ids[-1])
    return connection.execute(_pictures_stmt(length), {f"id{index}": id_ for index, id_ in padded}).all()


@cache
def _pictures_stmt(length: int | None) -> Select[*PictureRow]:
    """Return the statement for the pictures of `length` creations, or of any number."""
    if length is None:
        return PICTURES_STMT.where(pictures.c.creation_id.in_(bindparam("ids", expanding=True)))
    ids = [bindparam(f"id{index}", type_=BigInteger) for index in range(length)]
    return PICTURES_STMT.where(pictures.c.creation_id.in_(ids))


@cache
def _own_pictures_stmt() -> Select[*PictureRow]:
    viewer_id = bindparam("viewer_id", type_=BigInteger)
    return _pictures_stmt(None).join(creations).where(*visible_to_owner(viewer_id))
