"""Check queue, database and storage. Writes nothing except one small file, which it removes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Engine, exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.doctor.results import CheckResult, fail, ok, warn
from bot.doctor.settings import Config
from core.budget.forecast import ASSUMED_BYTES, FILES_PER_PICTURE, average_picture_bytes
from core.clock import now
from core.database import open_database, read_connection
from core.errors import ThreadpaintError, TryLater
from core.instance import WrongStorage, check_storage
from core.migrate import require_current
from core.models import creations, posts
from core.poll_status import read_polling
from core.queue import open_queue
from core.settings import DatabaseSettings, PurgeSettings, QueueSettings, StorageSettings
from core.x_problems import render_poller

GIB = 1024**3
MIN_FREE_BYTES = 2 * GIB


def check_infrastructure(config: Config) -> Iterator[CheckResult]:
    """Check each part on its own."""
    if config.queue:
        yield _check_queue(config.queue)
    if config.database:
        yield from _check_database(config.database, config.purge)
    if config.storage:
        yield _check_storage(config.storage, config.database)
        if config.database:
            yield from _check_marker(config.storage, config.database)


def _check_queue(settings: QueueSettings) -> CheckResult:
    queue = open_queue(settings.url)
    try:
        queue.ping()
        workers = queue.count_workers()
    except TryLater as error:
        hint = "check REDIS_URL" if settings.redis_url else "start it: threadpaint queue-server"
        reason = str(error).removeprefix(f"{error.code}: ")[:200]
        return fail(f"the queue does not respond ({reason})", hint)
    if not workers:
        return warn("the queue responds, but no worker is running", "start one: threadpaint work")
    return ok(f"the queue responds, {workers} workers are running")


def _check_database(settings: DatabaseSettings, purge: PurgeSettings | None) -> Iterator[CheckResult]:
    try:
        engine = open_database(settings.url)
        require_current(engine)
    except ThreadpaintError as error:
        message, _, hint = str(error).partition("; run: ")
        yield fail(message, hint or "check DATABASE_URL")
        return
    except SQLAlchemyError as error:
        yield fail(f"the database cannot be read ({type(error).__name__})", "check DATABASE_URL")
        return
    yield ok(f"the database is up to date ({engine.dialect.name})")
    yield _check_poller(engine)
    if purge:
        yield from _check_overdue(engine, purge)
    engine.dispose()


def _check_poller(engine: Engine) -> CheckResult:
    polling = read_polling(engine)
    line = render_poller(polling)
    if polling.holder is None:
        return warn(line, "start one: threadpaint poll")
    return warn(line, "see its log") if polling.failing_since else ok(line)


def _check_marker(storage: StorageSettings, database: DatabaseSettings) -> Iterator[CheckResult]:
    """Check that the folder belongs to this instance."""
    try:
        check_storage(open_database(database.url), storage.folder)
    except WrongStorage as error:
        message, _, hint = str(error).partition(": ")[2].partition(". ")
        yield fail(f"pictures: {message}", hint)
    except (ThreadpaintError, SQLAlchemyError, OSError):
        return  # database and folder have their own checks


def _check_overdue(engine: Engine, purge: PurgeSettings) -> Iterator[CheckResult]:
    """Warn about posts that should have been looked up by now: X demands that deleted posts disappear within a day."""
    since = now() - timedelta(hours=purge.post_recheck_hours) - timedelta(hours=4)
    has_creation = exists().where(creations.c.post_id == posts.c.id, creations.c.deleted_at.is_(None))
    stmt = (
        select(func.count())
        .select_from(posts)
        .where(posts.c.deleted_on_x_at.is_(None), posts.c.last_checked_on_x_at < since, has_creation)
    )
    with read_connection(engine) as connection:
        count = int(connection.execute(stmt).scalar_one())
    if count:
        budget = f"POST_RECHECK_DAILY_USD (now {purge.post_recheck_daily_usd:g})"
        hint = f"each look-up costs $0.005: raise {budget}, or start a worker"
        yield warn(f"{count:,} posts were not looked up on X for a day", hint)


def _check_storage(settings: StorageSettings, database: DatabaseSettings | None) -> CheckResult:
    folder = settings.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"x")
            file.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return fail(f"pictures cannot be stored in {folder} ({error.strerror})", "check STORAGE_URL and its owner")
    if free < MIN_FREE_BYTES:
        return warn(f"{free / GIB:.1f} GiB are free for pictures", f"free some space: {_describe_size(database)}")
    return ok(f"pictures are stored in {folder}, {free / GIB:,.0f} GiB free; {_describe_size(database)}")


def _describe_size(database: DatabaseSettings | None) -> str:
    """Estimate from stored pictures: photographs of 1024 pixels take five times the space of sketches."""
    picture_bytes = ASSUMED_BYTES * FILES_PER_PICTURE
    if database:
        with suppress(ThreadpaintError, SQLAlchemyError):
            picture_bytes = average_picture_bytes(open_database(database.url))
    return f"a thousand pictures take about {1000 * picture_bytes / GIB:.2f} GiB"
