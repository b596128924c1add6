"""Limit how many posts are looked up per day, so that replies keep their share of the budget.

Counted in Redis per day. If Redis loses its data, the day's count starts again.
"""

from dataclasses import dataclass

from core.budget import prices
from core.clock import now
from core.queue import WorkQueue, translate_redis_errors
from core.settings import BudgetSettings, PurgeSettings

COUNT_TTL_SECONDS = 2 * 24 * 3600
UNLIMITED = 10**9
MICRO_USD = 1_000_000


@dataclass(frozen=True)
class DailyQuota:
    """The posts per day that POST_RECHECK_DAILY_USD pays for, shared by all workers. Raises TryLater("queue_away")."""

    queue: WorkQueue
    settings: PurgeSettings
    money: BudgetSettings

    @property
    def limit(self) -> int:
        """Posts per day."""
        price = prices.price_list(self.money.x_prices)[prices.POST_READ]
        return int(self.settings.post_recheck_daily_usd * MICRO_USD / price) if price else UNLIMITED

    @translate_redis_errors
    def remaining(self) -> int:
        """Return how many posts may still be looked up today."""
        return max(0, self.limit - int(self.queue.connection.get(_key()) or 0))

    @translate_redis_errors
    def consume(self, count: int) -> None:
        """Count posts that X has returned, and thus charged."""
        with self.queue.connection.pipeline() as pipe:
            pipe.incrby(_key(), count)
            pipe.expire(_key(), COUNT_TTL_SECONDS)
            pipe.execute()


def _key() -> str:
    return f"post-recheck:count:{now():%Y-%m-%d}"
