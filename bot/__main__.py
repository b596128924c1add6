"""`python -m bot` listens to X until stopped (`--once`: one look). `doctor`, `announce`, `ban`, `unban`: see --help."""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from bot import deeds
from bot.doctor.config import SignSettings
from bot.poller import Poller
from core.database import open_database
from core.errors import HouseError
from core.line import Line
from core.logs import configure_logs
from core.pace import Pace
from core.pace.toll import TollGate
from core.private_files import keep_private
from core.queue import open_queue
from core.schema import require_current, wait_until_current
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
from core.x import XClient, open_x

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


@cli.command()
def doctor() -> None:
    """Look at settings, account and house before going live. Ends with 1 where something does not work."""
    from bot.doctor.examination import examine

    configure_logs(level="error")
    worst = "ok"
    for finding in examine():
        typer.echo(str(finding))
        worst = "FAIL" if "FAIL" in (worst, finding.level) else finding.level
    sys.exit(1 if worst == "FAIL" else 0)


@cli.command()
def announce(
    template: Annotated[Path | None, typer.Option(help="Parts between lines of `---`.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the parts; post nothing.")] = False,
    with_link: Annotated[
        bool, typer.Option("--with-link", help="With the gallery's address: $0.20 for a post.")
    ] = False,
) -> None:
    """Post the rules thread, once. Its replies are prompts."""
    from bot import announcing, thread

    try:
        parts = thread.read(template or announcing.TEMPLATE, with_link=with_link)
        for line in thread.show(parts):
            typer.echo(line)
        if not dry_run:
            x, house = _client()
            for told in thread.post(announcing.Announcement(x, house.engine), parts):
                typer.echo(told)
    except HouseError as error:
        sys.exit(f"bot: {error}")


def _build() -> Poller:
    client, line = _client()
    rules, watched, sign = load(RuleSettings), load(XSettings).watched, load(SignSettings)
    called = sign.handle if "bot_handle" in sign.model_fields_set else ""
    return Poller(client, line.engine, line, load(PollSettings), rules, line.money, watched=watched, called=called)


def _client() -> tuple[XClient, Line]:
    """A client of X that is paced and priced, and the line that is paced and priced alike."""
    house, x = load(HouseSettings), load(XSettings)
    keep_private(house.data_dir)
    configure_logs(level=house.log_level, as_json=house.log_json)
    engine, queue, money = _awaited_database(), open_queue(load(QueueSettings).url), load(MoneySettings)
    pace = Pace(queue, load(PaceSettings))
    return open_x(x, TollGate(pace, engine, money)), Line(engine, queue, pace, money)


def _awaited_database() -> Engine:
    settings = load(DatabaseSettings)
    engine = open_database(settings.url)
    wait_until_current(engine, settings.database_wait_seconds)
    return engine


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
