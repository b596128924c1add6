"""`python -m bot` listens to X until stopped; `python -m bot --once` takes one look."""

import signal
import sys
import threading
from typing import Annotated

import typer
from sqlalchemy import Engine

from bot import deeds
from bot.poller import Poller
from core.database import open_database
from core.errors import HouseError
from core.logs import configure_logs
from core.pace import Pace
from core.queue import open_queue
from core.schema import require_current
from core.settings import (
    DatabaseSettings,
    HouseSettings,
    MoneySettings,
    PaceSettings,
    PollSettings,
    QueueSettings,
    RuleSettings,
    XSettings,
    load,
)
from core.toll import TollGate
from core.x import open_x

cli = typer.Typer(add_completion=False, help="Hears: reads X, writes down, decides whom to answer.")
Handle = Annotated[str, typer.Argument(help="their handle, or their id on X")]


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context, once: Annotated[bool, typer.Option("--once", help="Take one look and end.")] = False
) -> None:
    """Listen to mentions and replies, and ask for their pictures."""
    if context.invoked_subcommand is not None:
        return
    try:
        poller = _build()
        if once:
            typer.echo(f"{poller.look()} new")
        else:
            poller.listen(_stopped_by_signals())
    except HouseError as error:
        sys.exit(f"bot: {error}")


@cli.command()
def ban(who: Handle) -> None:
    """Do not listen to somebody any more."""
    try:
        typer.echo(f"banned: {deeds.ban(_database(), who)}")
    except HouseError as error:
        sys.exit(f"bot: {error}")


@cli.command()
def unban(who: Handle) -> None:
    """Listen to somebody again."""
    try:
        typer.echo(f"not banned any more: {deeds.unban(_database(), who)}")
    except HouseError as error:
        sys.exit(f"bot: {error}")


def _build() -> Poller:
    house, x = load(HouseSettings), load(XSettings)
    configure_logs(level=house.log_level, as_json=house.log_json)
    engine, queue, money = _database(), open_queue(load(QueueSettings).url), load(MoneySettings)
    toll = TollGate(Pace(queue, load(PaceSettings), replies_per_day=x.x_replies_per_day), engine, money)
    client = open_x(x, toll)
    return Poller(client, engine, queue, load(PollSettings), load(RuleSettings), money, watched=x.watched)


def _database() -> Engine:
    engine = open_database(load(DatabaseSettings).url)
    require_current(engine)
    return engine


def _stopped_by_signals() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


if __name__ == "__main__":
    cli()
