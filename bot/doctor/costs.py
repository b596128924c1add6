"""Check what a reply costs and how far the budgets reach. Pure."""

from collections.abc import Iterator

from bot.doctor.results import CheckResult, ok, warn
from core.budget import prices
from core.budget.forecast import DAYS_A_MONTH, GPU_SECONDS, USD, CostForecast, MeasuredCosts, forecast_costs
from core.settings import BudgetSettings, PurgeSettings, XSettings


def check_costs(
    money: BudgetSettings,
    x: XSettings,
    purge: PurgeSettings | None,
    *,
    measured: MeasuredCosts,
    gpu_usd_per_second: float | None = None,
    linked: tuple[int, int] = (0, 0),
) -> Iterator[CheckResult]:
    """Yield the costs of one reply, one day and one month.

    Args:
        measured: costs that the ledger measured in the last 30 days.
        gpu_usd_per_second: the price that the GPU service reports.
        linked: count and micro-dollars of replies with a link in the ledger.
    """
    try:
        costs = forecast_costs(money, x, purge, measured, gpu_usd_per_second)
    except ValueError:
        return  # `check_settings` reports wrong prices
    per_reply = sum(costs.per_reply.values())
    yield ok(f"an answered prompt costs about ${per_reply / USD:.4f}{_describe_gpu_share(money, gpu_usd_per_second)}")
    fixed = ", ".join(f"{item} ${micro / USD:.2f}" for item, micro in costs.per_day.items() if micro)
    if fixed:
        yield ok(f"additional costs per day: {fixed}")
    if x.reply_link == "gallery":
        yield _links(money, *linked)
    yield from _budgets(money, costs)
    if purge:
        price = prices.price_list(money.x_prices)[prices.POST_READ]
        budget = purge.post_recheck_daily_usd
        count = int(budget * USD / price) if price else 0
        yield ok(f"about {count:,} posts a day are looked up again within POST_RECHECK_DAILY_USD={budget:g}")


def _budgets(money: BudgetSettings, costs: CostForecast) -> Iterator[CheckResult]:
    """Yield how many replies each budget pays for."""
    for name, budget, span, days in (
        ("DAILY_BUDGET_USD", money.daily_budget_usd, "day", 1),
        ("MONTHLY_BUDGET_USD", money.monthly_budget_usd, "month", DAYS_A_MONTH),
    ):
        if budget is None:
            yield warn(f"{name} is none: nothing here limits the spending", "set a spending limit in the X console")
        elif answers := costs.replies_within(budget, days):
            yield ok(f"about {answers:,} answers a {span} within {name}={budget:g}")
        else:
            yield warn(f"{name}={budget:g} pays for no reply at all", "raise it, or lower POST_RECHECK_DAILY_USD")
    if money.daily_budget_usd and money.monthly_budget_usd and money.daily_budget_usd > money.monthly_budget_usd:
        yield warn("DAILY_BUDGET_USD is larger than MONTHLY_BUDGET_USD", "one day may use up the month")


def _links(money: BudgetSettings, count: int, micro_usd: int) -> CheckResult:
    """Compare prices of replies with a link. X's pages say that they cost no more; only X's bill can confirm it."""
    price = prices.price_list(money.x_prices)[prices.REPLY_WITH_LINK] / USD
    message = f"replies link to the gallery, at ${price:.3f} each by our price list"
    hint = "if X bills $0.20 for such a reply, set X_PRICES=reply_with_link=0.20, or REPLY_LINK=off"
    if not count:
        return warn(f"{message}; none was sent yet", f"send one and check X's bill: {hint}")
    return ok(f"{message}; {count:,} so far for ${micro_usd / USD:.3f} in our ledger; {hint}")


def _describe_gpu_share(money: BudgetSettings, gpu_usd_per_second: float | None) -> str:
    gpu_cost = prices.gpu_price(gpu_usd_per_second, money) * GPU_SECONDS
    if gpu_cost:
        return f", ${gpu_cost / USD:.4f} of it for {GPU_SECONDS:g} s of GPU time, without idle time"
    return "" if money.gpu_usd_per_hour is not None else "; the GPU service reports no price before its first picture"
