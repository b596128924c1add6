"""What a page or the API shows of a creation, its pictures and its person. Made by `queries.py`; knows no SQL.

A creation that is not visible (`shown_at` empty) carries no pictures here, so that no page can show them by mistake;
only for its author, who may see it, it does.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from core.models import State
from core.text import alt_text, clip, display_name
from gallery import labels

CARD_TITLE = 140
CARD_ALT = 200
# So wide a picture may be to be its own copy for large frames.
NARROW = 1100
# What keys are made of; anything else is quoted.
PLAIN_KEY = re.compile(r"[\w./-]+", re.ASCII).fullmatch
UNDER_WAY = frozenset({State.QUEUED, State.PAINTING})
ANSWER_TO_COME = frozenset({State.PAINTED, State.REPLYING})


@dataclass(frozen=True, slots=True)
class PersonShown:
    """An author."""

    id: int
    username: str
    name: str
    first_seen_at: datetime | None = None

    @property
    def called(self) -> str:
        """The name people read: X lets it be empty, or of signs that nobody sees."""
        return display_name(self.name, self.username)

    @property
    def initial(self) -> str:
        """The letter for their avatar: the first of the name, else of the handle."""
        return next((c.upper() for c in self.called + self.username if c.isalnum()), "?")

    @property
    def path(self) -> str:
        """Their page on this site."""
        return f"/@{quote(self.username)}"


class PictureShown(NamedTuple):
    """One picture, with the names of its files. Sizes in pixels. A tuple: a page makes dozens, and keeps some."""

    seed: int
    width: int
    height: int
    mime: str
    thumb_width: int
    thumb_height: int
    wide_width: int
    wide_height: int
    tiny: str
    key: str
    thumb_key: str
    # Empty where they were not made: of what was painted before there were any, and `wide` of what is small anyway.
    thumb_avif_key: str | None
    wide_key: str | None
    wide_avif_key: str | None
    # Whose words it was painted from.
    prompt: str
    author: str

    @property
    def url(self) -> str:
        """Where the picture itself is."""
        return file_address(self.key)

    @property
    def thumb_url(self) -> str:
        """Where the small copy is."""
        return file_address(self.thumb_key)

    @property
    def thumb_avif_url(self) -> str:
        """Where the small copy for most browsers is."""
        return file_address(self.thumb_avif_key)

    @property
    def wide_url(self) -> str:
        """Where the copy for large frames is."""
        return file_address(self.wide_key)

    @property
    def wide_avif_url(self) -> str:
        """Where the copy for large frames and most browsers is."""
        return file_address(self.wide_avif_key)

    @property
    def wide_source(self) -> str:
        """The copy for large frames as a `srcset` names it, or the picture itself where it is small; else empty."""
        if self.wide_key:
            return f"{self.wide_url} {self.wide_width or self.width}w"
        return f"{self.url} {self.width}w" if self.width <= NARROW else ""

    @property
    def avif_sources(self) -> str:
        """The copies for most browsers, small and large, as a `srcset`; empty where there is no small one."""
        if not self.thumb_avif_key:
            return ""
        wide = f"{self.wide_avif_url} {self.wide_width}w" if self.wide_avif_key else self.wide_source
        small = f"{self.thumb_avif_url} {self.thumb_width}w"
        return f"{small}, {wide}" if wide else small

    @property
    def placeholder(self) -> str:
        """A tiny copy as a data address, to lie beneath until the picture is there; empty for anything else."""
        return self.tiny if self.tiny.startswith("data:image/") else ""

    @property
    def alt(self) -> str:
        """What it is to those who do not see it."""
        return alt_text(self.prompt, self.author)

    @property
    def short_alt(self) -> str:
        """The same for cards."""
        return alt_text(self.prompt, self.author, CARD_ALT)

    @property
    def shape(self) -> str:
        """`tall`, `even` or `wide`: tall ones hang narrower, so that a row of pictures has about one height."""
        if self.height > 1.2 * self.width:
            return "tall"
        return "even" if self.height > 0.8 * self.width else "wide"


@dataclass(frozen=True, slots=True)
class ParentShown:
    """The creation that another one was made from, as long as it may be seen."""

    id: int
    person: PersonShown

    @property
    def path(self) -> str:
        """Its page on this site."""
        return f"/c/{self.id}"


@dataclass(slots=True)
class CreationShown:
    """One prompt and what became of it. Not frozen only because that takes three times as long to make."""

    id: int
    state: State
    code: str | None
    prompt: str
    negative_prompt: str
    person: PersonShown
    parent: ParentShown | None
    # From here on as `queries.COLUMNS` has them.
    post_id: int | None
    parent_id: int | None
    count: int
    seed: int
    attempts: int
    next_attempt_at: datetime | None
    model: str | None
    painting_seconds: float | None
    painted_steps: int | None
    guidance: float | None
    tokens_read: int | None
    tokens_in_all: int | None
    ignored: str | None
    option_corrections: str | None
    reply_post_id: int | None
    reply_outcome: str | None
    created_at: datetime
    painted_at: datetime | None
    shown_at: datetime | None
    deleted_at: datetime | None
    aspect_ratio: str | None
    steps: int | None
    style: str | None
    start_url: str | None
    start_key: str | None
    hidden_at: datetime | None
    sensitive: bool
    likes: int
    comments: int
    remixes: int
    # Whether there is a remix that does not hang. Known only of the one that a page is about.
    has_lost: bool = False
    pictures: list[PictureShown] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Its page on this site."""
        return f"/c/{self.id}"

    @property
    def title(self) -> str:
        """The prompt, short enough for a card."""
        return clip(self.prompt, CARD_TITLE) or "Untitled"

    @property
    def reason(self) -> str | None:
        """Why there is no picture or no answer on X, in plain words."""
        return labels.reason(self.state, self.code, self.reply_outcome)

    @property
    def shortfall(self) -> list[str]:
        """What of the wish the painter did not do, in plain words."""
        held_back = self.count - len(self.pictures) if self.pictures and "seeds" not in self.unheeded else 0
        told = labels.shortfall(self.tokens_read, self.tokens_in_all, held_back, self.count)
        return told + labels.not_heeded(self.unheeded) + labels.corrected_options(self.option_corrections)

    @property
    def unheeded(self) -> list[str]:
        """The fields of the wish that the painter did not heed."""
        return (self.ignored or "").split()

    @property
    def without(self) -> str:
        """What was to be left out, where the painter looked at that."""
        return "" if "negative_prompt" in self.unheeded else self.negative_prompt

    @property
    def steps_in_words(self) -> str:
        """`8`, or `8 (50 were wished)`; empty where nobody knows."""
        return labels.steps(self.painted_steps, None if "steps" in self.unheeded else self.steps, self.steps)

    @property
    def is_sketch(self) -> bool:
        """Made without an image model, and the page says so."""
        return self.model == labels.SKETCH

    @property
    def awaits_answer(self) -> bool:
        """Painted, and its answer on X is still to come."""
        return self.state in ANSWER_TO_COME and self.next_attempt_at is not None

    @property
    def hangs(self) -> bool:
        """Whether everybody may see it."""
        return self.shown_at is not None

    @property
    def is_under_way(self) -> bool:
        """Waits for the painter or is on the easel."""
        return self.shown_at is None and self.state in UNDER_WAY

    def refresh_seconds(self, moment: datetime) -> int:
        """How soon the page looks again: often at first, seldom for what waits long, so that a crowd does not hurt."""
        waited = moment - self.created_at
        if waited < timedelta(minutes=2):
            return 3
        return 15 if waited < timedelta(hours=1) else 60


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a wall: its creations and where the next one begins."""

    creations: list[CreationShown]
    older: str | None


def file_address(key: str | None) -> str:
    """Where a file of the storage is found; empty for none."""
    if not key:
        return ""
    return f"/pictures/{key}" if PLAIN_KEY(key) else f"/pictures/{quote(key)}"
