"""Decide how the bot replies on X, and whether it replies to authors who did not write its handle.

X lets a bot reply to users who mention it. Whether the handle that X itself puts before a reply counts as a mention is
undocumented and may change. So the bot tries, and pauses such replies after X has refused several in a row. The rows of
past attempts hold that state.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Engine, select

from core.clock import now
from core.database import read_connection
from core.models import creations, posts
from core.settings import XSettings

NOT_MENTIONED = "x_not_summoned"
REFUSALS_IN_A_ROW = 3
PAUSE_AFTER_REFUSALS = timedelta(hours=6)
MAX_ATTEMPT_AGE = timedelta(days=3)


@dataclass(frozen=True)
class ReplyPolicy:
    """What the operator chose.

    flagged_images: `refuse` drops pictures that the safety check flagged, `warn` posts them with a warning.
    gallery_url: the gallery's address if replies link to it, else empty.
    """

    alt_text: bool = True
    made_with_ai: bool = True
    implicit_mentions: Literal["auto", "always", "never"] = "auto"
    flagged_images: Literal["refuse", "warn"] = "refuse"
    gallery_url: str = ""

    @classmethod
    def from_settings(cls, settings: XSettings, gallery_url: str = "") -> "ReplyPolicy":
        """Return the policy that the settings name."""
        return cls(
            alt_text=settings.x_alt_text,
            made_with_ai=settings.x_made_with_ai,
            implicit_mentions=settings.x_reply_to_implicit_mentions,
            flagged_images=settings.flagged_images,
            gallery_url=gallery_url.rstrip("/") if settings.reply_link == "gallery" else "",
        )


@dataclass(frozen=True)
class _Attempt:
    """A past reply to an implicit mention."""

    outcome: str
    at: datetime


def allows_implicit_mentions(engine: Engine, policy: ReplyPolicy) -> bool:
    """Return whether to reply now to a post that holds our handle only because X put it there."""
    if policy.implicit_mentions != "auto":
        return policy.implicit_mentions == "always"
    attempts = _load_last_attempts(engine)
    refused = len(attempts) == REFUSALS_IN_A_ROW and all(attempt.outcome == NOT_MENTIONED for attempt in attempts)
    return not refused or attempts[0].at < now() - PAUSE_AFTER_REFUSALS


def _load_last_attempts(engine: Engine) -> list[_Attempt]:
    stmt = (
        select(creations.c.reply_status, creations.c.replied_at)
        .join(posts, posts.c.id == creations.c.post_id)
        .where(
            posts.c.mention_type == "prefix",
            creations.c.reply_status.in_(["answered", NOT_MENTIONED]),
            # Ids show when users asked, not when we tried. The age bounds how many rows are read.
            creations.c.replied_at.is_not(None),
            creations.c.created_at > now() - MAX_ATTEMPT_AGE,
        )
        .order_by(creations.c.replied_at.desc(), creations.c.id.desc())
        .limit(REFUSALS_IN_A_ROW)
    )
    with read_connection(engine) as connection:
        return [_Attempt(outcome, at) for outcome, at in connection.execute(stmt)]
