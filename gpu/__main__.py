"""`python -m gpu`: serves the painter over HTTP until SIGTERM or Ctrl-C. Knows settings, logs and uvicorn only."""

from __future__ import annotations

import ipaddress
import logging
from typing import Annotated, Any

import typer
import uvicorn
from pydantic import ValidationError

from gpu.engines import make_app
from gpu.settings import GpuSettings

log = logging.getLogger("gpu")

# After this many seconds a stopping service drops what it still paints: the worker asks again anyway.
GRACE_SECONDS = 2


def serve(
    engine: Annotated[str | None, typer.Option(help="sketch or diffusers [GPU_ENGINE, default sketch]")] = None,
    model: Annotated[str | None, typer.Option(help="folder or model id for diffusers [GPU_MODEL]")] = None,
    host: Annotated[str | None, typer.Option(help="address to listen on [GPU_HOST, default 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on [GPU_PORT, default 8002]")] = None,
) -> None:
    """Serve the painter over HTTP. Options win over the environment; see gpu/README.md for all settings."""
    settings = _settings(engine=engine, model=model, host=host, port=port)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if settings.token is None and not _is_loopback(settings.host):
        log.warning("anybody who reaches %s may paint: set GPU_TOKEN", settings.host)
    uvicorn.run(
        make_app(settings),
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        log_config=None,
        access_log=settings.log_level == "debug",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _settings(**given: Any) -> GpuSettings:
    """Settings from the environment and the options given; a wrong one ends the process with its name."""
    try:
        return GpuSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for part in error.errors(include_input=False):
            typer.echo(f"GPU_{str(part['loc'][0]).upper()}: {part['msg']} (example: GPU_PORT=8002)", err=True)
        raise typer.Exit(2) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    typer.run(serve)
