"""Checks the house itself: painter, queue, database, storage. Writes nothing but one small file that it removes."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta

import httpx
from sqlalchemy import Engine, exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.doctor.config import Config
from bot.doctor.findings import Finding, fail, ok, warn
from core.clock import now
from core.database import open_database, reading
from core.errors import HouseError, TryLater
from core.models import creations, posts
from core.queue import open_queue
from core.schema import require_current
from core.settings import DatabaseSettings, GpuSettings, KeepSettings, QueueSettings, StorageSettings

GIB = 1024**3
LITTLE_SPACE = 2 * GIB
# A service that scales to zero may take a while to wake.
PATIENCE = httpx.Timeout(60, connect=10)


def examine(config: Config) -> Iterator[Finding]:
    """Each part by itself."""
    if config.gpu:
        yield from _painter(config.gpu)
    if config.queue:
        yield _queue(config.queue)
    if config.database:
        yield from _database(config.database, config.keep)
    if config.storage:
        yield _storage(config.storage)


def _painter(settings: GpuSettings) -> Iterator[Finding]:
    token = settings.gpu_token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(timeout=PATIENCE, follow_redirects=True, trust_env=False) as http:
            health = http.get(f"{settings.url}/healthz")
            # An order for nothing: who may paint is told that it is empty, who may not is told that.
            order = http.post(f"{settings.url}/v1/paint", json={}, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield fail(f"the painter does not answer ({type(error).__name__})", "start it, and check GPU_URL")
        return
    yield _painter_health(health)
    yield _painter_token(order.status_code, is_given=bool(token))


def _painter_health(health: httpx.Response) -> Finding:
    try:
        told = health.json()
        status, model = str(told["status"]), str(told.get("model", "?"))
    except (ValueError, KeyError, TypeError):
        return fail(f"what answers at GPU_URL is no painter (status {health.status_code})", "check GPU_URL")
    if status == "ok" and model == "sketch":
        return warn(
            "the painter is the sketch: it draws without a model", "deploy the real one, see docs/going-live.md"
        )
    if status == "ok":
        return ok(f"the painter is ready: {model[:80]}")
    return warn(f"the painter is {status[:40]}", "look again in a minute")


def _painter_token(status: int, *, is_given: bool) -> Finding:
    if status in (401, 403):
        return fail("the painter does not accept GPU_TOKEN", "set the same GPU_TOKEN here and on the service")
    if status not in (400, 422, 429, 503):
        return warn(
            f"the painter answers an empty order with {status}", "check that GPU_URL is a painter of this version"
        )
    if is_given:
        return ok("the painter accepts GPU_TOKEN")
    return warn("the painter paints for anybody who finds it", "set the same GPU_TOKEN here and on the service")


def _queue(settings: QueueSettings) -> Finding:
    queue = open_queue(settings.url)
    try:
        queue.ping()
        workers = queue.count_workers()
    except TryLater:
        to_do = "check REDIS_URL" if settings.redis_url else "start it: python -m core queue-server"
        return fail("the queue does not answer", to_do)
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
    if keep:
        yield from _overdue(engine, keep)
    engine.dispose()


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


def _storage(settings: StorageSettings) -> Finding:
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
        return warn(f"{free / GIB:.1f} GiB are free for pictures", "make room: a thousand pictures take about 0.1 GiB")
    return ok(f"pictures are kept in {folder}, {free / GIB:,.0f} GiB free")
