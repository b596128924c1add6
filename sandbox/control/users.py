"""List, create and change users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from sandbox.control.posts import Body, CleanText, Handle
from sandbox.dependencies import WorldDep
from sandbox.model import Json, RuleViolation, User
from sandbox.settings import HANDLE
from sandbox.world import World
from sandbox.x.serializer import EVERYTHING, Serializer

router = APIRouter(prefix="/sandbox/people", tags=["control"])

Name = Annotated[Handle, Field(pattern=HANDLE)]


class NewPerson(Body):
    username: Name
    name: Annotated[CleanText, Field(max_length=200)] = ""


class Changes(Body):
    """Changes; omitted fields stay. `blocks` and `follows` are complete lists of usernames."""

    username: Name | None = None
    name: Annotated[CleanText, Field(pattern=r"\S", max_length=50)] | None = None
    description: Annotated[CleanText, Field(max_length=160)] | None = None
    protected: bool | None = None
    suspended: bool | None = None
    verified: bool | None = None
    automated: bool | None = None
    blocks: list[Name] | None = None
    follows: list[Name] | None = None


@router.post("")
async def add_person(body: NewPerson, world: WorldDep, request: Request) -> JSONResponse:
    """Create a person (201), or return the existing one (200)."""
    existing = world.find_person(body.username)
    person = existing or world.add_person(body.username, body.name)
    return JSONResponse(user_json(world, person, request), 200 if existing else 201)


@router.get("")
async def people(world: WorldDep, request: Request) -> Json:
    return {"data": [user_json(world, person, request) for person in world.people.values()]}


@router.get("/{username}")
async def person(username: str, world: WorldDep, request: Request) -> Json:
    return user_json(world, require_person(world, username), request)


@router.patch("/{username}")
async def change(username: str, body: Changes, world: WorldDep, request: Request) -> Json:
    person = require_person(world, username)
    values: Json = body.model_dump(exclude_none=True, exclude={"username", "blocks", "follows"})
    for field, names in (("blocking", body.blocks), ("follows", body.follows)):
        if names is not None:
            values[field] = _find_other_ids(world, person, names)
    if body.username is not None:
        world.rename_person(person, body.username)
    world.update_person(person, **values)
    return user_json(world, person, request)


def require_person(world: World, username: str) -> User:
    person = world.find_person(username.removeprefix("@"))
    if person is None:
        raise RuleViolation("no-person", f"No user is called {username[:40]!a}.")
    return person


def _find_other_ids(world: World, person: User, names: list[str]) -> list[int]:
    ids = dict.fromkeys(require_person(world, name).id for name in names)
    return [i for i in ids if i != person.id]


def user_json(world: World, person: User, request: Request) -> Json:
    """Return a person with all fields of X's API and those that X does not show."""

    def names(ids: list[int]) -> list[str]:
        return [world.people[i].username for i in ids if i in world.people]

    own = {"suspended": person.suspended, "automated": person.automated}
    lists = {"blocks": names(person.blocking), "follows": names(person.follows)}
    return Serializer(world, EVERYTHING, str(request.base_url)).person(person) | own | lists
