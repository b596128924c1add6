"""What the API answers: the shapes that its documentation names, made from what is shown. Knows no SQL and no route.

Ids of X and seeds are strings: they are wider than the numbers of JavaScript. Times are ISO 8601 in UTC.
"""

from datetime import datetime

from pydantic import BaseModel, Field

from core.line.waiting import Wait
from core.models import State
from gallery import labels
from gallery.house import House
from gallery.mine.boards import BoardShown
from gallery.shown import CreationShown, PersonShown, PictureShown
from gallery.social.comments import CommentShown
from gallery.social.profiles import Profile


class PersonJson(BaseModel):
    """An author."""

    id: str
    username: str
    name: str


class ProfileJson(PersonJson):
    """Somebody with their totals. `creations` and `likes` are null beyond 1,000 creations."""

    url: str
    creations: int | None
    likes: int | None
    followers: int
    following: int
    first_seen_at: str | None
    links: dict[str, str] = Field(description="`self`, `creations`, `boards`, `atom`")


class TruncatedJson(BaseModel):
    """The painter read only the beginning of the prompt: tokens read, of all there were."""

    read: int
    of: int


class PictureJson(BaseModel):
    """One picture; `placeholder` is a tiny data URI."""

    url: str
    thumb_url: str
    width: int
    height: int
    seed: str
    mime: str
    placeholder: str
    alt: str


class WaitJson(BaseModel):
    """How long until the picture, or until the answer on X: how many are before it, about how many seconds (null where
    nobody knows), and why it cannot go now (empty where it can)."""

    ahead: int
    seconds: float | None
    why: str


class CreationJson(BaseModel):
    """One prompt and what became of it."""

    id: int
    state: State
    code: str | None = Field(description="why it was refused or failed, for programs")
    reason: str | None = Field(description="the same in plain words")
    prompt: str
    negative_prompt: str
    aspect_ratio: str | None
    steps: int | None
    style: str | None
    prompted_by: PersonJson
    post_id: str | None = Field(description="the post on X that asked for it")
    parent_id: int | None = Field(description="the creation that it was made from")
    model: str | None
    seed: str
    painting_seconds: float | None
    painted_steps: int | None
    guidance: float | None
    truncated: TruncatedJson | None
    ignored: list[str] = Field(description="fields that the painter did not heed")
    sensitive: bool = Field(description="hangs behind a veil: ask before you show it")
    likes: int
    comments: int
    remixes: int
    created_at: str
    painted_at: str | None
    shown_at: str | None = Field(description="since when it hangs; null while it does not")
    url: str
    reply_outcome: str | None
    pictures: list[PictureJson]
    links: dict[str, str] = Field(
        description="`self`, `comments`, `remixes`, `person`, and `parent` where there is one"
    )


class WaitingCreationJson(CreationJson):
    """One creation, and how long it still waits; null where it does not, or where nobody knows."""

    wait: WaitJson | None


class Links(BaseModel):
    """Where this page is, and the one after it."""

    self: str
    next: str | None


class CreationsJson(BaseModel):
    """One page of creations; `next` is the cursor of the page after it, `links.next` its whole address."""

    items: list[CreationJson]
    next: str | None
    links: Links


class CommentJson(BaseModel):
    """One comment. Of one that was taken back only its place is left: `said_by` is null and `text` empty."""

    id: int
    parent_id: int | None = Field(description="the comment that it answers")
    said_by: PersonJson | None
    text: str
    created_at: str


class CommentsJson(BaseModel):
    """One page of what people say of a creation, each comment with its answers after it, oldest first."""

    items: list[CommentJson]
    next: str | None
    links: Links


class BoardJson(BaseModel):
    """Pictures that somebody put together."""

    name: str
    title: str
    about: str
    size: int
    kept_by: PersonJson
    url: str
    changed_at: str
    links: dict[str, str] = Field(description="`self`, `creations`, `atom`")


class BoardsJson(BaseModel):
    """One page of boards."""

    items: list[BoardJson]
    next: str | None
    links: Links


