"""Forecast what a number of answered prompts a day costs, and how many a budget pays for.

Part of the cost grows with the prompts (reading, generating, replying). The rest is paid every day whether or not
somebody asks: looking up posts again, and the GPU machine while it idles. What the ledger has measured replaces our
assumptions as soon as there are enough replies.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select

from core.database import reading
from core.models import pictures, spendings
from core.money import prices
from core.money.budget import WORK
from core.settings import KeepSettings, MoneySettings, XSettings

USD = 1_000_000
DAYS_A_MONTH = 30
# Generating one prompt takes about this long on a small card.
GPU_SECONDS = 3.0
# Overlapping polls read some mentions again on the next UTC day, and replies that ask for nothing are read too.
READS_PER_ANSWER = 1.5
MEASURED_DAYS = 30
# Fewer replies than this say more about chance than about cost.
ENOUGH_REPLIES = 50
# Thumbnails and wide copies, WebP and AVIF, beside the picture itself.
FILES_PER_PICTURE = 1.5
# Bytes of one picture before there are any: a photograph of 1024 pixels.
ASSUMED_BYTES = 330_000
LATEST_PICTURES = 200
REPLIES = (prices.REPLY, prices.REPLY_WITH_LINK)


@dataclass(frozen=True)
class Measured:
    """What the ledger says of the last 30 days. Micro-dollars; None if there were too few replies, or no GPU cost."""

    reads_per_answer: float | None = None
    gpu_per_answer: float | None = None
    idle_per_day: float | None = None


@dataclass(frozen=True)
class Costs:
    """Micro-dollars per item: of one answered prompt, and of one day on which nobody asks."""

    per_answer: dict[str, float]
    per_day: dict[str, float]
    measured: bool = False

    def of_month(self, answers_a_day: float) -> dict[str, int]:
        """Micro-dollars per item of 30 days."""
        grown = {item: cost * answers_a_day * DAYS_A_MONTH for item, cost in self.per_answer.items()}
        return {item: round(cost) for item, cost in grown.items()} | {
            item: round(cost * DAYS_A_MONTH) for item, cost in self.per_day.items()
        }

    def answers_within(self, budget_usd: float, days: int) -> int:
        """How many answers the budget of so many days pays for, after what those days cost anyway."""
        left = budget_usd * USD * WORK.at_most - sum(self.per_day.values()) * days
        one = sum(self.per_answer.values())
        return max(0, int(left / one)) if one else 0


def forecast_costs(
    money: MoneySettings,
    x: XSettings,
    keep: KeepSettings | None,
    measured: Measured = Measured(),
    gpu_usd_per_second: float | None = None,
) -> Costs:
    """The costs of an answer and of a day. Raises ValueError for PRICES that cannot be read.

    Args:
        gpu_usd_per_second: what the GPU service says that a second costs; None if it is unknown.
    """
    listed = prices.price_list(money.prices)
    read = listed[prices.OWN_READ if x.x_owns_app else prices.POST_READ]
    generated = prices.gpu_price(gpu_usd_per_second, money) * GPU_SECONDS
    per_answer = {
        "reading mentions": read * (measured.reads_per_answer or READS_PER_ANSWER),
        "generating": generated if measured.gpu_per_answer is None else measured.gpu_per_answer,
        "uploads": float(listed[prices.UPLOAD]),
        "alt texts": float(listed[prices.ALT_TEXT] if x.x_alt_text else 0),
        "replies": float(listed[prices.REPLY_WITH_LINK if x.reply_link == "gallery" else prices.REPLY]),
    }
    per_day = {
        "looking up posts again, at most": keep.recheck_day_usd * USD if keep else 0.0,
        "idle GPU": measured.idle_per_day or 0.0,
    }
    return Costs(per_answer, per_day, measured.reads_per_answer is not None)


def measure(engine: Engine, moment: datetime) -> Measured:
    """What the last 30 days cost, by the sums of the ledger."""
    since = f"{moment - timedelta(days=MEASURED_DAYS):%Y-%m-%d}"
    stmt = select(spendings.c.item, func.sum(spendings.c.count), func.sum(spendings.c.micro_usd))
    with reading(engine) as connection:
        rows = connection.execute(stmt.where(spendings.c.day > since).group_by(spendings.c.item)).all()
        days = connection.execute(
            select(func.count(spendings.c.day.distinct())).where(spendings.c.day > since)
        ).scalar_one()
    sums = {str(item): (int(count), int(micro)) for item, count, micro in rows}
    replies = sum(sums.get(item, (0, 0))[0] for item in REPLIES)
    idle = sums[prices.GPU_IDLE][1] / days if prices.GPU_IDLE in sums and days else None
    if replies < ENOUGH_REPLIES:
        return Measured(idle_per_day=idle)
    gpu = sums[prices.GPU][1] / replies if prices.GPU in sums else None
    return Measured(sums.get(prices.OWN_READ, (0, 0))[0] / replies or None, gpu, idle)


def bytes_per_picture(engine: Engine) -> float:
    """Bytes that one picture takes with its smaller copies: the average of the latest ones."""
    latest = select(pictures.c.size).order_by(pictures.c.id.desc()).limit(LATEST_PICTURES).subquery()
    with reading(engine) as connection:
        mean = connection.execute(select(func.avg(latest.c.size))).scalar_one()
    return float(mean or ASSUMED_BYTES) * FILES_PER_PICTURE


def month_at_this_pace(spent_micro_usd: int, moment: datetime) -> int:
    """Micro-dollars at the end of the month if it goes on as it began; a first day says little."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    next_month = (first + timedelta(days=32)).replace(day=1)
    elapsed = max((moment - first) / timedelta(days=1), 1.0)
    return round(spent_micro_usd * ((next_month - first) / timedelta(days=1)) / elapsed)
