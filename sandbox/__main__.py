"""The command line: serve a world, or post the samples into a running one. Wires only; knows no rules."""

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
from sandbox.settings import Settings

cli = typer.Typer(
    add_completion=False, help="A stand-in for X on this machine: its API, people, and a page to post as anybody."
)
LOCAL = "http://127.0.0.1:8001"


@cli.callback(invoke_without_command=True)
def serve(  # noqa: PLR0917 typer reads the options from the signature
    context: typer.Context,
    port: Annotated[int, typer.Option(envvar="SANDBOX_PORT", help="0 takes any free one.")] = 8001,
    host: Annotated[str, typer.Option(envvar="SANDBOX_HOST")] = "127.0.0.1",
    data: Annotated[
        Path | None, typer.Option(envvar="SANDBOX_DATA", help="Folder of the world; none: in memory.")
    ] = None,
    seed: Annotated[int, typer.Option(envvar="SANDBOX_SEED", help="The same seed makes the same people.")] = 1,
    bot: Annotated[
        str, typer.Option(envvar="SANDBOX_BOT", help="Handle of the bot that is developed.")
    ] = "threadpaint",
    search_lag: Annotated[
        float, typer.Option(envvar="SANDBOX_SEARCH_LAG_SECONDS", help="Search sees posts this late.")
    ] = 30,
) -> None:
    """Serves the sandbox until it is stopped."""
    if context.invoked_subcommand is not None:
        return
    try:
        settings = Settings(port=port, host=host, data=data, seed=seed, bot=bot, search_lag_seconds=search_lag)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise _stop(f"SANDBOX_{str(wrong['loc'][0]).upper()}: {wrong['msg']}") from None
    _run(settings)


def _run(settings: Settings) -> None:
    listener = _listener(settings)
    try:
        app = create_app(settings)
    except (OSError, sqlite3.Error) as error:
        raise _stop(f"SANDBOX_DATA: can not open the world in {settings.data}: {error}") from None
    listener.listen(512)  # who reads the next line may call at once
    typer.echo(f"sandbox: http://{settings.host}:{listener.getsockname()[1]}  bot @{settings.bot}")
    # Open pages hold a connection for their events; they must not hold up the stop.
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, date_header=False)
    uvicorn.Server(config).run(sockets=[listener])


def _listener(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise _stop(f"SANDBOX_PORT: can not listen on {settings.host}:{settings.port}: {error.strerror}") from None
    return listener


@cli.command()
def samples(url: Annotated[str, typer.Option(envvar="SANDBOX_URL", help="Where the sandbox listens.")] = LOCAL) -> None:
    """Posts about a dozen sample prompts; does nothing in a world that has them."""
    try:
        answer = httpx.post(f"{url.rstrip('/')}/sandbox/samples", timeout=30).raise_for_status()
    except httpx.HTTPError as error:
        raise _stop(f"SANDBOX_URL: the sandbox at {url} does not answer: {error}") from None
    typer.echo(f"{answer.json()['data']['posted']} sample prompts posted")


def _stop(reason: str) -> typer.Exit:
    typer.echo(reason, err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    cli(prog_name="python -m sandbox")
