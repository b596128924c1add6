"""Read models of creations, their pictures and their authors, for pages and the API.

A creation that is not public carries no pictures here, so no page can show them by mistake. Its author is the
exception and gets them.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from core.models import State
from core.text import clip, display_name
from gallery.translations import gettext
from gallery.views import formatting
from gallery.views.pictures import PictureView
from gallery.views.prompt_words import pick_search_words

CARD_TITLE = 140
PENDING_STATES = frozenset({State.QUEUED, State.PAINTING})
AWAITING_REPLY_STATES = frozenset({State.PAINTED, State.REPLYING})


@dataclass(frozen=True, slots=True)
class UserView:
    """An X account: the author of creations."""

    id: int
    username: str
    name: str
    first_seen_at: datetime | None = None
    avatar_key: str | None = None

    @property
    def display_name(self) -> str:
        """Return the name, or the handle if the name is empty or invisible."""
        return display_name(self.name, self.username)

    @property
    def avatar_url(self) -> str:
        """Return the address of their picture; empty if they have none, or if the query did not load it."""
        return f"/pictures/{self.avatar_key}" if self.avatar_key else ""

    @property
    def path(self) -> str:
        """Return the address of the profile."""
        return f"/@{quote(self.username)}"


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
        return clip(self.prompt, CARD_TITLE) or gettext("Untitled")

    @property
    def search_words(self) -> list[str]:
        """Return the words of the prompt that are worth searching for."""
        return pick_search_words(self.prompt)

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
