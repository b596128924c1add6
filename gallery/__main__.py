"""Serve the gallery until SIGTERM or Ctrl-C: `python -m gallery`. Connect settings, database, storage and queue."""

import gc
import os
import socket
from contextlib import suppress
from typing import Annotated

import typer
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from core.budget.prices import price_list
from core.database import open_database
from core.errors import SettingsError
from core.health import check_health, check_picture_storage
from core.logs import configure_logs, get_logger
from core.private_files import keep_private
from core.queue import PAINT, open_queue
from core.scheduling import Dispatcher
from core.scheduling.eta import load_capacity
from core.settings import (
    AppSettings,
    BudgetSettings,
    DatabaseSettings,
    PollSettings,
    QueueSettings,
    RateLimitSettings,
    StorageSettings,
    UsagePolicySettings,
    load,
    warn_about_unknown_settings,
)
from core.sliding_window import RedisSlidingWindow
from core.storage import FolderStorage
from core.upload_store import UploadStore
from core.x.rate_limit import XRateLimiter
from gallery.app import create_app
from gallery.server import Server, server_config
from gallery.settings import GallerySettings
from gallery.web.context import CreationConfig
from gallery.web.rate_limits import RateLimiter

log = get_logger(__name__)

# A stop waits this long for responses under way; the supervisor gives every process five seconds.
GRACE_SECONDS = 2


def serve(
    port: Annotated[int | None, typer.Option(help="port to listen on [GALLERY_PORT, default 8000]")] = None,
    host: Annotated[str | None, typer.Option(help="address to listen on [GALLERY_HOST, default 127.0.0.1]")] = None,
) -> None:
    """Serve the gallery. Options win over the environment."""
    try:
        options = {"gallery_port": port, "gallery_host": host}
        options = {name: value for name, value in options.items() if value is not None}
        settings = _apply_platform_port(load(AppSettings, **options))
        keep_private(settings.data_dir)
        configure_logs(level=settings.log_level, as_json=settings.log_json, process="web")
        warn_about_unknown_settings()
        app = _create_app(settings)
        listener = _listen(settings.gallery_host, settings.gallery_port)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    _run(app, listener, settings)


def _apply_platform_port(settings: AppSettings) -> AppSettings:
    """Use a hosting platform's `PORT` on all interfaces, unless our own settings name a port or host.

    honcho sets `PORT` too, on the operator's own machine: there the default host stays 127.0.0.1.
    """
    port, explicit = os.environ.get("PORT", ""), settings.model_fields_set
    if not port or "gallery_port" in explicit:
        return settings
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"PORT is wrong: {port!r} is not a port number (for example: PORT=8000)")
    keeps_host = "gallery_host" in explicit or "HONCHO_PROCESS_NAME" in os.environ
    host = settings.gallery_host if keeps_host else "0.0.0.0"  # noqa: S104  # the platform's router comes from outside
    return settings.model_copy(update={"gallery_port": int(port), "gallery_host": host})


def _create_app(settings: AppSettings) -> FastAPI:
    engine = open_database(load(DatabaseSettings).url)
    queue_url = load(QueueSettings).url
    queue = open_queue(queue_url)
    rate_limiter, money, poll = XRateLimiter(queue, load(RateLimitSettings)), _load_money(), load(PollSettings)
    poll_interval = max(poll.poll_seconds, poll.poll_max_seconds)
    storage, dispatcher = FolderStorage(load(StorageSettings).folder), Dispatcher(engine, queue, rate_limiter, money)
    with suppress(SQLAlchemyError):  # the site answers 503 until the database is up, and `/healthz` checks again
        check_picture_storage(engine, storage)
    return create_app(
        engine=engine,
        storage=storage,
        health=lambda: check_health(engine, queue, rate_limiter, money, poll_seconds=poll_interval, storage=storage),
        load_capacity=lambda: load_capacity(engine, queue, rate_limiter, money),
        public_url=settings.gallery_url,
        settings=load(GallerySettings),
        prices=price_list(money.x_prices),
        rate_limiter=RateLimiter(shared=RedisSlidingWindow(queue_url, f"limits:{settings.gallery_url}")),
        creation_config=CreationConfig(
            UploadStore(storage.folder),
            lambda: dispatcher.dispatch(PAINT),
            load(UsagePolicySettings),
            money,
            poll.prompt_limit,
        ),
    )


def _load_money() -> BudgetSettings:
    """Return the budgets. Check the prices now, not on the first page that needs them."""
    money = load(BudgetSettings)
    try:
        price_list(money.x_prices)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return money


def _listen(host: str, port: int) -> socket.socket:
    """Open the port before the server starts, so that a port in use is an error of one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"GALLERY_PORT {port} on GALLERY_HOST {host} cannot be used: {reason}") from None


def _run(app: FastAPI, listener: socket.socket, settings: AppSettings) -> None:
    # Objects loaded so far live as long as the process. Excluding them from GC took p99 from 59 to 22 ms.
    gc.collect()
    gc.freeze()
    config = server_config(
        app,
        log_config=None,
        log_level=settings.log_level.lower(),
        access_log=settings.gallery_access_log or settings.log_level.lower() == "debug",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    log.info("gallery started", address=address, public=settings.gallery_url or None, access_log=config.access_log)
    Server(config, app.state.live).run(sockets=[listener])


if __name__ == "__main__":
    typer.run(serve)
