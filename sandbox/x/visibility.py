"""Filter timelines by visibility, and build X's errors for hidden objects."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox import visibility
from sandbox.model import Json, Post, User
from sandbox.world import World
from sandbox.x.problems import not_authorized, not_found, suspended


def timeline(world: World, ids: Iterable[int], viewer: User | None, owner: User | None = None) -> list[int]:
    """Return the ids visible to the viewer. For mentions of `owner`, leave out authors blocked on either side."""
    viewers = (viewer,) if owner is None or owner is viewer else (viewer, owner)
    return [i for i in ids if not _is_left_out(world, i, viewers)]


def _is_left_out(world: World, post_id: int, viewers: tuple[User | None, ...]) -> bool:
    post = world.post_index.posts.get(post_id)
    if post is None:
        return True
    author = world.people[post.author_id]
    return visibility.is_left_out(author, viewers[0]) or any(_is_blocked(author, owner) for owner in viewers[1:])


def _is_blocked(author: User, owner: User | None) -> bool:
    """Return whether one of the two blocks the other."""
    return owner is not None and (author.id in owner.blocking or owner.id in author.blocking)


def post_error(
    world: World, viewer: User | None, post: Post | None, parameter: str, value: str, *, section: str = "data"
) -> Json | None:
    """Return the partial error instead of a post, or None if the post is visible."""
    if post is None:
        return not_found("tweet", parameter, value)
    author = world.people[post.author_id]
    hidden_reason = visibility.hidden_reason(author, viewer)
    if hidden_reason == "suspended":
        return suspended("tweet", parameter, value, author.id)
    return not_authorized("tweet", parameter, value, section) if hidden_reason else None


def person_error(person: User | None, parameter: str, value: str) -> Json | None:
    """Return the partial error instead of a user. Protected users are visible, only their posts are not."""
    if person is None:
        return not_found("user", parameter, value)
    return suspended("user", parameter, value, person.id) if person.suspended else None


def timeline_error(person: User | None, viewer: User | None, value: str, *, own: bool) -> Json | None:
    """Return the error instead of a timeline. `own`: it has the person's posts, not their mentions."""
    error = person_error(person, "id", value)
    if error is not None or person is None:
        return error
    return not_authorized("user", "id", value) if own and visibility.hidden_reason(person, viewer) else None
