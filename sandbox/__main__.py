"""Run the command line: serve the sandbox, or post the sample prompts into a running one."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path
from typing import Annotated

import httpx
import typer
import uvicorn
from pydantic import ValidationError

from sandbox.app import create_app
from sandbox.settings import SandboxSettings

cli = typer.Typer(
    add_completion=False, help="A local simulator of X: its API, its users, and a page to post as any user."
)
LOCAL = "http://127.0.0.1:8001"


@cli.callback(invoke_without_command=True)
def serve(  # noqa: PLR0917 typer reads the options from the signature
    context: typer.Context,
    port: Annotated[int, typer.Option(envvar="SANDBOX_PORT", help="0: any free port.")] = 8001,
    host: Annotated[str, typer.Option(envvar="SANDBOX_HOST")] = "127.0.0.1",
    data: Annotated[
        Path | None,
        typer.Option(envvar="SANDBOX_DATA", help="Folder of the data; without it, all is in memory."),
    ] = None,
    seed: Annotated[int, typer.Option(envvar="SANDBOX_SEED", help="The same seed creates the same users.")] = 1,
    bot: Annotated[str, typer.Option(envvar="SANDBOX_BOT", help="Handle of your bot.")] = "threadpaint",
    search_lag: Annotated[
        float, typer.Option(envvar="SANDBOX_SEARCH_LAG_SECONDS", help="Delay until search finds a new post.")
    ] = 30,
) -> None:
    """Serve the sandbox until it is stopped."""
    if context.invoked_subcommand is not None:
        return
    try:
        settings = SandboxSettings(port=port, host=host, data=data, seed=seed, bot=bot, search_lag_seconds=search_lag)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise _stop(f"SANDBOX_{str(wrong['loc'][0]).upper()}: {wrong['msg']}") from None
    _run(settings)


def _run(settings: SandboxSettings) -> None:
    listener = _listener(settings)
    try:
        app = create_app(settings)
    except (OSError, sqlite3.Error) as error:
        raise _stop(f"SANDBOX_DATA: cannot open the data in {settings.data}: {error}") from None
    listener.listen(512)  # programs that read the next line may connect at once
    typer.echo(f"sandbox: http://{settings.host}:{listener.getsockname()[1]}  bot @{settings.bot}")
    # Open pages keep an event stream open; they must not delay the shutdown.
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, date_header=False)
    uvicorn.Server(config).run(sockets=[listener])


def _listener(settings: SandboxSettings) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise _stop(f"SANDBOX_PORT: cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None
    return listener


@cli.command()
def samples(url: Annotated[str, typer.Option(envvar="SANDBOX_URL", help="Address of the sandbox.")] = LOCAL) -> None:
    """Post a dozen sample prompts, once per world."""
    try:
        answer = httpx.post(f"{url.rstrip('/')}/sandbox/samples", timeout=30).raise_for_status()
    except httpx.HTTPError as error:
        raise _stop(f"SANDBOX_URL: no answer from the sandbox at {url}: {error}") from None
    typer.echo(f"{answer.json()['data']['posted']} sample prompts posted")


def _stop(reason: str) -> typer.Exit:
    typer.echo(reason, err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    cli(prog_name="python -m sandbox")
