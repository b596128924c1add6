"""Forecast the cost of a number of replies per day, and how many replies a budget pays for.

Reading, generating and replying cost per prompt. Rechecks of posts and idle GPU time cost the same every day. Measured
costs from the ledger replace assumptions once there are enough replies.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select

from core.budget import prices
from core.budget.budget import WORK
from core.database import read_connection
from core.models import daily_spend, pictures
from core.settings import BudgetSettings, PurgeSettings, XSettings

USD = 1_000_000
DAYS_A_MONTH = 30
# Typical time of one generation on a small GPU.
GPU_SECONDS = 3.0
# Overlapping polls read some mentions again on the next UTC day, and mentions without a prompt are read, too.
READS_PER_REPLY = 1.5
MEASURED_DAYS = 30
# A mean of fewer replies is too noisy.
MIN_REPLIES = 50
# Disk space of a picture with its thumbnails and large copies (WebP, AVIF), relative to the picture.
FILES_PER_PICTURE = 1.5
# Assumed bytes of a picture before there are any: a photo of 1024 pixels.
ASSUMED_BYTES = 330_000
SAMPLE_SIZE = 200
REPLIES = (prices.REPLY, prices.REPLY_WITH_LINK)


@dataclass(frozen=True)
class MeasuredCosts:
    """Costs of the last 30 days in micro-dollars; None if there were too few replies or no GPU cost."""

    reads_per_reply: float | None = None
    gpu_per_reply: float | None = None
    idle_per_day: float | None = None


@dataclass(frozen=True)
class CostForecast:
    """Micro-dollars by item: per reply, and per day without replies."""

    per_reply: dict[str, float]
    per_day: dict[str, float]
    measured: bool = False

    def per_month(self, replies_per_day: float) -> dict[str, int]:
        """Return micro-dollars by item for 30 days."""
        variable = {item: cost * replies_per_day * DAYS_A_MONTH for item, cost in self.per_reply.items()}
        return {item: round(cost) for item, cost in variable.items()} | {
            item: round(cost * DAYS_A_MONTH) for item, cost in self.per_day.items()
        }

    def replies_within(self, budget_usd: float, days: int) -> int:
        """Return how many replies a budget for this many days pays for, after the fixed cost of those days."""
        available = budget_usd * USD * WORK.max_share - sum(self.per_day.values()) * days
        reply_cost = sum(self.per_reply.values())
        return max(0, int(available / reply_cost)) if reply_cost else 0


def forecast_costs(
    money: BudgetSettings,
    x: XSettings,
    purge: PurgeSettings | None,
    measured: MeasuredCosts = MeasuredCosts(),
    gpu_usd_per_second: float | None = None,
) -> CostForecast:
    """Return the costs per reply and per day. Raises ValueError for invalid X_PRICES.

    Args:
        gpu_usd_per_second: price that the GPU service reports; None if unknown.
    """
    price_list = prices.price_list(money.x_prices)
    read_price = price_list[prices.OWN_READ if x.x_owns_app else prices.POST_READ]
    generation = prices.gpu_price(gpu_usd_per_second, money) * GPU_SECONDS
    per_reply = {
        "reading mentions": read_price * (measured.reads_per_reply or READS_PER_REPLY),
        "generating": generation if measured.gpu_per_reply is None else measured.gpu_per_reply,
        "uploads": float(price_list[prices.UPLOAD]),
        "alt texts": float(price_list[prices.ALT_TEXT] if x.x_alt_text else 0),
        "replies": float(price_list[prices.REPLY_WITH_LINK if x.reply_link == "gallery" else prices.REPLY]),
    }
    per_day = {
        "looking up posts again, at most": purge.post_recheck_daily_usd * USD if purge else 0.0,
        "idle GPU": measured.idle_per_day or 0.0,
    }
    return CostForecast(per_reply, per_day, measured.reads_per_reply is not None)


def measure_costs(engine: Engine, moment: datetime) -> MeasuredCosts:
    """Measure the costs of the last 30 days from the daily sums of the ledger."""
    since = f"{moment - timedelta(days=MEASURED_DAYS):%Y-%m-%d}"
    stmt = select(daily_spend.c.item, func.sum(daily_spend.c.count), func.sum(daily_spend.c.micro_usd))
    with read_connection(engine) as connection:
        rows = connection.execute(stmt.where(daily_spend.c.day > since).group_by(daily_spend.c.item)).all()
        days = connection.execute(
            select(func.count(daily_spend.c.day.distinct())).where(daily_spend.c.day > since)
        ).scalar_one()
    sums = {str(item): (int(count), int(micro)) for item, count, micro in rows}
    replies = sum(sums.get(item, (0, 0))[0] for item in REPLIES)
    idle = sums[prices.GPU_IDLE][1] / days if prices.GPU_IDLE in sums and days else None
    if replies < MIN_REPLIES:
        return MeasuredCosts(idle_per_day=idle)
    gpu = sums[prices.GPU][1] / replies if prices.GPU in sums else None
    return MeasuredCosts(sums.get(prices.OWN_READ, (0, 0))[0] / replies or None, gpu, idle)


def average_picture_bytes(engine: Engine) -> float:
    """Return the average bytes of the latest pictures, with their smaller copies."""
    latest = select(pictures.c.size).order_by(pictures.c.id.desc()).limit(SAMPLE_SIZE).subquery()
    with read_connection(engine) as connection:
        mean = connection.execute(select(func.avg(latest.c.size))).scalar_one()
    return float(mean or ASSUMED_BYTES) * FILES_PER_PICTURE


def project_month(spent_micro_usd: int, moment: datetime) -> int:
    """Extrapolate this month's micro-dollars to its end. The first day counts as a whole one."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    next_month = (first + timedelta(days=32)).replace(day=1)
    elapsed = max((moment - first) / timedelta(days=1), 1.0)
    return round(spent_micro_usd * ((next_month - first) / timedelta(days=1)) / elapsed)
