"""The whole examination, in the order in which one would mend things: settings, X, painters, house, site, money.

Whatever goes wrong in one part is a line like any other, and the other parts are examined all the same.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from traceback import extract_tb

from sqlalchemy.exc import SQLAlchemyError

from bot.doctor import account, config, house, money, painters, site
from bot.doctor.config import Config
from bot.doctor.findings import Finding, fail, warn
from core.clock import now
from core.database import open_database
from core.errors import HouseError
from core.instance import instance_key
from core.money.forecast import Measured, measure
from core.money.ledger import bill
from core.money.prices import REPLY_WITH_LINK
from core.watching import watched_posts


def examine() -> Iterator[Finding]:
    """Everything there is to say, as it is found."""
    settings, findings = config.read_config()
    yield from findings
    yield from _examined("the settings", lambda: config.examine(settings))
    yield from _examined("the account on X", lambda: _account(settings))
    prices: list[float | None] = []
    yield from _examined("the painter", lambda: _painters(settings, prices))
    yield from _examined("the house", lambda: house.examine(settings))
    yield from _examined("the gallery", lambda: _site(settings))
    # The preferred painter's price: the others paint only while it does not.
    yield from _examined("the money", lambda: _money(settings, prices[0] if prices else None))
    yield warn("X wants to approve bots that answer with AI pictures", "ask for it before you announce; going-live.md")


def _examined(part: str, examine_it: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of one part. An exception is one more: its kind and its place, since its words may hold a secret."""
    try:
        yield from examine_it()
    except Exception as error:
        place = extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        yield fail(f"{part} cannot be examined to the end ({where})", "please report this line; the rest goes on")


def _account(settings: Config) -> Iterator[Finding]:
    if settings.x and settings.sign and config.keys_are_there(settings.x):
        yield from account.examine(settings.x, settings.sign.handle, settings.x.watched | _announced(settings))


def _painters(settings: Config, prices: list[float | None]) -> Iterator[Finding]:
    """`prices`: where the price that each of them tells is added."""
    for looked in painters.examine(settings.gpu) if settings.gpu else ():
        yield from looked.findings
        prices.append(looked.usd_per_second)


def _site(settings: Config) -> Iterator[Finding]:
    if settings.site and settings.x:
        yield from site.examine(settings.site, settings.x.x_api_url, _instance(settings))


def _money(settings: Config, painter: float | None) -> Iterator[Finding]:
    if settings.money and settings.x:
        yield from money.examine(
            settings.money,
            settings.x,
            settings.keep,
            measured=_measured(settings),
            painter=painter,
            linked=_linked(settings),
        )


def _instance(settings: Config) -> str:
    if settings.database is None:
        return ""
    try:
        return instance_key(open_database(settings.database.url))
    except (HouseError, SQLAlchemyError):
        return ""  # the database has its own line


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
