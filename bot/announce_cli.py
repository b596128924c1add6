"""`threadpaint announce`: load the rules thread from its template, show lengths and prices, and publish it."""

from collections.abc import Iterator
from pathlib import Path

from bot.announcement import AnnouncementThread, ThreadPost, parse_thread, validate_thread
from bot.doctor.settings import BotIdentitySettings
from core.budget.prices import price_list
from core.errors import SettingsError, ThreadpaintError
from core.settings import AppSettings, BudgetSettings, UsagePolicySettings, load
from core.twittertext.length import MAX_POST_LENGTH


def load_thread(template: Path, *, with_link: bool) -> list[ThreadPost]:
    """Return the validated thread. Raise ThreadpaintError with all its problems."""
    app, identity = load(AppSettings), load(BotIdentitySettings)
    if with_link and not app.gallery_url:
        raise SettingsError("GALLERY_URL is missing (for example: https://paint.example)")
    values = {
        "handle": identity.handle,
        "daily": load(UsagePolicySettings).user_daily_limit,
        "gallery_url": app.gallery_url if with_link else "",
    }
    try:
        text = template.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ThreadpaintError(f"{template} cannot be read: {error}") from error
    thread = parse_thread(text, values)
    if problems := list(validate_thread(thread, handle=identity.handle, with_link=with_link)):
        raise ThreadpaintError("; ".join(problems))
    return thread


def preview(thread: list[ThreadPost]) -> Iterator[str]:
    """Yield each part with its weighted length and its price, then the total."""
    listed = price_list(load(BudgetSettings).x_prices)
    for part in thread:
        usd = listed[part.item] / 1_000_000
        yield f"--- part {part.number}: {part.weighted_length} of {MAX_POST_LENGTH}, ${usd:.3f}"
        yield part.text
    yield f"--- {len(thread)} posts, ${sum(listed[part.item] for part in thread) / 1_000_000:.3f}"


def publish(announcement: AnnouncementThread, thread: list[ThreadPost]) -> Iterator[str]:
    """Publish the thread, and yield what was posted and what the operator does next."""
    first: int | None = None
    for part, post_id, is_new in announcement.publish(thread):
        first = first or post_id
        yield f"part {part.number}: {post_id}" + ("" if is_new else " (already posted)")
    yield f"Replies to these posts are prompts from now on. Pin the first one to the bot's profile: {first}"
