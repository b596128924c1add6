"""Prices of X in micro-dollars (its price list of 2026-04-20), and of GPU time.

Operators may override X's prices when X changes them, and the GPU price if the backend does not report it.
"""

from collections.abc import Mapping

from core.settings import BudgetSettings

POST_READ = "post_read"
OWN_READ = "own_read"
USER_READ = "user_read"
POST = "post"
POST_WITH_URL = "post_with_url"
REPLY = "reply"
REPLY_WITH_LINK = "reply_with_link"
DELETE = "delete"
ALT_TEXT = "alt_text"
UPLOAD = "upload"
GPU = "gpu"
GPU_IDLE = "gpu_idle"

X_PRICES: Mapping[str, int] = {
    POST_READ: 5_000,
    # Own mentions and own posts, if the bot's account owns the developer app.
    OWN_READ: 1_000,
    USER_READ: 10_000,
    POST: 15_000,
    POST_WITH_URL: 200_000,
    # Replies to a mention. X's pages (2026-04-16) exempt them from the price of links; no bill has confirmed it yet.
    REPLY: 10_000,
    REPLY_WITH_LINK: 10_000,
    DELETE: 10_000,
    ALT_TEXT: 5_000,
    # Not on X's list; no charge has been reported.
    UPLOAD: 0,
}


def price_list(dollars: Mapping[str, float]) -> dict[str, int]:
    """Return X's prices with the operator's overrides.

    Args:
        dollars: overrides by item.

    Raises:
        ValueError: X sells no such item.
    """
    if unknown := set(dollars) - set(X_PRICES):
        raise ValueError(f"X_PRICES: unknown item {min(unknown)!r} (known: {', '.join(sorted(X_PRICES))})")
    return {**X_PRICES, **{item: round(price * 1_000_000) for item, price in dollars.items()}}


def gpu_price(reported: float | None, money: BudgetSettings) -> float:
    """Return micro-dollars per GPU second: the operator's setting, else the price that the backend reported.

    Args:
        reported: dollars per second; None if unknown.
    """
    if money.gpu_usd_per_hour is not None:
        return money.gpu_usd_per_hour * 1_000_000 / 3600
    return (reported or 0.0) * 1_000_000


def gpu_costs(painting: float, idle: float, reported: float | None, money: BudgetSettings) -> tuple[int, int]:
    """Return the micro-dollars of painting and of idle seconds. Their sum is the price of the machine."""
    price = gpu_price(reported, money)
    return round(painting * price), round(idle * price)
