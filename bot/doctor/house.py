"""Checks the house itself: queue, database, storage. Writes nothing but one small file that it removes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Engine, exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.doctor.config import Config
from bot.doctor.findings import Finding, fail, ok, warn
from core.clock import now
from core.database import open_database, reading
from core.errors import HouseError, TryLater
from core.failing import poller_line
from core.instance import WrongStorage, check_storage
from core.models import creations, posts
from core.money.forecast import ASSUMED_BYTES, FILES_PER_PICTURE, bytes_per_picture
from core.polling import read_polling
from core.queue import open_queue
from core.schema import require_current
from core.settings import DatabaseSettings, KeepSettings, QueueSettings, StorageSettings

GIB = 1024**3
LITTLE_SPACE = 2 * GIB


def examine(config: Config) -> Iterator[Finding]:
    """Each part by itself."""
    if config.queue:
        yield _queue(config.queue)
    if config.database:
        yield from _database(config.database, config.keep)
    if config.storage:
        yield _storage(config.storage, config.database)
        if config.database:
            yield from _marker(config.storage, config.database)


def _queue(settings: QueueSettings) -> Finding:
    queue = open_queue(settings.url)
    try:
        queue.ping()
        workers = queue.count_workers()
    except TryLater as error:
        to_do = "check REDIS_URL" if settings.redis_url else "start it: python -m core queue-server"
        reason = str(error).removeprefix(f"{error.code}: ")[:200]
        return fail(f"the queue does not answer ({reason})", to_do)
    if not workers:
        return warn("the queue answers, but no worker is at work", "start one: python -m worker")
    return ok(f"the queue answers, {workers} workers are at work")


def _database(settings: DatabaseSettings, keep: KeepSettings | None) -> Iterator[Finding]:
    try:
        engine = open_database(settings.url)
        require_current(engine)
    except HouseError as error:
        what, _, to_do = str(error).partition("; run: ")
        yield fail(what, to_do or "check DATABASE_URL")
        return
    except SQLAlchemyError as error:
        yield fail(f"the database cannot be read ({type(error).__name__})", "check DATABASE_URL")
        return
    yield ok(f"the database is there and up to date ({engine.dialect.name})")
    yield _poller(engine)
    if keep:
        yield from _overdue(engine, keep)
    engine.dispose()


def _poller(engine: Engine) -> Finding:
    polling = read_polling(engine)
    line = poller_line(polling)
    if polling.holder is None:
        return warn(line, "start one: python -m bot")
    return warn(line, "see its log") if polling.failing_since else ok(line)


def _marker(storage: StorageSettings, database: DatabaseSettings) -> Iterator[Finding]:
    """Whether it is the folder in which this instance keeps its pictures."""
    try:
        check_storage(open_database(database.url), storage.folder)
    except WrongStorage as error:
        what, _, to_do = str(error).partition(": ")[2].partition(". ")
        yield fail(f"pictures: {what}", to_do)
    except (HouseError, SQLAlchemyError, OSError):
        return  # the database and the folder have lines of their own


def _overdue(engine: Engine, keep: KeepSettings) -> Iterator[Finding]:
    """Posts that X would have looked up by now: what is deleted there must be gone here within a day."""
    since = now() - timedelta(hours=keep.recheck_hours) - timedelta(hours=4)
    alive = exists().where(creations.c.post_id == posts.c.id, creations.c.deleted_at.is_(None))
    overdue = (
        select(func.count()).select_from(posts).where(posts.c.gone_at.is_(None), posts.c.checked_at < since, alive)
    )
    with reading(engine) as connection:
        count = int(connection.execute(overdue).scalar_one())
    if count:
        to_do = f"each look costs $0.005: raise RECHECK_DAY_USD (now {keep.recheck_day_usd:g}), or start a worker"
        yield warn(f"{count:,} posts were not looked up on X for a day", to_do)


def _storage(settings: StorageSettings, database: DatabaseSettings | None) -> Finding:
    folder = settings.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"x")
            file.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return fail(f"pictures cannot be kept in {folder} ({error.strerror})", "check STORAGE_URL and its owner")
    if free < LITTLE_SPACE:
        return warn(f"{free / GIB:.1f} GiB are free for pictures", f"make room: {_each(database)}")
    return ok(f"pictures are kept in {folder}, {free / GIB:,.0f} GiB free; {_each(database)}")


def _each(database: DatabaseSettings | None) -> str:
    """What pictures take, by those that there are: photographs of 1024 pixels take five times what sketches take."""
    taken = ASSUMED_BYTES * FILES_PER_PICTURE
    if database:
        with suppress(HouseError, SQLAlchemyError):
            taken = bytes_per_picture(open_database(database.url))
    return f"a thousand pictures take about {1000 * taken / GIB:.2f} GiB"
