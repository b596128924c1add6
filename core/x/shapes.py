"""What X hands over, in our own types: posts, people, media. Knows nothing of X's JSON."""

from dataclasses import dataclass, replace
from datetime import datetime

PHOTO = "photo"
EVERYONE = "everyone"


@dataclass(frozen=True)
class Author:
    """Who wrote a post. `username` is without @; `name` is what people see; both empty where X did not say.

    `id` is 0 where X did not even say who. `follows_us`: whether they follow the account that asks, None where X did
    not say. `automated` is always None: X's API (2.166 and 2.167) does not tell the label "Automated".
    """

    id: int
    username: str
    name: str
    protected: bool = False
    verified: bool = False
    automated: bool | None = None
    created_at: datetime | None = None
    follows_us: bool | None = None
    description: str = ""


@dataclass(frozen=True)
class Account:
    """The account the bot posts as, and the post it has pinned to its profile."""

    author: Author
    pinned_id: int | None


@dataclass(frozen=True)
class Span:
    """A stretch of a post's raw text, in code points, end exclusive.

    For a mention: `person_id`; if X did not tell it, `handle`, in small letters without @.
    """

    start: int
    end: int
    person_id: int | None = None
    handle: str = ""


@dataclass(frozen=True)
class Media:
    """What hangs on a post. `kind` is photo, video or animated_gif; X has a `url` for photos only."""

    key: str
    kind: str
    url: str | None = None
    width: int | None = None
    height: int | None = None
    alt_text: str | None = None


@dataclass(frozen=True)
class Post:
    """One post. `text` is raw: escaped, with handles and links; whole also where X cuts it (`is_long`).

    `display_start` is where the author's own words begin, after the handles X puts before a reply; `display_end` where
    they end, before the link X hangs on for media, None where X did not say or the text is long.
    `root_id` is its id before any edit: one post keeps it through all its versions.
    `has_link`: whether it links to anything but its own media.
    `parent` and `quoted` are the posts it answers and quotes, where X sent them along; theirs are not followed.
    """

    id: int
    root_id: int
    author: Author
    text: str
    created_at: datetime
    mentions: tuple[Span, ...] = ()
    links: tuple[Span, ...] = ()
    display_start: int = 0
    conversation_id: int | None = None
    in_reply_to_id: int | None = None
    in_reply_to_person_id: int | None = None
    is_repost: bool = False
    quoted_id: int | None = None
    reply_settings: str = EVERYONE
    lang: str | None = None
    media: tuple[Media, ...] = ()
    display_end: int | None = None
    is_long: bool = False
    parent: "Post | None" = None
    quoted: "Post | None" = None
    has_link: bool = False

    def recognizing(self, person_id: int, handle: str) -> "Post":
        """Return the post with its mentions of this handle that X sent without an id resolved to this person."""

        def resolved(span: Span) -> Span:
            is_theirs = span.person_id is None and span.handle == handle.lower()
            return replace(span, person_id=person_id) if is_theirs else span

        return replace(
            self,
            mentions=tuple(resolved(span) for span in self.mentions),
            parent=self.parent and self.parent.recognizing(person_id, handle),
            quoted=self.quoted and self.quoted.recognizing(person_id, handle),
        )
