"""How many posts may still be looked up today, so that looking up never eats the money that answers need.

Counted in Redis per day: forgotten with it, the day begins anew. Knows no post and no X.
"""

from dataclasses import dataclass

from core.clock import now
from core.money import prices
from core.queue import WorkQueue, translated
from core.settings import KeepSettings, MoneySettings

TWO_DAYS = 2 * 24 * 3600


@dataclass(frozen=True)
class Allowance:
    """The posts of a day that RECHECK_DAY_USD pays for, shared by all workers. Raises TryLater("queue_away")."""

    queue: WorkQueue
    settings: KeepSettings
    money: MoneySettings

    @property
    def a_day(self) -> int:
        """Posts per day."""
        price = prices.price_list(self.money.prices)[prices.POST_READ]
        return int(self.settings.recheck_day_usd * 1_000_000 / price) if price else 10**9

    @translated
    def left(self) -> int:
        """Posts that may still be looked up today."""
        return max(0, self.a_day - int(self.queue.connection.get(_key()) or 0))

    @translated
    def use(self, count: int) -> None:
        """Count what X has shown, and thus charged."""
        with self.queue.connection.pipeline() as line:
            line.incrby(_key(), count)
            line.expire(_key(), TWO_DAYS)
            line.execute()


def _key() -> str:
    return f"keeping:looked-up:{now():%Y-%m-%d}"
