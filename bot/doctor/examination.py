"""The whole examination, in the order in which one would mend things: settings, X, painters, house, money, approval."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from bot.doctor import account, config, house, money, painters
from bot.doctor.config import Config
from bot.doctor.findings import Finding, warn
from core.clock import now
from core.database import open_database
from core.errors import HouseError
from core.money.forecast import Measured, measure
from core.money.ledger import bill
from core.money.prices import REPLY_WITH_LINK
from core.watching import watched_posts


def examine() -> Iterator[Finding]:
    """Everything there is to say, as it is found."""
    settings, findings = config.read_config()
    yield from findings
    yield from config.examine(settings)
    if settings.x and settings.sign and config.keys_are_there(settings.x):
        yield from account.examine(settings.x, settings.sign.handle, settings.x.watched | _announced(settings))
    prices: list[float | None] = []
    for looked in painters.examine(settings.gpu) if settings.gpu else ():
        yield from looked.findings
        prices.append(looked.usd_per_second)
    yield from house.examine(settings)
    if settings.money and settings.x:
        # The preferred painter's price: the others paint only while it does not.
        painter = prices[0] if prices else None
        yield from money.examine(
            settings.money,
            settings.x,
            settings.keep,
            measured=_measured(settings),
            painter=painter,
            linked=_linked(settings),
        )
    yield warn("X wants to approve bots that answer with AI pictures", "ask for it before you announce; going-live.md")


def _linked(settings: Config) -> tuple[int, int]:
    """Count and micro-dollars of replies with a link so far."""
    if settings.database is None:
        return 0, 0
    try:
        return bill(open_database(settings.database.url)).get(REPLY_WITH_LINK, (0, 0))
    except (HouseError, SQLAlchemyError):
        return 0, 0  # the database has its own line


def _measured(settings: Config) -> Measured:
    """What the ledger says of the last days; nothing if the database cannot be read, which has a line of its own."""
    if settings.database is None:
        return Measured()
    try:
        return measure(open_database(settings.database.url), now())
    except (HouseError, SQLAlchemyError):
        return Measured()


def _announced(settings: Config) -> frozenset[int]:
    if settings.database is None:
        return frozenset()
    try:
        return watched_posts(open_database(settings.database.url))
    except (HouseError, SQLAlchemyError):
        return frozenset()  # the database has its own line
