"""The house in one process, step by step: the real poller, line, painter and answers against the real sandbox.

With pace and ledger. No pause is waited for: a round lets a minute go by, makes everything due, and works what is
called up.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.poller import Poller
from core.errors import HouseError
from core.health import look
from core.line import Line
from core.models import Creation
from core.pace import Pace
from core.pace.toll import TollGate
from core.painters import Painters
from core.queue import PAINT, REPLY, WorkQueue, creation_of
from core.settings import KeepSettings, MoneySettings, PaceSettings, PollSettings, RuleSettings, WorkSettings, load
from core.status import report
from core.storage import FolderStorage
from core.x import XClient
from tests.support.rows import make_due, read_creation
from tests.support.sandbox_x import SandboxX
from worker.allowance import Allowance
from worker.gpu_client import GpuClient
from worker.jobs import _work
from worker.keeping import Keeping
from worker.lookups import Lookups
from worker.manners import Manners
from worker.painting import PaintStep
from worker.replying import ReplyStep


@dataclass
class LittleHouse:
    """One bot with its rows, queue and keys. `window`: seconds X's clock is turned on per round."""

    engine: Engine
    x: SandboxX
    queue: WorkQueue
    storage: FolderStorage
    painter: str
    money: MoneySettings = field(
        default_factory=lambda: load(MoneySettings, budget_day_usd=None, budget_month_usd=None)
    )
    rules: RuleSettings = field(default_factory=lambda: load(RuleSettings, person_daily_limit=1000))
    manners: Manners = field(default_factory=Manners)
    window: float = 61.0

    def __post_init__(self) -> None:
        self.work = load(
            WorkSettings, lease_seconds=2, x_timeout_seconds=0.5, retry_seconds=0.01, settle_seconds=0,
            reply_attempts=12,
        )  # fmt: skip
        self.probe_every(0.01)
        self.poller = self.new_poller()
        self.gpu = GpuClient((self.painter,), token="secret", painters=Painters(self.queue))

    def probe_every(self, seconds: float) -> None:
        """How soon a suspended kind of call is probed; at most twice that later."""
        settings = load(PaceSettings, probe_seconds=seconds, probe_longest_seconds=2 * seconds)
        self.pace = Pace(self.queue, settings)
        self.line = Line(self.engine, self.queue, self.pace, self.money)

    def client(self) -> XClient:
        """A client of the bot's account that passes the toll gate."""
        return self.x.client(toll=TollGate(self.pace, self.engine, self.money), x_timeout_seconds=0.5)

    def new_poller(self) -> Poller:
        """As after a start."""
        listening = load(PollSettings, search_seconds=0.2)
        return Poller(self.client(), self.engine, self.line, listening, self.rules, self.money)

    def round(self) -> None:
        """Look, call up, paint, answer: once, whatever goes wrong."""
        self.turn_clock(self.window)
        self.look()
        self.work_on()

    def look(self) -> None:
        """The poller's look."""
        with suppress(HouseError, SQLAlchemyError):
            self.poller.look()

    def work_on(self) -> None:
        """Call up, paint, answer."""
        for step in (PAINT, REPLY):
            make_due(self.engine)
            self.line.call_up(step)
            self.work_off(step)

    def keep(self) -> None:
        """A look at what people take back."""
        settings = load(KeepSettings)
        lookups = Lookups(self.engine, self.client(), Allowance(self.queue, settings, self.money), settings)
        Keeping(self.engine, self.client(), self.storage, lookups, settings).look()

    def work_off(self, step: str) -> None:
        """Do what stands in the queue of a step, each as a job of its own."""
        while popped := self.queue.connection.lpop(f"rq:queue:{step}"):
            creation_id = creation_of(popped.decode())
            assert creation_id is not None
            _work(self._paint() if step == PAINT else self._reply(), creation_id)

    def turn_clock(self, seconds: float) -> None:
        """Let time go by on X, and as much of it in what the pace knows of X's clock."""
        self.control("clock", advance=seconds)
        self.queue.connection.decrby("pace:behind", round(seconds * 1000))
        for stop in self.queue.connection.keys("pace:stop:*"):
            for moment in ("until", "since"):
                self.queue.connection.hincrby(stop, moment, -round(seconds * 1000))

    def control(self, what: str, **body: Any) -> dict[str, Any]:
        """A call to the sandbox's control."""
        answer = self.x.http.post(f"{self.x.url}/sandbox/{what}", json=body)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    def problems(self) -> list[str]:
        """What `/healthz` tells."""
        return look(self.engine, self.queue, self.pace, self.money).problems

    def status(self) -> list[str]:
        """What `python -m core status` tells."""
        return list(report(self.engine, self.queue, self.pace, self.money))

    def creation(self, creation_id: int) -> Creation:
        """The row as it is now."""
        return read_creation(self.engine, creation_id)

    def _paint(self) -> PaintStep:
        return PaintStep(
            self.engine, self.gpu, self.client(), self.storage, self.line, self.work, self.money, self.manners
        )

    def _reply(self) -> ReplyStep:
        return ReplyStep(self.engine, self.client(), self.storage, self.line, self.work, self.manners)
