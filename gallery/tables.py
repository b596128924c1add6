"""Close the site while the database's tables are not those this code needs.

During a rolling deployment the new web process may start before `python -m core migrate`. Without this each page would
be an error 500. The check stops once the tables fit: newer tables under a running process are the old code's business.
"""

import time

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import SettingsError, WrongTables
from core.logs import get_logger
from core.schema import require_current
from gallery import problems

log = get_logger(__name__)

CHECK_EVERY_SECONDS = 2.0
# These need no table: the health check, and the files that the error page is made of.
OPEN = ("/healthz", "/static/", "/favicon")


class TablesGate:
    """Plain ASGI: answer 503 until the tables fit, then pass every request on."""

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self.app = app
        self._engine = engine
        self._fit = False
        self._checked = -CHECK_EVERY_SECONDS
        self._reason = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that the site is being updated."""
        if self._fit or scope["type"] != "http" or scope["path"].startswith(OPEN) or await self._tables_fit():
            await self.app(scope, receive, send)
            return
        response = await problems.being_updated(Request(scope, receive))
        await response(scope, receive, send)

    async def _tables_fit(self) -> bool:
        """A database that does not answer says nothing about its tables: the pages themselves tell of an outage."""
        if time.monotonic() - self._checked < CHECK_EVERY_SECONDS:
            return not self._reason
        self._checked = time.monotonic()
        reason = await run_in_threadpool(self._problem)
        if reason and reason != self._reason:
            log.error("the gallery is closed until the tables fit", reason=reason)
        elif self._reason and not reason:
            log.warning("the tables fit: the gallery is open")
        self._reason = reason
        return not reason

    def _problem(self) -> str:
        try:
            require_current(self._engine)
        except WrongTables as error:
            return str(error)
        except SettingsError:
            return ""
        self._fit = True
        return ""
