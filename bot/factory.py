"""Build the poller and its X client from the settings, and stop it by signals."""

import signal
import threading

from sqlalchemy import Engine

from bot.doctor.settings import BotIdentitySettings
from bot.poller import Poller
from core.database import open_database
from core.database_lease import ProcessLease
from core.errors import ThreadpaintError
from core.logs import configure_logs
from core.migrate import wait_until_current
from core.poll_status import LEASE
from core.private_files import keep_private
from core.queue import open_queue
from core.scheduling import Dispatcher
from core.settings import (
    AppSettings,
    BudgetSettings,
    DatabaseSettings,
    PollSettings,
    QueueSettings,
    RateLimitSettings,
    UsagePolicySettings,
    XSettings,
    load,
    warn_about_unknown_settings,
)
from core.x import XClient, open_x
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import XRateLimiter


def build_poller() -> Poller:
    """Build the poller. Wait for the database if it is not up yet."""
    client, dispatcher = build_client()
    rules, watched, identity = load(UsagePolicySettings), load(XSettings).watched, load(BotIdentitySettings)
    return Poller(
        client,
        dispatcher.engine,
        dispatcher,
        load(PollSettings),
        rules,
        dispatcher.money,
        watched=watched,
        expected_handle=identity.handle if "bot_handle" in identity.model_fields_set else "",
        lease=ProcessLease(dispatcher.engine, LEASE),
    )


def build_client() -> tuple[XClient, Dispatcher]:
    """Build an X client and a dispatcher that share rate limiter and budget."""
    app, x = load(AppSettings), load(XSettings)
    keep_private(app.data_dir)
    configure_logs(level=app.log_level, as_json=app.log_json, process="poller")
    warn_about_unknown_settings()
    engine, queue, money = _await_database(), open_queue(load(QueueSettings).url), load(BudgetSettings)
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings))
    return open_x(x, MeteredCallGuard(rate_limiter, engine, money)), Dispatcher(engine, queue, rate_limiter, money)


def poll_once(poller: Poller) -> int:
    """Poll once and return the number of new creations. Raise ThreadpaintError if another poller is active.

    Two pollers would both read, and pay for, the same posts.
    """
    lease = poller.lease
    if lease is None or lease.acquire():
        try:
            return poller.poll_once()
        finally:
            if lease:
                lease.release()
    holder = lease.holder()
    raise ThreadpaintError(
        f"another poller is active (pid {holder.pid} on {holder.host})" if holder else "another poller just started"
    )


def stopped_by_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _await_database() -> Engine:
    settings = load(DatabaseSettings)
    engine = open_database(settings.url)
    wait_until_current(engine, settings.database_wait_seconds)
    return engine
