"""`python -m gpu`: serve the GPU service over HTTP until SIGTERM or Ctrl-C."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import threading
from typing import Annotated

import typer
import uvicorn
from pydantic import ValidationError

from gpu.api.http_limits import limited
from gpu.batching.engine_thread import EngineThread
from gpu.diffusion.presets import PRESETS, describe
from gpu.factory import make_app
from gpu.settings import ServiceSettings, describe_error

log = logging.getLogger("gpu")

# A stopping service drops its work after this, because the worker retries anyway. It ends within the few seconds that
# supervisors give a process.
GRACE_SECONDS = 1
# A broken service still answers 503 for this long, so that monitors see that it is broken. Then the process ends, and
# its supervisor starts a new one.
BROKEN_SECONDS = 10
UNPROTECTED = (
    "GPU_TOKEN is missing: every machine that reaches {host} could generate pictures at your cost; set it to a long "
    "random word (or set GPU_ALLOW_ANYBODY=true, if you want that)"
)


def serve(
    engine: Annotated[str | None, typer.Option(help="sketch or diffusers [GPU_ENGINE, default sketch]")] = None,
    model: Annotated[str | None, typer.Option(help="preset, folder or model id for diffusers [GPU_MODEL]")] = None,
    host: Annotated[str | None, typer.Option(help="address to listen on [GPU_HOST, default 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on [GPU_PORT, default 8002]")] = None,
    models: Annotated[bool, typer.Option("--models", help="list the models and exit")] = False,
) -> None:
    """Serve the GPU service over HTTP. Options override the environment; gpu/README.md lists all settings."""
    if models:
        typer.echo("\n\n".join("\n".join(describe(preset)) for preset in PRESETS))
        return
    settings = _load_settings(engine=engine, model=model, host=host, port=port)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn.access").addFilter(_remove_query)
    if settings.token is None and not _is_loopback(settings.host):
        if not settings.allow_anybody:
            raise _fail(UNPROTECTED.format(host=settings.host))
        log.warning("every caller that reaches %s is authorized", settings.host)
    app = make_app(settings)
    config = uvicorn.Config(
        **limited(app),
        log_level=settings.log_level,
        log_config=None,
        access_log=settings.log_level == "debug",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with _open_socket(settings) as listener:
        log.info("listening host=%s port=%d engine=%s", *listener.getsockname()[:2], settings.engine)
        thread: EngineThread = app.state.engine_thread
        _Server(config, thread).run(sockets=[listener])
    if thread.status == "broken":
        raise _fail(f"the engine is broken, restart the service: {thread.reason}", status=1)


class _Server(uvicorn.Server):
    """Fails waiting requests before it waits for those in work, and ends by itself after the engine broke."""

    def __init__(self, config: uvicorn.Config, thread: EngineThread) -> None:
        super().__init__(config)
        self._engine_thread = thread
        thread.on_broken = self._exit_soon

    def _exit_soon(self) -> None:
        timer = threading.Timer(BROKEN_SECONDS, self._exit)
        timer.daemon = True
        timer.start()

    def _exit(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._engine_thread.close()
        await super().shutdown(sockets)


def _open_socket(settings: ServiceSettings) -> socket.socket:
    """Return a bound socket. If the port is taken, exit with one line that names the setting."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        name = "GPU_PORT" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "GPU_HOST"
        raise _fail(f"{name}: cannot listen on {settings.host} port {settings.port}: {error.strerror}") from None
    except (UnicodeError, TypeError):
        raise _fail("GPU_HOST: not a valid host name") from None


def _load_settings(**options: str | int | None) -> ServiceSettings:
    """Return the settings of environment and options. If one is wrong, exit with its name."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return ServiceSettings(**given)  # type: ignore[arg-type]  # pydantic checks the options
    except ValidationError as error:
        lines = [describe_error(part, "GPU_", ServiceSettings) for part in error.errors(include_input=False)]
        raise _fail("\n".join(lines)) from None


def _fail(reason: str, *, status: int = 2) -> typer.Exit:
    typer.echo(reason, err=True)
    return typer.Exit(status)


def _remove_query(record: logging.LogRecord) -> bool:
    """Keep prompts that callers put into the URL by mistake out of the log. (Args: address, method, path, ...)"""
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
