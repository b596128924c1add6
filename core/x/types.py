"""Types for what X returns: posts, users and media."""

from dataclasses import dataclass, replace
from datetime import datetime

PHOTO = "photo"
EVERYONE = "everyone"


@dataclass(frozen=True)
class Author:
    """A user of X.

    Attributes:
        id: 0 if X did not send the author of a post.
        username: handle without @; empty if unknown.
        name: display name; empty if unknown.
        automated: always None, because X's API (2.166 and 2.167) does not return the label "Automated".
        follows_us: whether the user follows the calling account; None if unknown.
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
    """The account of the keys, and the post pinned to its profile."""

    author: Author
    pinned_id: int | None


@dataclass(frozen=True)
class TextSpan:
    """A span of a post's raw text, in code points, end exclusive.

    A mention has a `person_id`, or, if X did not send it, a `handle` in lower case without @.
    """

    start: int
    end: int
    person_id: int | None = None
    handle: str = ""


@dataclass(frozen=True)
class Media:
    """Media of a post. `kind` is photo, video or animated_gif; only photos have a `url`."""

    key: str
    kind: str
    url: str | None = None
    width: int | None = None
    height: int | None = None
    alt_text: str | None = None


@dataclass(frozen=True)
class Post:
    """A post.

    Attributes:
        root_id: id of the first version; the same for all edits of a post.
        text: the whole raw text, HTML-escaped, with handles and links.
        display_start: where the author's own words begin, after the handles that X puts before a reply.
        display_end: where they end, before the link that X adds for media; None if unknown or the text is long.
        is_long: whether X cut the text in its `text` field.
        parent: the post it replies to, if X sent it along. Its own parent is not set.
        quoted: the post it quotes, if X sent it along.
        has_link: whether it links to anything besides its own media.
    """

    id: int
    root_id: int
    author: Author
    text: str
    created_at: datetime
    mentions: tuple[TextSpan, ...] = ()
    links: tuple[TextSpan, ...] = ()
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

    def with_mentions_resolved(self, person_id: int, handle: str) -> "Post":
        """Return the post with mentions of this handle that X sent without an id resolved to this user."""

        def resolve(span: TextSpan) -> TextSpan:
            is_match = span.person_id is None and span.handle == handle.lower()
            return replace(span, person_id=person_id) if is_match else span

        return replace(
            self,
            mentions=tuple(resolve(span) for span in self.mentions),
            parent=self.parent and self.parent.with_mentions_resolved(person_id, handle),
            quoted=self.quoted and self.quoted.with_mentions_resolved(person_id, handle),
        )


@dataclass(frozen=True)
class PostPages:
    """Posts of all pages, newest first. If not `complete`, X has older ones that it did not show."""

    posts: list[Post]
    complete: bool


@dataclass(frozen=True)
class LookupResult:
    """Posts found by id, and why the others are unavailable: `deleted`, `protected`, `suspended` or `unknown`."""

    posts: list[Post]
    unavailable: dict[int, str]


@dataclass(frozen=True)
class CredentialInfo:
    """The keys' account, their access level (`read` or `read-write`), and seconds that our clock is ahead of X's."""

    account: Account
    level: str
    skew_seconds: float
