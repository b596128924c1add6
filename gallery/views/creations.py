"""Read models of creations, their pictures and their authors, for pages and the API.

A creation that is not public carries no pictures here, so no page can show them by mistake. Its author is the
exception and gets them.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from core.models import State
from core.text import alt_text, clip, display_name
from gallery.views import formatting

CARD_TITLE = 140
CARD_ALT = 200
# Pixels. A picture up to this width serves large frames itself, without a `wide` copy.
MAX_WIDTH_WITHOUT_COPY = 1100
is_url_safe = re.compile(r"[\w./-]+", re.ASCII).fullmatch
PENDING_STATES = frozenset({State.QUEUED, State.PAINTING})
AWAITING_REPLY_STATES = frozenset({State.PAINTED, State.REPLYING})


@dataclass(frozen=True, slots=True)
class UserView:
    """An X account: the author of creations."""

    id: int
    username: str
    name: str
    first_seen_at: datetime | None = None

    @property
    def display_name(self) -> str:
        """Return the name, or the handle if the name is empty or invisible."""
        return display_name(self.name, self.username)

    @property
    def avatar_letter(self) -> str:
        """Return the first letter or digit of the name, else of the handle, in upper case."""
        return next((c.upper() for c in self.display_name + self.username if c.isalnum()), "?")

    @property
    def path(self) -> str:
        """Return the address of the profile."""
        return f"/@{quote(self.username)}"


class PictureView(NamedTuple):
    """One picture with the keys of its files; sizes in pixels.

    A named tuple: pages build dozens of them, and it is several times cheaper than a dataclass.
    """

    seed: int
    width: int
    height: int
    mime: str
    thumb_width: int
    thumb_height: int
    wide_width: int
    wide_height: int
    stored_placeholder: str
    key: str
    thumb_key: str
    # None if that copy does not exist: AVIF is made after the reply; `wide` only of pictures larger than their thumb.
    thumb_avif_key: str | None
    wide_key: str | None
    wide_avif_key: str | None
    # Of the creation: both are part of the alt text.
    prompt: str
    author: str

    @property
    def url(self) -> str:
        """Return the address of the picture."""
        return file_address(self.key)

    @property
    def thumb_url(self) -> str:
        """Return the address of the small copy."""
        return file_address(self.thumb_key)

    @property
    def thumb_avif_url(self) -> str:
        """Return the address of the small copy in AVIF."""
        return file_address(self.thumb_avif_key)

    @property
    def wide_url(self) -> str:
        """Return the address of the copy for large frames."""
        return file_address(self.wide_key)

    @property
    def wide_avif_url(self) -> str:
        """Return the address of the copy for large frames in AVIF."""
        return file_address(self.wide_avif_key)

    @property
    def has_thumb(self) -> bool:
        """Return whether the small copy is another file than the picture itself."""
        return self.thumb_key != self.key

    @property
    def wide_source(self) -> str:
        """Return the `srcset` entry for large frames: the wide copy, or the picture itself if it is small."""
        if self.wide_key:
            return f"{self.wide_url} {self.wide_width or self.width}w"
        return f"{self.url} {self.width}w" if self.has_thumb and self.width <= MAX_WIDTH_WITHOUT_COPY else ""

    @property
    def webp_sources(self) -> str:
        """Return all WebP files as a `srcset`."""
        small = f"{self.thumb_url} {self.thumb_width}w" if self.has_thumb else ""
        wide = self.wide_source if self.wide_key else ""
        return ", ".join(source for source in (small, wide, f"{self.url} {self.width}w") if source)

    @property
    def avif_sources(self) -> str:
        """Return the AVIF copies as a `srcset`; empty without a small one."""
        if not self.thumb_avif_key:
            return ""
        # Of earlier pictures the large one may still be missing.
        wide = f"{self.wide_avif_url} {self.wide_width}w" if self.wide_avif_key else self.wide_source
        small = f"{self.thumb_avif_url} {self.thumb_width}w"
        return f"{small}, {wide}" if wide else small

    @property
    def is_wider_than_avif(self) -> bool:
        """Return whether the largest AVIF copy has fewer pixels than the picture itself."""
        return bool(self.wide_avif_key) and self.wide_width < self.width

    @property
    def placeholder_uri(self) -> str:
        """Return the tiny copy that shows until the picture is loaded; empty if it is no image as a data URI."""
        return self.stored_placeholder if self.stored_placeholder.startswith("data:image/") else ""

    @property
    def alt(self) -> str:
        """Return the alternative text."""
        return alt_text(self.prompt, self.author)

    @property
    def short_alt(self) -> str:
        """Return the shorter alternative text of cards."""
        return alt_text(self.prompt, self.author, CARD_ALT)

    @property
    def ratio_class(self) -> str:
        """Return `ratio-150` for 3:2, in steps of 5 from 40 to 250: a class of feed.css."""
        return f"ratio-{self._ratio_percent}"

    @property
    def card_sizes(self) -> str:
        """Return the `sizes` of a card: its row is up to 19rem high, on smaller screens up to 15rem or 12rem."""
        ratio = self._ratio_percent / 100
        return f"(min-width: 100rem) {19 * ratio:.0f}rem, (min-width: 40rem) {15 * ratio:.0f}rem, {12 * ratio:.0f}rem"

    @property
    def _ratio_percent(self) -> int:
        return min(250, max(40, 5 * round(20 * self.width / max(1, self.height))))

    @property
    def orientation(self) -> str:
        """Return `tall`, `even` or `wide`: CSS makes tall pictures narrower, so rows have about one height."""
        if self.height > 1.2 * self.width:
            return "tall"
        return "even" if self.height > 0.8 * self.width else "wide"


@dataclass(frozen=True, slots=True)
class ParentView:
    """The creation that a remix was made from, if it is visible."""

    id: int
    person: UserView

    @property
    def path(self) -> str:
        """Return the address of its page."""
        return f"/c/{self.id}"


@dataclass(slots=True)
class CreationView:
    """One prompt and its result. Not frozen: a frozen dataclass takes three times as long to build."""

    person: UserView
    parent: ParentView | None
    # From here on in the order of `creation_rows.CREATION_COLUMNS`.
    id: int
    state: State
    reason_code: str | None
    prompt: str
    negative_prompt: str
    post_id: int | None
    parent_id: int | None
    count: int
    seed: int
    attempts: int
    next_attempt_at: datetime | None
    model: str | None
    painting_seconds: float | None
    steps_used: int | None
    guidance: float | None
    prompt_tokens_used: int | None
    prompt_tokens_total: int | None
    ignored_text: str | None
    option_corrections: str | None
    reply_post_id: int | None
    reply_status: str | None
    created_at: datetime
    painted_at: datetime | None
    published_at: datetime | None
    deleted_at: datetime | None
    aspect_ratio: str | None
    steps: int | None
    style: str | None
    init_image_url: str | None
    init_image_key: str | None
    hidden_at: datetime | None
    sensitive: bool
    likes: int
    comments: int
    remixes: int
    # Whether it has a remix that is not public. Only `find_creation` looks it up.
    has_hidden_remix: bool = False
    pictures: list[PictureView] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Return the address of its page."""
        return f"/c/{self.id}"

    @property
    def title(self) -> str:
        """Return the prompt, cut to the length of a card."""
        return clip(self.prompt, CARD_TITLE) or "Untitled"

    @property
    def reason(self) -> str | None:
        """Return why there is no picture or no reply on X, as a sentence; None if there is nothing to explain."""
        return formatting.reason_text(self.state, self.reason_code, self.reply_status)

    @property
    def warnings(self) -> list[str]:
        """Return what differs from the request, a sentence each."""
        held_back = self.count - len(self.pictures) if self.pictures and "seeds" not in self.ignored_options else 0
        return [
            *formatting.generation_warnings(self.prompt_tokens_used, self.prompt_tokens_total, held_back, self.count),
            *formatting.ignored_option_notes(self.ignored_options),
            *formatting.option_correction_notes(self.option_corrections),
        ]

    @property
    def ignored_options(self) -> list[str]:
        """Return the names of the parameters that the model ignored."""
        return (self.ignored_text or "").split()

    @property
    def negative_prompt_used(self) -> str:
        """Return the negative prompt, or an empty string if the model ignored it."""
        return "" if "negative_prompt" in self.ignored_options else self.negative_prompt

    @property
    def steps_text(self) -> str:
        """Return `8` or `8 (you asked for 50)`; empty if the number is unknown."""
        return formatting.format_steps(
            self.steps_used, None if "steps" in self.ignored_options else self.steps, self.steps
        )

    @property
    def is_sketch(self) -> bool:
        """Return whether the sketch engine drew it, without an image model."""
        return self.model == formatting.SKETCH

    @property
    def awaits_reply(self) -> bool:
        """Return whether it is painted and its reply on X is still due."""
        return self.state in AWAITING_REPLY_STATES and self.next_attempt_at is not None

    @property
    def is_public(self) -> bool:
        """Return whether everyone may see it."""
        return self.published_at is not None

    @property
    def is_pending(self) -> bool:
        """Return whether it waits for the GPU service or is being painted."""
        return self.published_at is None and self.state in PENDING_STATES

    def refresh_seconds(self, moment: datetime) -> int:
        """Return after how many seconds the page reloads: rarely for old creations, to spare the server."""
        waited = moment - self.created_at
        if waited < timedelta(minutes=2):
            return 3
        return 15 if waited < timedelta(hours=1) else 60


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a feed. `older`: the cursor of the next page."""

    creations: list[CreationView]
    older: str | None


def file_address(key: str | None) -> str:
    """Return the address of a stored file; empty without a key."""
    if not key:
        return ""
    return f"/pictures/{key}" if is_url_safe(key) else f"/pictures/{quote(key)}"
