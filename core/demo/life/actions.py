"""The kinds of steps that the script consists of. `name` is how later steps refer to a creation or comment."""

from dataclasses import dataclass

OPENING = "opening"


@dataclass(frozen=True)
class Post:
    """A prompt on X. `reply_to`: the name of a creation whose reply from the bot it answers, or OPENING."""

    name: str
    author: str
    text: str
    reply_to: str = ""


@dataclass(frozen=True)
class Remix:
    """A remix in the gallery's composer. `picture`: start from the parent's picture at this position."""

    name: str
    author: str
    of: str
    prompt: str
    aspect_ratio: str = ""
    count: int = 1
    style: str = ""
    picture: int | None = None


@dataclass(frozen=True)
class Like:
    """Likes of one creation."""

    of: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class Comment:
    """A comment on a creation. `reply_to`: the name of the comment it answers."""

    name: str
    author: str
    of: str
    text: str
    reply_to: str = ""


@dataclass(frozen=True)
class Follow:
    """A user follows others."""

    author: str
    handles: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """A public board with creations on it."""

    author: str
    title: str
    about: str
    creations: tuple[str, ...]


Action = Post | Remix | Like | Comment | Follow | Board
