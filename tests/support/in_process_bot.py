"""The bot in one process, step by step: poller, dispatcher, paint and reply jobs against the real sandbox X.

Rate limiter and ledger are real. Nothing sleeps: a round advances X's clock by a minute, makes every creation due and
runs the jobs that were dispatched.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.poller import Poller
from core.cli.status import render_status
from core.errors import ThreadpaintError
from core.gpu_health import GpuCircuitBreaker
from core.health import check_health
from core.models import Creation
from core.queue import PAINT, REPLY, WorkQueue, creation_id_of
from core.scheduling import Dispatcher
from core.settings import (
    BudgetSettings,
    JobSettings,
    PollSettings,
    PurgeSettings,
    RateLimitSettings,
    UsagePolicySettings,
    load,
)
from core.storage import FolderStorage
from core.x import XClient
from core.x.call_guard import MeteredCallGuard
from core.x.rate_limit import XRateLimiter
from tests.support.rows import make_due, read_creation
from tests.support.sandbox_x import SandboxX
from worker.gpu.client import GpuClient
from worker.jobs import run_step
from worker.lookup_quota import DailyQuota
from worker.painting import PaintStep
from worker.post_recheck import PostRecheck
from worker.purge import Purger
from worker.reply_policy import ReplyPolicy
from worker.replying import ReplyStep


@dataclass
class InProcessBot:
    """One bot with its database, queue and storage.

    window: seconds that X's clock advances per round.
    x_timeout_seconds: timeout of one call to X, for clients that are created from now on.
    """

    engine: Engine
    x: SandboxX
    queue: WorkQueue
    storage: FolderStorage
    gpu_url: str
    money: BudgetSettings = field(
        default_factory=lambda: load(BudgetSettings, daily_budget_usd=None, monthly_budget_usd=None)
    )
    rules: UsagePolicySettings = field(default_factory=lambda: load(UsagePolicySettings, user_daily_limit=1000))
    policy: ReplyPolicy = field(default_factory=ReplyPolicy)
    window: float = 61.0
    x_timeout_seconds: float = 2.0

    def __post_init__(self) -> None:
        self.work = load(
            JobSettings, lease_seconds=8, x_timeout_seconds=2, retry_seconds=0.01, reply_lookup_delay_seconds=0,
            reply_attempts=12,
        )  # fmt: skip
        self.probe_every(0.01)
        self.poller = self.new_poller()
        self.gpu = GpuClient((self.gpu_url,), token="secret", gpu_breaker=GpuCircuitBreaker(self.queue))

    def probe_every(self, seconds: float) -> None:
        """Set how soon a suspended kind of call is probed: after `seconds`, at most twice that."""
        settings = load(RateLimitSettings, x_blocked_retry_seconds=seconds, x_blocked_retry_max_seconds=2 * seconds)
        self.rate_limiter = XRateLimiter(self.queue, settings)
        self.dispatcher = Dispatcher(self.engine, self.queue, self.rate_limiter, self.money)

    def client(self) -> XClient:
        """Return a client of the bot's account, guarded by rate limits and budget."""
        guard = MeteredCallGuard(self.rate_limiter, self.engine, self.money)
        return self.x.client(guard=guard, x_timeout_seconds=self.x_timeout_seconds)

    def new_poller(self) -> Poller:
        """Return a poller as after a start."""
        settings = load(PollSettings, search_interval_seconds=0.2)
        return Poller(self.client(), self.engine, self.dispatcher, settings, self.rules, self.money)

    def round(self) -> None:
        """Poll, dispatch, paint and reply once. Ignore expected failures."""
        self.advance_clock(self.window)
        self.poll_once()
        self.dispatch_and_work()

    def poll_once(self) -> None:
        """Poll X once. Ignore expected failures."""
        with suppress(ThreadpaintError, SQLAlchemyError):
            self.poller.poll_once()

    def dispatch_and_work(self) -> None:
        """Dispatch, paint and reply."""
        for step in (PAINT, REPLY):
            make_due(self.engine)
            self.dispatcher.dispatch(step)
            self.run_jobs(step)

    def purge(self) -> None:
        """Purge what users deleted, once."""
        settings = load(PurgeSettings)
        recheck = PostRecheck(self.engine, self.client(), DailyQuota(self.queue, settings, self.money), settings)
        Purger(self.engine, self.client(), self.storage, recheck, settings).run_once()

    def run_jobs(self, step: str) -> None:
        """Run each queued job of a step."""
        while isinstance(job_id := self.queue.connection.lpop(f"rq:queue:{step}"), bytes):
            creation_id = creation_id_of(job_id.decode())
            assert creation_id is not None
            run_step(self._paint() if step == PAINT else self._reply(), creation_id)

    def advance_clock(self, seconds: float) -> None:
        """Advance X's clock, and the clock offset in the rate limiter."""
        self.control("clock", advance=seconds)
        self.queue.connection.decrby("x-rate-limit:clock-offset", round(seconds * 1000))
        for stop in self.queue.connection.keys("x-rate-limit:blocked:*"):
            for moment in ("until", "since"):
                self.queue.connection.hincrby(stop, moment, -round(seconds * 1000))

    def control(self, what: str, **body: Any) -> dict[str, Any]:
        """Call the sandbox's control API."""
        answer = self.x.http.post(f"{self.x.url}/sandbox/{what}", json=body)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    def problems(self) -> list[str]:
        """Return the problems that `/healthz` reports."""
        return check_health(self.engine, self.queue, self.rate_limiter, self.money).problems

    def status(self) -> list[str]:
        """Return the lines that `threadpaint status` prints."""
        return list(render_status(self.engine, self.queue, self.rate_limiter, self.money))

    def creation(self, creation_id: int) -> Creation:
        """Return the current row."""
        return read_creation(self.engine, creation_id)

    def _paint(self) -> PaintStep:
        return PaintStep(
            self.engine, self.gpu, self.client(), self.storage, self.dispatcher, self.work, self.money, self.policy
        )

    def _reply(self) -> ReplyStep:
        return ReplyStep(self.engine, self.client(), self.storage, self.dispatcher, self.work, self.policy)
