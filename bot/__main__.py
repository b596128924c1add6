"""`python -m bot` listens to X until stopped; `python -m bot --once` takes one look."""

import signal
import sys
import threading
from typing import Annotated

import typer

from bot.poller import Poller
from core.database import open_database
from core.errors import HouseError
from core.logs import configure_logs
from core.queue import open_queue
from core.schema import require_current
from core.settings import DatabaseSettings, HouseSettings, PollSettings, QueueSettings, XSettings, load
from core.x import open_x

cli = typer.Typer(add_completion=False, help="Hears: reads X, writes down, decides whom to answer.")


@cli.command()
def main(once: Annotated[bool, typer.Option("--once", help="Take one look and end.")] = False) -> None:
    """Listen to mentions and replies, and ask for their pictures."""
    try:
        poller = _build()
        if once:
            typer.echo(f"{poller.look()} new")
        else:
            poller.listen(_stopped_by_signals())
    except HouseError as error:
        sys.exit(f"bot: {error}")


def _build() -> Poller:
    house, x = load(HouseSettings), load(XSettings)
    configure_logs(level=house.log_level, as_json=house.log_json)
    engine = open_database(load(DatabaseSettings).url)
    require_current(engine)
    queue = open_queue(load(QueueSettings).url)
    return Poller(open_x(x), engine, queue, load(PollSettings), watched=x.watched)


def _stopped_by_signals() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


if __name__ == "__main__":
    cli()
