"""Rows of creations and of their pictures as the pages show them: which columns, and what is made of a row.

Every question of the site that gives creations is WITH_PERSON with its own conditions. Knows no page.
"""

from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, bindparam, func, select

from core.models import State, creations, people, pictures
from core.refusals import UNSHOWN
from gallery.seen_files import own
from gallery.shown import CreationShown, ParentShown, PersonShown, PictureShown

its_parent, its_person = creations.alias("its_parent"), people.alias("its_person")
# In the order in which `creation_of` takes them, and `CreationShown` the rest.
COLUMNS = (
    creations.c.id,
    creations.c.state,
    creations.c.code,
    creations.c.prompt,
    creations.c.negative_prompt,
    people.c.id.label("person_id"),
    people.c.username,
    people.c.name,
    its_parent.c.id.label("after_id"),
    its_person.c.id.label("after_person_id"),
    its_person.c.username.label("after_username"),
    its_person.c.name.label("after_name"),
    creations.c.post_id,
    creations.c.parent_id,
    creations.c.count,
    creations.c.seed,
    creations.c.attempts,
    creations.c.next_attempt_at,
    creations.c.model,
    creations.c.painting_seconds,
    creations.c.painted_steps,
    creations.c.guidance,
    creations.c.tokens_read,
    creations.c.tokens_in_all,
    creations.c.ignored,
    creations.c.option_corrections,
    creations.c.reply_post_id,
    creations.c.reply_outcome,
    creations.c.created_at,
    creations.c.painted_at,
    creations.c.shown_at,
    creations.c.deleted_at,
    creations.c.aspect_ratio,
    creations.c.steps,
    creations.c.style,
    creations.c.start_url,
    creations.c.start_key,
    creations.c.hidden_at,
    creations.c.sensitive,
    creations.c.likes,
    creations.c.comments,
    creations.c.remixes,
)
# The same for `picture_of` and `PictureShown`.
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
# What a creation was made after is named as long as anybody may see it.
WITH_PERSON = (
    select(*COLUMNS)
    .join_from(creations, people, people.c.id == creations.c.person_id)
    .outerjoin(
        its_parent,
        and_(
            its_parent.c.id == creations.c.parent_id,
            its_parent.c.deleted_at.is_(None),
            its_parent.c.hidden_at.is_(None),
        ),
    )
    .outerjoin(its_person, and_(its_person.c.id == its_parent.c.person_id, its_person.c.hidden_at.is_(None)))
)
PICTURES = select(*PICTURE_COLUMNS).order_by(pictures.c.creation_id, pictures.c.position)
# A list of any length is written into the question anew each time; lists of these lengths are not.
LENGTHS = (1, 25)


def with_pictures(connection: Connection, rows: Sequence[Any], *, viewer_id: int | None = None) -> list[CreationShown]:
    """What rows of WITH_PERSON tell, with the pictures of those that hang, and of the viewer's own."""
    shown = [creation_of(*row, viewer_id=viewer_id) for row in rows]
    by_id = {creation.id: creation for creation in shown}
    rows = _pictures_of(connection, [one.id for one in shown if one.shown_at is not None])
    own = [one.id for one in shown if one.painted_at and not one.hangs and one.person.id == viewer_id]
    if own:
        rows = [*rows, *connection.execute(_own_pictures(), {"ids": own, "viewer": viewer_id}).all()]
    for row in rows:
        creation = by_id[row[0]]
        creation.pictures.append(picture_of(row, creation))
    return shown


def picture_of(row: Sequence[Any], creation: CreationShown) -> PictureShown:
    """A row of PICTURE_COLUMNS as a picture of this creation."""
    return PictureShown._make((*row[1:], creation.prompt, creation.person.called))


def creation_of(  # noqa: PLR0917  # a row, as COLUMNS has it
    creation_id: int,
    state: str,
    code: str | None,
    prompt: str,
    negative_prompt: str,
    person_id: int,
    username: str,
    name: str,
    after_id: int | None,
    after_person_id: int | None,
    after_username: str,
    after_name: str,
    *rest: Any,
    viewer_id: int | None = None,
) -> CreationShown:
    """A row of WITH_PERSON as a creation, without its pictures, and without words that the viewer may not read."""
    parent = None
    # Where X hides its author, the parent is there and they are not.
    if after_id is not None and after_person_id is not None:
        parent = ParentShown(after_id, PersonShown(after_person_id, after_username, after_name))
    person = PersonShown(person_id, username, name)
    creation = CreationShown(creation_id, State(state), code, prompt, negative_prompt, person, parent, *rest)
    if not _may_read(creation, viewer_id):
        creation.prompt = creation.negative_prompt = ""
    return creation


def _may_read(creation: CreationShown, viewer_id: int | None) -> bool:
    """Whose words these are reads them; others once it hangs, and before, while it is on its way there.

    What was refused, held back or failed never hung: its words are nobody else's to read.
    """
    if creation.code in UNSHOWN:
        return False
    return creation.hangs or creation.person.id == viewer_id or (creation.is_under_way and not creation.deleted_at)


def _pictures_of(connection: Connection, ids: Sequence[int]) -> Sequence[Any]:
    if not ids:
        return []
    length = next((length for length in LENGTHS if len(ids) <= length), None)
    if length is None:
        return connection.execute(_pictures(None), {"ids": ids}).all()
    # A short list is filled up: twice the same is found once.
    filled = zip_longest(range(length), ids, fillvalue=ids[-1])
    return connection.execute(_pictures(length), {f"id{place}": one for place, one in filled}).all()


@cache
def _pictures(length: int | None) -> Select[Any]:
    """The question for the pictures of so many creations, or of any number."""
    if length is None:
        return PICTURES.where(pictures.c.creation_id.in_(bindparam("ids", expanding=True)))
    return PICTURES.where(
        pictures.c.creation_id.in_([bindparam(f"id{place}", type_=BigInteger) for place in range(length)])
    )


@cache
def _own_pictures() -> Select[Any]:
    return _pictures(None).join(creations).where(*own(bindparam("viewer", type_=BigInteger)))
