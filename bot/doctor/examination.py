"""The whole examination, in the order in which one would mend things: settings, X, house, money, what only X knows."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from bot.doctor import account, config, house, money
from bot.doctor.config import Config
from bot.doctor.findings import Finding, warn
from core.database import open_database
from core.errors import HouseError
from core.watching import watched_posts


def examine() -> Iterator[Finding]:
    """Everything there is to say, as it is found."""
    settings, findings = config.read_config()
    yield from findings
    yield from config.examine(settings)
    if settings.x and settings.sign and config.keys_are_there(settings.x):
        yield from account.examine(settings.x, settings.sign.handle, settings.x.watched | _announced(settings))
    yield from house.examine(settings)
    if settings.money and settings.x:
        yield from money.examine(settings.money, settings.x, settings.keep)
    yield warn("X wants to approve bots that answer with AI pictures", "ask for it before you announce; going-live.md")


def _announced(settings: Config) -> frozenset[int]:
    if settings.database is None:
        return frozenset()
    try:
        return watched_posts(open_database(settings.database.url))
    except (HouseError, SQLAlchemyError):
        return frozenset()  # the database has its own line
