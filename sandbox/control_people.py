"""The control API of people: who there is, and in which state (protected, suspended, verified, ...). Never signed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from sandbox.control import Body, Handle, Here, Words
from sandbox.model import Json, Person, Refused
from sandbox.settings import HANDLE
from sandbox.world import World
from sandbox.x.render import EVERYTHING, Drawer

router = APIRouter(prefix="/sandbox/people", tags=["control"])

Name = Annotated[Handle, Field(pattern=HANDLE)]


class NewPerson(Body):
    username: Name
    name: Annotated[Words, Field(max_length=200)] = ""


class Changes(Body):
    """What is left out stays as it is; the two lists are whole new lists of usernames."""

    username: Name | None = None
    name: Annotated[Words, Field(pattern=r"\S", max_length=50)] | None = None
    description: Annotated[Words, Field(max_length=160)] | None = None
    protected: bool | None = None
    suspended: bool | None = None
    verified: bool | None = None
    automated: bool | None = None
    blocks: list[Name] | None = None
    follows: list[Name] | None = None


@router.post("")
async def add_person(wanted: NewPerson, world: Here, request: Request) -> JSONResponse:
    """201 and the new person; 200 and the old one when the username is taken."""
    known = world.person(wanted.username)
    person = known or world.add_person(wanted.username, wanted.name)
    return JSONResponse(told(world, person, request), 200 if known else 201)


@router.get("")
async def people(world: Here, request: Request) -> Json:
    return {"data": [told(world, person, request) for person in world.people.values()]}


@router.get("/{username}")
async def person(username: str, world: Here, request: Request) -> Json:
    return told(world, known(world, username), request)


@router.patch("/{username}")
async def change(username: str, wanted: Changes, world: Here, request: Request) -> Json:
    somebody = known(world, username)
    values: dict[str, Any] = wanted.model_dump(exclude_none=True, exclude={"username", "blocks", "follows"})
    for ours, names in (("blocking", wanted.blocks), ("follows", wanted.follows)):
        if names is not None:
            values[ours] = _others(world, somebody, names)
    if wanted.username is not None:
        world.rename(somebody, wanted.username)
    world.change(somebody, **values)
    return told(world, somebody, request)


def known(world: World, username: str) -> Person:
    somebody = world.person(username.removeprefix("@"))
    if somebody is None:
        raise Refused("no-person", f"There is nobody called {username[:40]!a}.")
    return somebody


def _others(world: World, somebody: Person, names: list[str]) -> list[int]:
    ids = dict.fromkeys(known(world, name).id for name in names)
    return [i for i in ids if i != somebody.id]


def told(world: World, person: Person, request: Request) -> Json:
    """A person as X gives it with all fields, and beside it what X keeps to itself."""

    def names(ids: list[int]) -> list[str]:
        return [world.people[i].username for i in ids if i in world.people]

    own = {"suspended": person.suspended, "automated": person.automated}
    lists = {"blocks": names(person.blocking), "follows": names(person.follows)}
    return Drawer(world, EVERYTHING, str(request.base_url)).person(person) | own | lists
