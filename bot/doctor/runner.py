"""Run all checks in the order in which an operator fixes things.

settings | X account | GPU service | infrastructure | gallery | costs

An exception in one part becomes one failed check, and the other parts still run.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from traceback import extract_tb

from sqlalchemy.exc import SQLAlchemyError

from bot.doctor import account, costs, gpu, infrastructure, settings, site
from bot.doctor.results import CheckResult, fail, warn
from bot.doctor.settings import Config
from core.budget.forecast import MeasuredCosts, measure_costs
from core.budget.ledger import totals_by_item
from core.budget.prices import REPLY_WITH_LINK
from core.clock import now
from core.database import open_database
from core.errors import ThreadpaintError
from core.instance import instance_key
from core.watched_posts import watched_post_ids


def run_checks() -> Iterator[CheckResult]:
    """Yield the result of each check as soon as it is known."""
    config, results = settings.load_config()
    yield from results
    yield from _guard("the settings", lambda: settings.check_settings(config))
    yield from _guard("the account on X", lambda: _check_account(config))
    prices: list[float | None] = []
    yield from _guard("the GPU service", lambda: _check_gpu(config, prices))
    yield from _guard("the infrastructure", lambda: infrastructure.check_infrastructure(config))
    yield from _guard("the gallery", lambda: _check_site(config))
    # The preferred backend's price: the others paint only while it is unavailable.
    yield from _guard("the costs", lambda: _check_costs(config, prices[0] if prices else None))
    yield warn(
        "X must approve bots that reply with AI pictures",
        "ask for approval before you announce; see docs/going-live.md",
    )


def _guard(part: str, run: Callable[[], Iterable[CheckResult]]) -> Iterator[CheckResult]:
    """Yield the results of one part. Report an exception by type and place only: its text may hold a secret."""
    try:
        yield from run()
    except Exception as error:
        place = extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        yield fail(
            f"{part} could not be checked completely ({where})", "please report this line; the other checks still run"
        )


def _check_account(config: Config) -> Iterator[CheckResult]:
    if config.x and config.identity and settings.has_keys(config.x):
        watched = config.x.watched | _announced_posts(config)
        yield from account.check_account(config.x, config.identity.handle, watched)


def _check_gpu(config: Config, prices: list[float | None]) -> Iterator[CheckResult]:
    """Append the price that each backend reports to `prices`."""
    for check in gpu.check_gpu(config.gpu) if config.gpu else ():
        yield from check.results
        prices.append(check.usd_per_second)


def _check_site(config: Config) -> Iterator[CheckResult]:
    if config.site and config.x:
        yield from site.check_site(config.site, config.x.x_api_url, _instance_key(config))


def _check_costs(config: Config, gpu_usd_per_second: float | None) -> Iterator[CheckResult]:
    if config.money and config.x:
        yield from costs.check_costs(
            config.money,
            config.x,
            config.purge,
            measured=_measured_costs(config),
            gpu_usd_per_second=gpu_usd_per_second,
            linked=_linked_replies(config),
        )


def _instance_key(config: Config) -> str:
    if config.database is None:
        return ""
    try:
        return instance_key(open_database(config.database.url))
    except (ThreadpaintError, SQLAlchemyError):
        return ""  # the database has its own check


def _linked_replies(config: Config) -> tuple[int, int]:
    """Return count and micro-dollars of replies with a link so far."""
    if config.database is None:
        return 0, 0
    try:
        return totals_by_item(open_database(config.database.url)).get(REPLY_WITH_LINK, (0, 0))
    except (ThreadpaintError, SQLAlchemyError):
        return 0, 0  # the database has its own check


def _measured_costs(config: Config) -> MeasuredCosts:
    """Return what the ledger measured; nothing if the database cannot be read, which has its own check."""
    if config.database is None:
        return MeasuredCosts()
    try:
        return measure_costs(open_database(config.database.url), now())
    except (ThreadpaintError, SQLAlchemyError):
        return MeasuredCosts()


def _announced_posts(config: Config) -> frozenset[int]:
    if config.database is None:
        return frozenset()
    try:
        return watched_post_ids(open_database(config.database.url))
    except (ThreadpaintError, SQLAlchemyError):
        return frozenset()  # the database has its own check
