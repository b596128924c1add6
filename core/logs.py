"""Configure logs: one line per decision, with its id; plain text on a terminal, or JSON if LOG_JSON is set.

JSON lines have the process, its pid, the logger and the version. Errors that end a process or a thread are logged too.

Never log secrets, whole responses of other services, or prompts at info level.
"""

import logging
import os
import sys
import threading
from types import TracebackType

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core.version import version_text

# Libraries that log each request at info level.
NOISY_LOGGERS = (
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
    """Write all log lines to standard error in one format. Call once per process.

    process: name of the process in JSON lines, such as `worker`.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if not as_json else "iso", utc=as_json),
        *([structlog.stdlib.add_logger_name, _origin(process)] if as_json else []),
    ]
    renderer: Processor = structlog.processors.JSONRenderer() if as_json else _terminal_renderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_errors(as_json), renderer],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    if as_json:
        sys.excepthook = _log_process_error
        threading.excepthook = _log_thread_error


def is_configured() -> bool:
    """Return whether this process has configured its logs. Short commands do not."""
    return bool(structlog.is_configured())


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger that takes values as keywords: `log.info("painted", creation=17)`."""
    return structlog.stdlib.get_logger(name)


def _origin(process: str) -> Processor:
    """Return a processor that adds the process, pid and version."""
    release = version_text()

    def add(_logger: WrappedLogger, _method: str, values: EventDict) -> EventDict:
        return {**values, "process": process, "pid": os.getpid(), "version": release}

    return add


def _log_process_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("ended by an error", exc_info=(kind, error, trace))


def _log_thread_error(args: threading.ExceptHookArgs) -> None:
    error = args.exc_value or args.exc_type()
    logging.getLogger(__name__).critical(
        "a thread ended by an error", exc_info=(args.exc_type, error, error.__traceback__)
    )


def _terminal_renderer() -> structlog.dev.ConsoleRenderer:
    """Return a renderer with plain tracebacks: rich ones print local variables, hence prompts and secrets."""
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def _errors(as_json: bool) -> list[Processor]:
    return [structlog.processors.format_exc_info] if as_json else []
