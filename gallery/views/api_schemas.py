"""Schemas of the API's responses.

Ids of X and seeds are strings: they are wider than the numbers of JavaScript. Times are ISO 8601 in UTC.
"""

from typing import Annotated

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from core.models import State
from gallery.views.formatting import MAX_COUNTED


class PersonJson(TypedDict):
    """An X account."""

    id: str
    username: str
    name: str


class ProfileJson(PersonJson):
    """An X account with its totals. `creations` and `likes` are null beyond 1,000 creations."""

    url: str
    creations: int | None
    likes: int | None
    followers: int
    following: int
    first_seen_at: str | None
    links: Annotated[dict[str, str], Field(description="`self`, `creations`, `boards`, `atom`")]


class PromptTokensJson(TypedDict):
    """The model used only the beginning of the prompt: the number of tokens used, and of all."""

    used: int
    total: int


class PictureJson(TypedDict):
    """One picture. `placeholder` is a tiny copy as a data URI."""

    url: str
    thumb_url: str
    width: int
    height: int
    seed: str
    mime: str
    placeholder: str
    alt: str


class EtaJson(TypedDict):
    """The wait for the picture, or for the reply on X."""

    position: Annotated[
        int, Field(description=f"how many are ahead of it; {MAX_COUNTED + 1:,}: more than {MAX_COUNTED}")
    ]
    seconds: Annotated[
        float | None,
        Field(description=f"about how long it takes, at least with more than {MAX_COUNTED} ahead; null if unknown"),
    ]
    reason: Annotated[str, Field(description="why it is delayed; empty if it is not")]


class CreationJson(TypedDict):
    """One prompt and its result."""

    id: int
    state: State
    reason_code: Annotated[str | None, Field(description="why it was refused or failed, for programs")]
    reason: Annotated[str | None, Field(description="the same as a sentence")]
    prompt: str
    negative_prompt: str
    aspect_ratio: str | None
    steps: Annotated[int | None, Field(description="the steps that were requested")]
    style: str | None
    prompted_by: PersonJson
    post_id: Annotated[str | None, Field(description="the post on X that asked for it")]
    parent_id: Annotated[int | None, Field(description="the creation of which it is a remix")]
    model: str | None
    seed: str
    painting_seconds: float | None
    steps_used: int | None
    guidance: float | None
    prompt_tokens: PromptTokensJson | None
    ignored_options: Annotated[list[str], Field(description="fields that the model ignored")]
    sensitive: Annotated[bool, Field(description="hide it until the reader agrees to see it")]
    likes: int
    comments: int
    remixes: int
    created_at: str
    painted_at: str | None
    published_at: Annotated[str | None, Field(description="since when it is public; null if it is not")]
    url: str
    reply_status: Annotated[str | None, Field(description="`answered`, or why there is no reply on X")]
    pictures: list[PictureJson]
    links: Annotated[
        dict[str, str],
        Field(description="`self`, `comments`, `remixes`, `person`, and `parent` if it is the remix of a visible one"),
    ]


class CreationWithEtaJson(CreationJson):
    """One creation and its estimated wait; null if it does not wait, or the wait is unknown."""

    eta: EtaJson | None


class Links(TypedDict):
    """The addresses of this page and of the next one."""

    self: str
    next: str | None


class CreationsJson(TypedDict):
    """One page of creations. `next` is the cursor of the next page, `links.next` its address."""

    items: list[CreationJson]
    next: str | None
    links: Links


class CommentJson(TypedDict):
    """One comment. A deleted one with replies keeps its place: `author` is null and `text` empty."""

    id: int
    parent_id: Annotated[int | None, Field(description="the comment that it replies to")]
    author: PersonJson | None
    text: str
    created_at: str


class CommentsJson(TypedDict):
    """One page of comments, oldest first, each followed by its replies."""

    items: list[CommentJson]
    next: str | None
    links: Links


class BoardJson(TypedDict):
    """A collection of pictures."""

    name: str
    title: str
    about: str
    size: int
    owner: PersonJson
    url: str
    changed_at: str
    links: Annotated[dict[str, str], Field(description="`self`, `creations`, `atom`")]


class BoardsJson(TypedDict):
    """One page of boards."""

    items: list[BoardJson]
    next: str | None
    links: Links


class ProblemJson(BaseModel):
    """An error (RFC 9457), as `application/problem+json`. `errors` names invalid parameters."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, str]] = []
