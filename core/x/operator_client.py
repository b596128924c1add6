"""Let operator commands look up a handle on X. Rate limits and the ledger apply."""

from sqlalchemy import Engine

from core.errors import SettingsError
from core.logs import configure_logs
from core.people import UserLookup
from core.queue import open_queue
from core.settings import BudgetSettings, QueueSettings, RateLimitSettings, XSettings, load
from core.x.call_guard import MeteredCallGuard
from core.x.client import open_x
from core.x.rate_limit import XRateLimiter


def open_user_lookup(engine: Engine) -> UserLookup | None:
    """Return a function that finds a user by handle; None if this machine has no keys of X.

    It also limits the log to errors, to keep it out of the command's output.
    """
    configure_logs(level="error")
    try:
        settings = load(XSettings)
    except SettingsError:
        return None
    rate_limiter = XRateLimiter(open_queue(load(QueueSettings).url), load(RateLimitSettings))
    return open_x(settings, MeteredCallGuard(rate_limiter, engine, load(BudgetSettings))).find_user
