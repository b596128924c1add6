"""`python -m gallery`: serves the site until SIGTERM or Ctrl-C. Wires settings, database, storage and queue."""

import gc
import os
import socket
from contextlib import suppress
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from core.database import open_database
from core.errors import SettingsError
from core.health import look, note_storage
from core.line import Line
from core.line.waiting import look_around
from core.logs import configure_logs, get_logger
from core.money.prices import price_list
from core.pace import Pace
from core.private_files import keep_private
from core.queue import PAINT, open_queue
from core.recent_hits import RedisHits
from core.settings import (
    DatabaseSettings,
    HouseSettings,
    MoneySettings,
    PaceSettings,
    PollSettings,
    QueueSettings,
    RuleSettings,
    StorageSettings,
    load,
    warn_of_misspelt_settings,
)
from core.storage import FolderStorage
from core.uploads import Uploads
from gallery.app import create_app
from gallery.connections import limited
from gallery.limits import Limits
from gallery.serving import Server
from gallery.settings import GallerySettings
from gallery.workshop import Workshop

log = get_logger(__name__)

# A stopping site waits this long for answers under way; the supervisor gives every process five seconds.
GRACE_SECONDS = 2


def serve(
    port: Annotated[int | None, typer.Option(help="port to listen on [GALLERY_PORT, default 8000]")] = None,
    host: Annotated[str | None, typer.Option(help="address to listen on [GALLERY_HOST, default 127.0.0.1]")] = None,
) -> None:
    """Serve the gallery. Options win over the environment."""
    try:
        given = {"gallery_port": port, "gallery_host": host}
        house = _with_port_of_platform(
            load(HouseSettings, **{name: value for name, value in given.items() if value is not None})
        )
        keep_private(house.data_dir)
        configure_logs(level=house.log_level, as_json=house.log_json, process="web")
        warn_of_misspelt_settings()
        app = _site(house)
        listener = _listen(house.gallery_host, house.gallery_port)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    _run(app, listener, house)


def _with_port_of_platform(house: HouseSettings) -> HouseSettings:
    """Listen where a hosting platform says (`PORT`, on all interfaces), unless our own settings name a port or host.

    honcho hands out a `PORT` too, on the operator's own machine: there the default host stays this machine alone.
    """
    port, given = os.environ.get("PORT", ""), house.model_fields_set
    if not port or "gallery_port" in given:
        return house
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"PORT is wrong: {port!r} is no port (for example: PORT=8000)")
    runs_here = "gallery_host" in given or "HONCHO_PROCESS_NAME" in os.environ
    host = house.gallery_host if runs_here else "0.0.0.0"  # noqa: S104  # the platform's router comes from outside
    return house.model_copy(update={"gallery_port": int(port), "gallery_host": host})


def _site(house: HouseSettings) -> FastAPI:
    engine = open_database(load(DatabaseSettings).url)
    queue_url = load(QueueSettings).url
    queue = open_queue(queue_url)
    pace, money, poll = Pace(queue, load(PaceSettings)), _money(), load(PollSettings)
    longest_rest = max(poll.poll_seconds, poll.poll_idle_seconds)
    storage, line = FolderStorage(load(StorageSettings).folder), Line(engine, queue, pace, money)
    with suppress(SQLAlchemyError):  # the site opens when the database is there; `/healthz` looks again
        note_storage(engine, storage)
    return create_app(
        engine=engine,
        storage=storage,
        health=lambda: look(engine, queue, pace, money, poll_seconds=longest_rest, storage=storage),
        look_around=lambda: look_around(engine, queue, pace, money),
        public_url=house.gallery_url,
        settings=load(GallerySettings),
        prices=price_list(money.prices),
        limits=Limits(shared=RedisHits(queue_url, f"limits:{house.gallery_url}")),
        workshop=Workshop(
            Uploads(storage.folder), lambda: line.call_up(PAINT), load(RuleSettings), money, poll.prompt_limit
        ),
    )


def _money() -> MoneySettings:
    """The budgets. A wrong price is told at the start, not on the first page that needs it."""
    money = load(MoneySettings)
    try:
        price_list(money.prices)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return money


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else: a taken one is a wrong setting, told in one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"GALLERY_PORT {port} on GALLERY_HOST {host} cannot be used: {reason}") from None


def _run(app: FastAPI, listener: socket.socket, house: HouseSettings) -> None:
    # What is loaded by now lives as long as the process: not looking at it again took p99 from 59 to 22 ms.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        **limited(app),
        log_config=None,
        log_level=house.log_level.lower(),
        access_log=house.gallery_access_log or house.log_level.lower() == "debug",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    at = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    log.info("the gallery listens", address=at, public=house.gallery_url or None, access_log=config.access_log)
    Server(config, app.state.live).run(sockets=[listener])


if __name__ == "__main__":
    typer.run(serve)
