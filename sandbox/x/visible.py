"""What of the world a caller is shown, and what X says in place of the rest. Knows people, posts and X's words."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox import sight
from sandbox.model import Json, Person, Post
from sandbox.world import World
from sandbox.x.problems import not_authorized, not_found, suspended


def timeline(world: World, ids: Iterable[int], viewer: Person | None, owner: Person | None = None) -> list[int]:
    """`owner`: whose mentions these are. Whoever blocked them, or was blocked by them, is not among them."""
    viewers = (viewer,) if owner is None or owner is viewer else (viewer, owner)
    return [i for i in ids if not _ignored(world, i, viewers)]


def _ignored(world: World, post_id: int, viewers: tuple[Person | None, ...]) -> bool:
    post = world.shelf.posts.get(post_id)
    if post is None:
        return True
    author = world.people[post.author_id]
    return sight.ignored(author, viewers[0]) or any(_parted(author, one) for one in viewers[1:])


def _parted(author: Person, owner: Person | None) -> bool:
    return owner is not None and (author.id in owner.blocking or owner.id in author.blocking)


def post_error(
    world: World, viewer: Person | None, post: Post | None, parameter: str, value: str, *, section: str = "data"
) -> Json | None:
    """The partial error in place of a post, or None when it may be shown."""
    if post is None:
        return not_found("tweet", parameter, value)
    author = world.people[post.author_id]
    veil = sight.veil(author, viewer)
    if veil == "suspended":
        return suspended("tweet", parameter, value, author.id)
    return not_authorized("tweet", parameter, value, section) if veil else None


def person_error(person: Person | None, parameter: str, value: str) -> Json | None:
    """A protected person can be looked up, only their posts can not be read."""
    if person is None:
        return not_found("user", parameter, value)
    return suspended("user", parameter, value, person.id) if person.suspended else None


def timeline_error(person: Person | None, viewer: Person | None, value: str, *, own: bool) -> Json | None:
    """In place of somebody's timeline. `own`: of what they wrote; their mentions are written by others."""
    error = person_error(person, "id", value)
    if error is not None or person is None:
        return error
    return not_authorized("user", "id", value) if own and sight.veil(person, viewer) else None
