"""Define the objects of the world: users, media, posts and drafts."""

from dataclasses import dataclass, field
from typing import Any, TypedDict

Json = dict[str, Any]


class Charge(TypedDict):
    """One line of the bill. `what`: the post, person or call that was paid for."""

    id: int
    at: str
    day: str
    item: str
    what: str
    micro: int
    endpoint: str
    by: str | None


@dataclass(slots=True)
class User:
    id: int
    username: str
    name: str
    created_ms: int
    description: str = ""
    followers: int = 0
    following: int = 0
    verified: bool = False
    protected: bool = False
    pinned_post_id: int | None = None
    suspended: bool = False
    automated: bool = False
    blocking: list[int] = field(default_factory=list)
    follows: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Media:
    id: int
    owner_id: int
    mime: str
    ext: str
    width: int
    height: int
    size: int
    created_ms: int
    alt_text: str = ""
    sensitive: bool = False
    warning: dict[str, bool] = field(default_factory=dict)
    post_id: int | None = None
    # "" if ready at once, as images are; else pending, in_progress, succeeded or failed.
    processing: str = ""
    will_fail: bool = False
    check_after_secs: int = 1
    usable_ms: int = 0

    def usable(self, now_ms: int) -> bool:
        return self.processing in ("", "succeeded") and self.usable_ms <= now_ms

    @property
    def key(self) -> str:
        return f"3_{self.id}"

    @property
    def file(self) -> str:
        return f"{self.key}.{self.ext}"


@dataclass(slots=True)
class Upload:
    """A chunked upload before it is finalized. In memory only."""

    id: int
    owner_id: int
    mime: str
    total_bytes: int
    chunks: dict[int, bytes] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"3_{self.id}"


@dataclass(slots=True)
class Post:
    """`text` is what X returns: escaped, with t.co links and leading mentions. `said` is what the author typed."""

    id: int
    author_id: int
    said: str
    text: str
    entities: Json
    display: list[int]
    conversation_id: int
    created_ms: int
    lang: str
    note: Json | None = None
    in_reply_to_id: int | None = None
    in_reply_to_user_id: int | None = None
    quote_of_id: int | None = None
    repost_of_id: int | None = None
    media_ids: list[int] = field(default_factory=list)
    edit_history: list[int] = field(default_factory=list)
    reply_settings: str = "everyone"
    made_with_ai: bool = False
    paid_partnership: bool = False
    hidden: bool = False

    def mentioned_ids(self) -> list[int]:
        """Return the ids of all mentioned users, those in the full text of a long post included."""
        both = self.entities.get("mentions", []) + ((self.note or {}).get("entities", {}).get("mentions", []))
        return list(dict.fromkeys(int(mention["id"]) for mention in both))


@dataclass(slots=True)
class Draft:
    """The input for a new post."""

    author: User
    text: str
    in_reply_to_id: int | None = None
    quote_of_id: int | None = None
    repost_of_id: int | None = None
    media_ids: list[int] = field(default_factory=list)
    excluded_user_ids: list[int] = field(default_factory=list)
    reply_settings: str = "everyone"
    made_with_ai: bool = False
    paid_partnership: bool = False
    through_api: bool = False


class RuleViolation(Exception):
    """A write breaks a rule. `code` identifies the rule, `detail` is X's message."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
