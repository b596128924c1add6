"""Says in words what an answer costs and how far the budgets reach. Pure."""

from collections.abc import Iterator

from bot.doctor.findings import Finding, ok, warn
from core.money import prices
from core.money.forecast import DAYS_A_MONTH, GPU_SECONDS, USD, Costs, Measured, forecast_costs
from core.settings import KeepSettings, MoneySettings, XSettings


def examine(
    money: MoneySettings,
    x: XSettings,
    keep: KeepSettings | None,
    *,
    measured: Measured,
    painter: float | None = None,
    linked: tuple[int, int] = (0, 0),
) -> Iterator[Finding]:
    """One answer, one day, one month.

    Args:
        painter: dollars per second that the painter tells.
        linked: count and micro-dollars of replies with a link in the ledger.
        measured: what the ledger says of the last days.
    """
    try:
        costs = forecast_costs(money, x, keep, measured, painter)
    except ValueError:
        return  # told already
    one = sum(costs.per_answer.values())
    yield ok(f"an answered prompt costs about ${one / USD:.4f}{_of_the_painter(money, painter)}")
    anyway = ", ".join(f"{item} ${micro / USD:.2f}" for item, micro in costs.per_day.items() if micro)
    if anyway:
        yield ok(f"each day costs beside that: {anyway}")
    if x.reply_link == "gallery":
        yield _links(money, *linked)
    yield from _budgets(money, costs)
    if keep:
        price = prices.price_list(money.prices)[prices.POST_READ]
        many = int(keep.recheck_day_usd * USD / price) if price else 0
        yield ok(f"about {many:,} posts a day are looked up again within RECHECK_DAY_USD={keep.recheck_day_usd:g}")


def _budgets(money: MoneySettings, costs: Costs) -> Iterator[Finding]:
    """How many answers each budget pays for."""
    for name, budget, span, days in (
        ("BUDGET_DAY_USD", money.budget_day_usd, "day", 1),
        ("BUDGET_MONTH_USD", money.budget_month_usd, "month", DAYS_A_MONTH),
    ):
        if budget is None:
            yield warn(f"{name} is none: nothing here stops the spending", "set a spending limit in the X console")
        elif answers := costs.answers_within(budget, days):
            yield ok(f"about {answers:,} answers a {span} within {name}={budget:g}")
        else:
            yield warn(f"{name}={budget:g} pays for no answer at all", "raise it, or lower RECHECK_DAY_USD")
    if money.budget_day_usd and money.budget_month_usd and money.budget_day_usd > money.budget_month_usd:
        yield warn("BUDGET_DAY_USD is larger than BUDGET_MONTH_USD", "one day may use up the month")


def _links(money: MoneySettings, count: int, micro_usd: int) -> Finding:
    """X's pages say that a link in a summoned reply costs nothing more. Only the bill can tell."""
    price = prices.price_list(money.prices)[prices.REPLY_WITH_LINK] / USD
    what = f"replies link to the gallery, at ${price:.3f} each by our price list"
    to_do = "if X bills $0.20 for such a reply, set PRICES=reply_with_link=0.20, or REPLY_LINK=off"
    if not count:
        return warn(f"{what}; none was sent yet", f"send one and look at X's bill: {to_do}")
    return ok(f"{what}; {count:,} so far for ${micro_usd / USD:.3f} in our ledger; {to_do}")


def _of_the_painter(money: MoneySettings, painter: float | None) -> str:
    """What of it is painting, and what is not known."""
    painted = prices.gpu_price(painter, money) * GPU_SECONDS
    if painted:
        return f", ${painted / USD:.4f} of it for {GPU_SECONDS:g} s of painting, without the painter's idle time"
    return "" if money.gpu_usd_per_hour is not None else "; the painter tells no price before it has painted"
