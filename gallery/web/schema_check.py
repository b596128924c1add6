"""Answer 503 while the database schema is not the one this code needs.

During a rolling deployment the new web process may start before `threadpaint migrate`; each page would fail with
500. The check stops once the schema fits: a newer schema under a running process is the old code's business.
"""

import time

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import SettingsError, WrongTables
from core.logs import get_logger
from core.migrate import require_current
from gallery.web import error_handlers

log = get_logger(__name__)

CHECK_INTERVAL_SECONDS = 2.0
# The health check, and the files of the error page, use no table.
EXEMPT_PATHS = ("/healthz", "/static/", "/favicon")


class SchemaCheck:
    """Plain ASGI middleware, which costs nothing once the schema fits."""

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self.app = app
        self._engine = engine
        self._is_current = False
        self._checked_at = -CHECK_INTERVAL_SECONDS
        self._problem = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that the site is being updated."""
        is_exempt = scope["type"] != "http" or scope["path"].startswith(EXEMPT_PATHS)
        if self._is_current or is_exempt or await self._passes():
            await self.app(scope, receive, send)
            return
        response = await error_handlers.being_updated(Request(scope, receive))
        await response(scope, receive, send)

    async def _passes(self) -> bool:
        """Return whether nothing speaks against the schema. An unreachable database is left to the pages to report."""
        if time.monotonic() - self._checked_at < CHECK_INTERVAL_SECONDS:
            return not self._problem
        self._checked_at = time.monotonic()
        problem = await run_in_threadpool(self._find_problem)
        if problem and problem != self._problem:
            log.error("database schema does not fit, answering 503", reason=problem)
        elif self._problem and not problem:
            log.warning("database schema fits, serving pages")
        self._problem = problem
        return not problem

    def _find_problem(self) -> str:
        try:
            require_current(self._engine)
        except WrongTables as error:
            return str(error)
        except SettingsError:
            return ""
        self._is_current = True
        return ""
