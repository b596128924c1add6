"""Client of the X API. Its methods raise TryLater, OutcomeUnknown, CallsSuspended or GiveUp, never tweepy's errors.

It records what X charges as it reads the response.
"""

from core.settings import XSettings
from core.x.call_guard import CallGuard
from core.x.reader import XReader
from core.x.transport import Transport
from core.x.writer import XWriter


class XClient(XReader, XWriter):
    """Client of one X account. Not for use by several threads or processes: it keeps one connection."""


def open_x(settings: XSettings, guard: CallGuard | None = None) -> XClient:
    """Return a client of the configured account. It connects on first use. Without a guard nothing limits it."""
    transport = Transport(
        settings.x_api_url,
        timeout=settings.x_timeout_seconds,
        guard=guard or CallGuard(),
        consumer_key=settings.x_consumer_key.get_secret_value(),
        consumer_secret=settings.x_consumer_secret.get_secret_value(),
        access_token=settings.x_access_token.get_secret_value(),
        access_token_secret=settings.x_access_token_secret.get_secret_value(),
    )
    return XClient(transport, owns_app=settings.x_owns_app)
