"""Logs: one line a decision, with its id bound; readable on a terminal, JSON where LOG_JSON is set.

JSON lines name the process, its number, the logger and the version; whatever ends a process or a thread is one, too.

Never logged: secrets, whole answers of others, people's prompts at info level.
"""

import logging
import os
import sys
import threading
from types import TracebackType
from typing import Any

import structlog

from core.version import version_text

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


def configure_logs(*, level: str = "info", as_json: bool = False, process: str = "") -> None:
    """Send our own and the libraries' log lines to standard error in one form. Call once per process.

    process: the name that its JSON lines bear, such as `worker`.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if not as_json else "iso", utc=as_json),
        *([structlog.stdlib.add_logger_name, _origin(process)] if as_json else []),
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
    if as_json:
        sys.excepthook = _log_the_end
        threading.excepthook = _log_the_end_of_a_thread


def is_configured() -> bool:
    """Return whether this process has set up its logs. Commands of a moment do not."""
    return bool(structlog.is_configured())


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes values as keywords: `log.info("painted", creation=17)`."""
    return structlog.stdlib.get_logger(name)


def _origin(process: str) -> Any:
    """A processor that says where a line comes from."""
    release = version_text()

    def add(_logger: Any, _method: str, values: dict[str, Any]) -> dict[str, Any]:
        return values | {"process": process, "pid": os.getpid(), "version": release}

    return add


def _log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("ended by an error", exc_info=(kind, error, trace))


def _log_the_end_of_a_thread(args: threading.ExceptHookArgs) -> None:
    error = args.exc_value or args.exc_type()
    logging.getLogger(__name__).critical(
        "a thread ended by an error", exc_info=(args.exc_type, error, error.__traceback__)
    )


def _for_terminals() -> structlog.dev.ConsoleRenderer:
    """Plain tracebacks: the rich ones print local variables, and with them prompts and secrets."""
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def _errors(as_json: bool) -> list[Any]:
    return [structlog.processors.format_exc_info] if as_json else []
