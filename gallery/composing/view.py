"""Draws the composer: what was typed, what it is made after, what is wrong with it, what is told beside the button."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.styles import STYLES
from core.wishes import LARGEST_SEED, MOST_PICTURES, MOST_STEPS, SHAPES
from gallery import queries
from gallery.composing.parents import Parent, find_parent, own_post_behind
from gallery.composing.starts import OWN
from gallery.composing.told import Told, tell, wait_in_words
from gallery.composing.wishes import Typed, typed_after
from gallery.drawn import draw
from gallery.house import House, house_of
from gallery.numbers import number_in
from gallery.signing.visitor import Member

# The longer side of a shape's little drawing, in its own units.
SIDE = 20


class Errors(dict[str, str]):
    """A sentence for each field that is wrong; empty for all others."""

    def __missing__(self, _name: str) -> str:
        return ""


@dataclass(frozen=True)
class Shape:
    """A shape to choose, with the sides of its drawing. An empty name is the painter's own."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Start:
    """A picture to choose as the beginning. `url`: a small copy, empty where it is not shown."""

    value: str
    words: str
    url: str = ""


@dataclass(frozen=True)
class Around:
    """What is known around the form."""

    parent: Parent | None
    told: Told
    may_answer: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A field as the list of errors names it, and the id of the element that its link leads to."""

    label: str
    target: str


FIELDS = {
    "prompt": Field("Prompt", "prompt"),
    "start": Field("Picture to start from", "start-field"),
    "far": Field("How far to go", "far-field"),
    "shape": Field("Shape", "shape-field"),
    "count": Field("Pictures", "count-field"),
    "style": Field("Style", "style-field"),
    "negative": Field("Without", "negative"),
    "seed": Field("Seed", "seed"),
    "steps": Field("Steps", "steps"),
    "on_x": Field("Reply on X", "on_x-error"),
}


async def draw_composer(
    request: Request,
    member: Member,
    typed: Typed,
    *,
    fresh: bool = False,
    errors: dict[str, str] | None = None,
    status: int = 200,
    code: str = "",
) -> Response:
    """The page. `fresh`: opened by a link, so that what it is made after fills it in. Raises HTTPException 404."""
    house = house_of(request)
    parent_id = number_in(typed.remix)
    around = await queries.ask(house.engine, lambda connection: _look(connection, house, member, parent_id))
    if typed.remix and around.parent is None and fresh:
        raise HTTPException(404)
    if fresh and around.parent:
        typed = _filled(typed, around.parent)
    wait = wait_in_words(await house.waits.of_one_more(member.id))
    return await draw(
        request,
        "paint.html",
        status=status,
        typed=typed,
        errors=Errors(errors or {}),
        code=code,
        parent=around.parent,
        starts=_starts(typed, around.parent, member),
        may_answer=around.may_answer,
        told=replace(around.told, wait=wait),
        shapes=SHAPES_DRAWN,
        styles=STYLES,
        most=MOST_PICTURES,
        most_steps=MOST_STEPS,
        largest_seed=LARGEST_SEED,
        limit=house.workshop.prompt_limit,
        fields=FIELDS,
    )


def _look(connection: Connection, house: House, member: Member, parent_id: int) -> Around:
    parent = find_parent(connection, parent_id, member.id)
    own_post = own_post_behind(connection, parent.id, member.id) if parent else None
    shop = house.workshop
    return Around(parent, tell(connection, member.id, shop.rules, shop.money), own_post is not None)


def _filled(typed: Typed, parent: Parent) -> Typed:
    """The parent's words and options, where the link brings none of its own."""
    start = typed.start or ("same" if parent.has_start else "")
    filled = typed_after(parent.row, start=start)
    given = {name: value for name, value in vars(typed).items() if value and (name, value) != ("count", "1")}
    return replace(filled, **{**given, "start": start})


def _starts(typed: Typed, parent: Parent | None, member: Member) -> list[Start]:
    """The beginnings to choose from; the first is none."""
    found = [Start("", "Nothing but the words")]
    if typed.start.startswith(OWN):
        found.append(Start(typed.start, "The picture you chose", f"/paint/start/{quote(typed.start[len(OWN) :])}"))
    if parent is None:
        return found
    veiled = parent.row.sensitive and not member.visitor.shows_sensitive and parent.row.person_id != member.id
    for position, thumb in enumerate(parent.thumbs):
        words = "This picture" if len(parent.thumbs) == 1 else f"Picture {position + 1}"
        found.append(Start(f"picture:{position}", words, "" if veiled else f"/pictures/{quote(thumb)}"))
    if parent.has_start:
        is_anothers = parent.row.start_owner_id not in (None, member.id)
        words = "What it began from itself, no nearer to it" if is_anothers else "What it began from itself"
        found.append(Start("same", words))
    return found


def _drawn(name: str) -> Shape:
    wide, high = (int(side) for side in name.split(":"))
    return Shape(name, round(SIDE * wide / max(wide, high)), round(SIDE * high / max(wide, high)))


SHAPES_DRAWN = (Shape("", SIDE, SIDE), *(_drawn(name) for name in SHAPES))
