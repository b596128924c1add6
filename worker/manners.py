"""How the bot behaves on X, and whether it answers those who did not write its handle.

X lets a bot answer who mentions it. Whether the handle that X itself puts before a reply counts is not documented and
may change: so it is tried, and where X has refused several in a row, that kind is left alone for a while. The rows of
what was tried are the memory of it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Engine, select

from core.clock import now
from core.database import reading
from core.models import creations, posts
from core.settings import XSettings

NOT_SUMMONED = "x_not_summoned"
IN_A_ROW = 3
LEFT_ALONE_FOR = timedelta(hours=6)
REMEMBERED_FOR = timedelta(days=3)


@dataclass(frozen=True)
class Manners:
    """The host's choices."""

    alt_text: bool = True
    made_with_ai: bool = True
    answer_prefixed: Literal["learn", "always", "never"] = "learn"
    flagged: Literal["refuse", "warn"] = "refuse"
    # The gallery's address, if replies link to it.
    link_home: str = ""


def manners_of(settings: XSettings, gallery_url: str = "") -> Manners:
    """The manners that the settings name."""
    return Manners(
        alt_text=settings.x_alt_text,
        made_with_ai=settings.x_made_with_ai,
        answer_prefixed=settings.x_answer_prefixed,
        flagged=settings.x_flagged_pictures,
        link_home=gallery_url.rstrip("/") if settings.reply_link == "gallery" else "",
    )


def answers_prefixed(engine: Engine, manners: Manners) -> bool:
    """Whether a reply that holds our handle only in X's prefix is worth a try now."""
    if manners.answer_prefixed != "learn":
        return manners.answer_prefixed == "always"
    tried = _last_tried(engine)
    refused = len(tried) == IN_A_ROW and all(row.reply_outcome == NOT_SUMMONED for row in tried)
    return not refused or tried[0].replied_at < now() - LEFT_ALONE_FOR


def _last_tried(engine: Engine) -> list[Any]:
    wanted = (
        select(creations.c.reply_outcome, creations.c.replied_at)
        .join(posts, posts.c.id == creations.c.post_id)
        .where(
            posts.c.summons == "prefix",
            creations.c.reply_outcome.in_(["answered", NOT_SUMMONED]),
            # Ids say when people asked, not when it was tried; and not all there ever was is looked through.
            creations.c.replied_at.is_not(None),
            creations.c.created_at > now() - REMEMBERED_FOR,
        )
        .order_by(creations.c.replied_at.desc(), creations.c.id.desc())
        .limit(IN_A_ROW)
    )
    with reading(engine) as connection:
        return list(connection.execute(wanted))
