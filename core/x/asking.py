"""Opens a question to X for commands of the operator: whose handle is this now? Rate limits and the ledger count it."""

from sqlalchemy import Engine

from core.errors import SettingsError
from core.logs import configure_logs
from core.pace import Pace
from core.pace.toll import TollGate
from core.people import Ask
from core.queue import open_queue
from core.settings import MoneySettings, PaceSettings, QueueSettings, XSettings, load
from core.x.client import open_x


def open_ask(engine: Engine) -> Ask | None:
    """Ask X whose handle this is; None if this machine has no keys of X. Keeps the log out of a command's output."""
    configure_logs(level="error")
    try:
        settings = load(XSettings)
    except SettingsError:
        return None
    pace = Pace(open_queue(load(QueueSettings).url), load(PaceSettings))
    return open_x(settings, TollGate(pace, engine, load(MoneySettings))).person_called
