"""`python -m gpu`: serves the painter over HTTP until SIGTERM or Ctrl-C. Knows settings, logs and uvicorn only."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import threading
from typing import Annotated, Any

import typer
import uvicorn
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gpu.batching.engine_thread import EngineThread
from gpu.diffusion.presets import PRESETS, describe
from gpu.engines import make_app
from gpu.settings import GpuSettings
from gpu.web.connections import limited

log = logging.getLogger("gpu")

# After this many seconds a stopping service drops what it still paints: the worker asks again anyway. A supervisor
# that gives a process five seconds, or a host two, sees it gone in time.
GRACE_SECONDS = 1
# So long a broken service still answers 503: who looks every few seconds sees that it is broken, and not just gone.
# Then the process ends, since nothing but a new one can help, and whoever supervises it starts that.
BROKEN_SECONDS = 10
_OPEN = (
    "GPU_TOKEN is missing: anybody who reaches {host} could paint at your cost; set it to a long random word "
    "(or GPU_ALLOW_ANYBODY=true, if that is meant)"
)


def serve(
    engine: Annotated[str | None, typer.Option(help="sketch or diffusers [GPU_ENGINE, default sketch]")] = None,
    model: Annotated[str | None, typer.Option(help="preset, folder or model id for diffusers [GPU_MODEL]")] = None,
    host: Annotated[str | None, typer.Option(help="address to listen on [GPU_HOST, default 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on [GPU_PORT, default 8002]")] = None,
    models: Annotated[bool, typer.Option("--models", help="say which models there are, and end")] = False,
) -> None:
    """Serve the painter over HTTP. Options win over the environment; see gpu/README.md for all settings."""
    if models:
        typer.echo("\n\n".join("\n".join(describe(preset)) for preset in PRESETS))
        return
    settings = _settings(engine=engine, model=model, host=host, port=port)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn.access").addFilter(_without_query)
    if settings.token is None and not _is_loopback(settings.host):
        if not settings.allow_anybody:
            raise _stop(_OPEN.format(host=settings.host))
        log.warning("anybody who reaches %s may paint", settings.host)
    app = make_app(settings)
    config = uvicorn.Config(
        **limited(app),
        log_level=settings.log_level,
        log_config=None,
        access_log=settings.log_level == "debug",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with _listening(settings) as listener:
        log.info("listening host=%s port=%d engine=%s", *listener.getsockname()[:2], settings.engine)
        thread: EngineThread = app.state.engine_thread
        _Server(config, thread).run(sockets=[listener])
    if thread.status == "broken":
        raise _stop(f"the painter is broken and ends, to be started again: {thread.reason}", status=1)


class _Server(uvicorn.Server):
    """Tells the orders that wait that they will not be painted here, before it waits for those in hand.

    It ends by itself, a moment after its engine broke.
    """

    def __init__(self, config: uvicorn.Config, thread: EngineThread) -> None:
        super().__init__(config)
        self._engine_thread = thread
        thread.on_broken = self._leave_soon

    def _leave_soon(self) -> None:
        timer = threading.Timer(BROKEN_SECONDS, self._leave)
        timer.daemon = True
        timer.start()

    def _leave(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._engine_thread.close()
        await super().shutdown(sockets)


def _listening(settings: GpuSettings) -> socket.socket:
    """A bound socket; a taken port ends the process in one line that names the setting."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        name = "GPU_PORT" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "GPU_HOST"
        raise _stop(f"{name}: cannot listen on {settings.host} port {settings.port}: {error.strerror}") from None
    except (UnicodeError, TypeError):
        raise _stop("GPU_HOST: is no name that a network could know") from None


def _settings(**given: Any) -> GpuSettings:
    """Settings from the environment and the options given; a wrong one ends the process with its name."""
    try:
        return GpuSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise _stop("\n".join(_explained(part) for part in error.errors(include_input=False))) from None


def _explained(error: ErrorDetails) -> str:
    field = str(error["loc"][0])
    if error["type"] == "value_error":  # our own words say what to take instead
        return f"GPU_{field.upper()}: {error['msg'].removeprefix('Value error, ')}"
    [example] = GpuSettings.model_fields[field].examples or ["..."]
    return f"GPU_{field.upper()}: {error['msg']} (example: GPU_{field.upper()}={example})"


def _stop(reason: str, *, status: int = 2) -> typer.Exit:
    typer.echo(reason, err=True)
    return typer.Exit(status)


def _without_query(record: logging.LogRecord) -> bool:
    """Whoever puts a prompt into the address by mistake does not find it in our log. (Address, method, path, ...)"""
    if isinstance(record.args, tuple) and len(record.args) > 2:
        record.args = (*record.args[:2], str(record.args[2]).partition("?")[0], *record.args[3:])
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    typer.run(serve)
