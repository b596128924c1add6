"""The rules thread as the host sees it: read from its template, shown with lengths and prices, told post by post."""

from collections.abc import Iterator
from pathlib import Path

from bot.announcing import Announcement, Part, parts_of, problems_of
from bot.doctor.config import SignSettings
from core.errors import HouseError, SettingsError
from core.money.prices import price_list
from core.settings import HouseSettings, MoneySettings, RuleSettings, load
from core.x.weighing import MOST


def read(template: Path, *, with_link: bool) -> list[Part]:
    """The parts, checked. Raises HouseError with all that is wrong with them."""
    house, sign = load(HouseSettings), load(SignSettings)
    if with_link and not house.gallery_url:
        raise SettingsError("GALLERY_URL is missing (for example: https://paint.example)")
    values = {
        "handle": sign.handle,
        "daily": load(RuleSettings).person_daily_limit,
        "gallery_url": house.gallery_url if with_link else "",
    }
    try:
        words = template.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise HouseError(f"{template} cannot be read: {error}") from error
    parts = parts_of(words, values)
    if problems := list(problems_of(parts, handle=sign.handle, with_link=with_link)):
        raise HouseError("; ".join(problems))
    return parts


def show(parts: list[Part]) -> Iterator[str]:
    """Each part with its weighted length and its price, then the sum."""
    listed = price_list(load(MoneySettings).prices)
    for part in parts:
        yield f"--- part {part.number}: {part.weight} of {MOST}, ${listed[part.item] / 1_000_000:.3f}"
        yield part.text
    yield f"--- {len(parts)} posts, ${sum(listed[part.item] for part in parts) / 1_000_000:.3f}"


def post(announcement: Announcement, parts: list[Part]) -> Iterator[str]:
    """What was posted, and what is left for the host to do."""
    first: int | None = None
    for part, post_id, is_new in announcement.post(parts):
        first = first or post_id
        yield f"part {part.number}: {post_id}" + ("" if is_new else " (was there already)")
    yield f"Replies to these posts are prompts from now on. Pin the first one to the bot's profile: {first}"
