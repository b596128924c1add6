"""What X charges, in micro-dollars, as of its price list of 2026-04-20; and what a painter's machine does.

Hosts override X's prices where X changes them, and the machine's where the painter does not know it.
"""

from collections.abc import Mapping

from core.settings import MoneySettings

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
    # Own mentions and own posts, where the bot's account owns the developer app.
    OWN_READ: 1_000,
    USER_READ: 10_000,
    POST: 15_000,
    POST_WITH_URL: 200_000,
    # A reply to who summoned us: X's pages (2026-04-16) except it from the price of links, which no bill has shown yet.
    REPLY: 10_000,
    REPLY_WITH_LINK: 10_000,
    DELETE: 10_000,
    ALT_TEXT: 5_000,
    # Not on X's list; nobody has told of being charged.
    UPLOAD: 0,
}


def price_list(dollars: Mapping[str, float]) -> dict[str, int]:
    """X's prices, those of the host in their place. `dollars` per item. Raises ValueError for an item nobody sells."""
    if unknown := set(dollars) - set(X_PRICES):
        raise ValueError(f"PRICES: {min(unknown)} is not sold; known are {', '.join(sorted(X_PRICES))}")
    return {**X_PRICES, **{item: round(price * 1_000_000) for item, price in dollars.items()}}


def gpu_price(told: float | None, money: MoneySettings) -> float:
    """Micro-dollars per second of the painter's machine: the host's word, else the painter's (`told`, in dollars)."""
    if money.gpu_usd_per_hour is not None:
        return money.gpu_usd_per_hour * 1_000_000 / 3600
    return (told or 0.0) * 1_000_000


def gpu_costs(painting: float, idle: float, told: float | None, money: MoneySettings) -> tuple[int, int]:
    """Micro-dollars of seconds of painting, and of idle ones. Together they are what the machine costs."""
    price = gpu_price(told, money)
    return round(painting * price), round(idle * price)