class ProblemJson(BaseModel):
    """What went wrong (RFC 9457), as `application/problem+json`. `errors` names fields of the address."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, str]] = []


def person(shown: PersonShown) -> PersonJson:
    """An author."""
    return PersonJson(id=str(shown.id), username=shown.username, name=shown.called)


def profile(house: House, shown: Profile, most: int) -> ProfileJson:
    """Somebody with their totals, as far as they are counted."""
    who = shown.person
    own = house.address(f"/api/people/{who.path.removeprefix('/@')}")
    return ProfileJson(
        **dict(person(who)),
        url=house.address(who.path),
        creations=shown.creations if shown.creations <= most else None,
        likes=shown.likes,
        followers=shown.followers,
        following=shown.follows,
        first_seen_at=_iso(who.first_seen_at),
        links={
            "self": own,
            "creations": f"{own}/creations",
            "boards": f"{own}/boards",
            "atom": house.address(f"{who.path}/feed.atom"),
        },
    )


def creation(house: House, shown: CreationShown) -> CreationJson:
    """One creation."""
    return CreationJson(
        id=shown.id,
        state=shown.state,
        code=shown.code,
        reason=shown.reason,
        prompt=shown.prompt,
        negative_prompt=shown.negative_prompt,
        aspect_ratio=shown.aspect_ratio,
        steps=shown.steps,
        style=shown.style,
        prompted_by=person(shown.person),
        post_id=str(shown.post_id) if shown.post_id is not None else None,
        parent_id=shown.parent_id,
        model=shown.model,
        seed=str(shown.seed),
        painting_seconds=shown.painting_seconds,
        painted_steps=shown.painted_steps,
        guidance=shown.guidance,
        truncated=_truncated(shown),
        ignored=shown.unheeded,
        sensitive=shown.sensitive,
        likes=shown.likes,
        comments=shown.comments,
        remixes=shown.remixes,
        created_at=labels.iso(shown.created_at),
        painted_at=_iso(shown.painted_at),
        shown_at=_iso(shown.shown_at),
        url=house.address(shown.path),
        reply_outcome=shown.reply_outcome,
        pictures=[_picture(house, picture) for picture in shown.pictures],
        links=_links(house, shown),
    )


def board(house: House, shown: BoardShown) -> BoardJson:
    """One board."""
    own = house.address(f"/api/boards/{shown.name}")
    return BoardJson(
        name=shown.name,
        title=shown.title,
        about=shown.about,
        size=shown.size,
        kept_by=person(shown.person),
        url=house.address(shown.path),
        changed_at=labels.iso(shown.changed_at),
        links={"self": own, "creations": f"{own}/creations", "atom": house.address(f"{shown.path}/feed.atom")},
    )


def comment(shown: CommentShown) -> CommentJson:
    """One comment."""
    return CommentJson(
        id=shown.id,
        parent_id=shown.parent_id,
        said_by=person(shown.person) if shown.person else None,
        text=shown.text,
        created_at=labels.iso(shown.at),
    )


def wait(shown: Wait) -> WaitJson:
    """How long something still waits."""
    seconds = None if shown.seconds is None else round(shown.seconds, 1)
    return WaitJson(ahead=shown.ahead, seconds=seconds, why=shown.why)


def _links(house: House, shown: CreationShown) -> dict[str, str]:
    own = f"/api/creations/{shown.id}"
    paths = {"self": own, "comments": f"{own}/comments", "remixes": f"{own}/remixes"}
    paths["person"] = f"/api/people/{shown.person.path.removeprefix('/@')}"
    if shown.parent:
        paths["parent"] = f"/api/creations/{shown.parent.id}"
    return {name: house.address(path) for name, path in paths.items()}


def _truncated(shown: CreationShown) -> TruncatedJson | None:
    if shown.tokens_read is None or shown.tokens_in_all is None:
        return None
    return TruncatedJson(read=shown.tokens_read, of=shown.tokens_in_all)


def _picture(house: House, picture: PictureShown) -> PictureJson:
    return PictureJson(
        url=house.address(picture.url),
        thumb_url=house.address(picture.thumb_url),
        width=picture.width,
        height=picture.height,
        seed=str(picture.seed),
        mime=picture.mime,
        placeholder=picture.placeholder,
        alt=picture.alt,
    )


def _iso(moment: datetime | None) -> str | None:
    return labels.iso(moment) if moment else None
