"""`python -m core`: the host's commands: migrate, demo, queue-server, status, reports, bill, retry, forget, ..."""

import json
import sys
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from core.database import open_database
from core.errors import HouseError
from core.logs import configure_logs
from core.private_files import keep_private
from core.settings import (
    DatabaseSettings,
    HouseSettings,
    MoneySettings,
    PaceSettings,
    QueueSettings,
    StorageSettings,
    load,
    warn_of_misspelt_settings,
)
from core.version import version_text

cli = typer.Typer(add_completion=False, no_args_is_help=True, help="The operator's commands.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version_text())
        raise typer.Exit


@cli.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Commands of the operator."""


def _echo_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@cli.command()
def migrate(
    to: Annotated[str, typer.Option(help="Revision to go to, like 0012. Default: the newest.")] = "",
) -> None:
    """Bring the database's tables up to date, and say from which revision to which."""
    from core.schema import migrate as bring_up_to_date

    keep_private(load(HouseSettings).data_dir)
    typer.echo(str(bring_up_to_date(open_database(load(DatabaseSettings).url), to)))


@cli.command(hidden=True)
def revision(message: str) -> None:
    """Write a migration for what changed in core/models."""
    from core.schema import write_revision

    write_revision(open_database(load(DatabaseSettings).url), message)


@cli.command()
def demo() -> None:
    """Run the whole house on this machine, against the sandbox X."""
    from core.demo import run

    sys.exit(run(lambda line: print(line, flush=True)))  # noqa: T201  # the demo speaks to its terminal


@cli.command("adopt-storage")
def adopt_storage() -> None:
    """Make the folder of STORAGE_URL the one of this instance, after its disk was replaced."""
    from core.instance import adopt_storage as adopt

    folder = load(StorageSettings).folder
    try:
        adopt(_house_database(), folder)
    except OSError as error:
        raise HouseError(f"cannot keep pictures in {folder}: {error.strerror}") from None
    typer.echo(f"this instance keeps its pictures in {folder}")


@cli.command("queue-server")
def queue_server() -> None:
    """Run the embedded queue server."""
    from core.queue_server import serve

    house = load(HouseSettings)
    keep_private(house.data_dir)
    configure_logs(level=house.log_level, as_json=house.log_json, process="queue")
    warn_of_misspelt_settings()
    sys.exit(serve(load(QueueSettings)))


@cli.command()
def status(as_json: AsJson = False) -> None:
    """Show what waits, what X allows, what was spent, and what failed lately and why."""
    from core.pace import Pace
    from core.queue import open_queue
    from core.status import report
    from core.status_data import status_data

    engine = _house_database()
    queue, money = open_queue(load(QueueSettings).url), load(MoneySettings)
    pace = Pace(queue, load(PaceSettings))
    if as_json:
        return _echo_json(status_data(engine, queue, pace, money))
    for line in report(engine, queue, pace, money):
        typer.echo(line)
    return None


@cli.command()
def bill(
    month: Annotated[str, typer.Option(help="Like 2026-11. Default: this month.")] = "",
    day: Annotated[str, typer.Option(help="Like 2026-11-20, a UTC day.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what a month or a day has cost so far, per item."""
    from core.clock import now
    from core.money.bill import as_data, lines, month_end, read_days

    if month and day:
        raise HouseError("--month or --day, not both")
    days = read_days(day, example="2026-11-20") if day else read_days(month or f"{now():%Y-%m}", example="2026-11")
    engine = _house_database()
    if as_json:
        return _echo_json(as_data(engine, days))
    for line in lines(engine, days):
        typer.echo(line)
    if not day and not month:
        typer.echo(month_end(engine, now()))
    return None


@cli.command()
def reports(
    done: Annotated[
        list[int] | None, typer.Option(help="Number of a report that is dealt with; may be repeated.")
    ] = None,
    take_down: Annotated[
        list[int] | None, typer.Option(help="Number of a report: what it is about goes, for good; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what people reported and nobody has dealt with yet."""
    from core.reports import as_data, close, lines
    from core.reports import take_down as take

    engine = _house_database()
    if take_down:
        typer.echo(f"{take(engine, take_down)} taken down", err=as_json)
    if done:
        typer.echo(f"{close(engine, done)} done", err=as_json)
    url = load(HouseSettings).gallery_url
    if as_json:
        return _echo_json(as_data(engine, url))
    for line in lines(engine, url):
        typer.echo(line)
    return None


@cli.command()
def retry(creation_ids: Annotated[list[int] | None, typer.Argument(help="Default: all that failed.")] = None) -> None:
    """Send failed creations on their way again, and try painters that rest at once. The next sweep enqueues them."""
    from core.painters import Painters
    from core.queue import open_queue
    from core.status import hurry, send_again

    engine = _house_database()
    sent = send_again(engine, creation_ids)
    typer.echo(f"{sent} sent on their way again, {hurry(engine, Painters(open_queue(load(QueueSettings).url)))}")


@cli.command()
def forget(
    called: Annotated[str, typer.Argument(help="@handle, or the id on X.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete all that one person asked for: pictures, prompts, the bot's answers on X, name and handle."""
    from core.forgetting import find_erasable, forget_person
    from core.uploads import Uploads
    from core.x.asking import open_ask

    engine = _house_database()
    person = find_erasable(engine, called, open_ask(engine))
    if yes:
        person.require_sure()
    else:
        typer.confirm(f"Forget {person.called}{person.doubt} for good?", abort=True)
    count = forget_person(engine, person.id)
    Uploads(load(StorageSettings).folder).forget_all(person.id)
    typer.echo(f"{count} creations are out of sight now; the workers delete their files, and the answers on X")


def _house_database() -> Engine:
    """The database, once it is sure that its tables are ours."""
    from core.schema import require_current

    engine = open_database(load(DatabaseSettings).url)
    require_current(engine)
    return engine


def main() -> None:
    """Run, and tell in one line what is wrong."""
    try:
        cli()
    except HouseError as error:
        sys.exit(f"threadpaint: {error}")


if __name__ == "__main__":
    main()
