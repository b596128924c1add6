"""Logs: one line a decision, with its id bound; readable on a terminal, JSON where LOG_JSON is set.

Never logged: secrets, whole answers of others, people's prompts at info level.
"""

import logging
import sys
from typing import Any

import structlog

# These tell every request at info level; our own lines say what mattered in it.
CHATTY = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "alembic",
    "tweepy",
    "urllib3",
    "requests_oauthlib",
    "oauthlib",
    "rq.worker",
    "rq.queue",
)


def configure_logs(*, level: str = "info", as_json: bool = False) -> None:
    """Send our own and the libraries' log lines to standard error in one form. Call once per process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if not as_json else "iso", utc=as_json),
    ]
    look: Any = structlog.processors.JSONRenderer() if as_json else _for_terminals()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_errors(as_json), look],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes values as keywords: `log.info("painted", creation=17)`."""
    return structlog.stdlib.get_logger(name)


def _for_terminals() -> structlog.dev.ConsoleRenderer:
    """Plain tracebacks: the rich ones print local variables, and with them prompts and secrets."""
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def _errors(as_json: bool) -> list[Any]:
    return [structlog.processors.format_exc_info] if as_json else []
