"""The operator's commands that need core alone. `python -m core` and `threadpaint` both offer them.

Heavy imports stay inside functions, so that `--help` starts fast.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from core.cli.common import AsJson, open_current_database, print_json, print_lines

ReportIds = Annotated[list[int], typer.Argument(help="Numbers of reports.")]

reports_app = typer.Typer(help="List, resolve and act on reports of pictures and comments.")
jobs_app = typer.Typer(no_args_is_help=True, help="Retry failed work.")
db_app = typer.Typer(no_args_is_help=True, help="Development of the database schema.")


def migrate(
    to: Annotated[str, typer.Option(help="Revision to go to, like 0012. Default: the newest.")] = "",
) -> None:
    """Upgrade the database to the newest revision, or to the one given, and print both."""
    from core.database import open_database
    from core.migrate import migrate as run_migrations
    from core.private_files import keep_private
    from core.settings import AppSettings, DatabaseSettings, load

    keep_private(load(AppSettings).data_dir)
    typer.echo(str(run_migrations(open_database(load(DatabaseSettings).url), to)))


@db_app.command()
def revision(message: str) -> None:
    """Write a migration for what changed in core/models."""
    from core.database import open_database
    from core.migrate import write_revision
    from core.settings import DatabaseSettings, load

    write_revision(open_database(load(DatabaseSettings).url), message)


def demo() -> None:
    """Run everything on this machine, against the sandbox X."""
    from core.demo.run import run

    sys.exit(run(lambda line: print(line, flush=True)))  # noqa: T201  # the demo speaks to its terminal


def adopt_storage() -> None:
    """Bind the folder of STORAGE_URL to this instance, after its disk was replaced."""
    from core.errors import ThreadpaintError
    from core.instance import adopt_storage as adopt
    from core.settings import StorageSettings, load

    folder = load(StorageSettings).folder
    try:
        adopt(open_current_database(), folder)
    except OSError as error:
        raise ThreadpaintError(f"cannot save pictures in {folder}: {error.strerror}") from None
    typer.echo(f"this instance keeps its pictures in {folder}")


def backup(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder that gets the backup. Default: `backups` in DATA_DIR.")
    ] = None,
    tar: Annotated[bool, typer.Option("--tar", help="Write one .tar file instead of a folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy database and pictures into a dated folder. Safe while everything runs."""
    from core.cli.backup import back_up
    from core.private_files import keep_private
    from core.settings import AppSettings, StorageSettings, load

    app = load(AppSettings)
    keep_private(app.data_dir)
    result = back_up(
        open_current_database(),
        load(StorageSettings).folder,
        folder or app.data_dir.resolve() / "backups",
        as_tar=tar,
    )
    if as_json:
        return print_json(result.as_json())
    typer.echo(str(result))
    return None


def queue_server() -> None:
    """Run the embedded queue server."""
    from core.demo.queue_server import serve
    from core.logs import configure_logs
    from core.private_files import keep_private
    from core.settings import AppSettings, QueueSettings, load, warn_about_unknown_settings

    app = load(AppSettings)
    keep_private(app.data_dir)
    configure_logs(level=app.log_level, as_json=app.log_json, process="queue")
    warn_about_unknown_settings()
    sys.exit(serve(load(QueueSettings)))


def status(as_json: AsJson = False) -> None:
    """Show the queue, X's limits, the costs, and recent failures with their reasons."""
    from core.cli.status import render_status
    from core.cli.status_json import status_as_json
    from core.queue import open_queue
    from core.settings import BudgetSettings, QueueSettings, RateLimitSettings, load
    from core.x.rate_limit import XRateLimiter

    engine = open_current_database()
    queue, money = open_queue(load(QueueSettings).url), load(BudgetSettings)
    rate_limiter = XRateLimiter(queue, load(RateLimitSettings))
    if as_json:
        return print_json(status_as_json(engine, queue, rate_limiter, money))
    return print_lines(render_status(engine, queue, rate_limiter, money))


def costs(
    month: Annotated[str, typer.Option(help="Like 2026-11. Default: this month.")] = "",
    day: Annotated[str, typer.Option(help="Like 2026-11-20, a UTC day.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the costs of a month or a day, per item."""
    from core.cli.costs import bill_as_json, parse_period, render_bill, render_month_end
    from core.clock import now
    from core.errors import ThreadpaintError

    if month and day:
        raise ThreadpaintError("--month or --day, not both")
    if day:
        period = parse_period(day, example="2026-11-20")
    else:
        period = parse_period(month or f"{now():%Y-%m}", example="2026-11")
    engine = open_current_database()
    if as_json:
        return print_json(bill_as_json(engine, period))
    print_lines(render_bill(engine, period))
    if not day and not month:
        typer.echo(render_month_end(engine, now()))
    return None


@reports_app.callback(invoke_without_command=True)
def reports(context: typer.Context, as_json: AsJson = False) -> None:
    """List the open reports. Subcommands resolve them or remove what they are about."""
    if context.invoked_subcommand is None:
        list_reports(as_json)


@reports_app.command("list")
def list_reports(as_json: AsJson = False) -> None:
    """List the open reports, oldest first."""
    from core.cli.reports import render_reports, reports_as_json
    from core.settings import AppSettings, load

    engine, url = open_current_database(), load(AppSettings).gallery_url
    if as_json:
        return print_json(reports_as_json(engine, url))
    return print_lines(render_reports(engine, url))


@reports_app.command("resolve")
def resolve_reports(report_ids: ReportIds) -> None:
    """Close reports without removing anything."""
    from core.cli.reports import resolve

    typer.echo(f"{resolve(open_current_database(), report_ids)} resolved")


@reports_app.command("remove")
def remove_reported(report_ids: ReportIds) -> None:
    """Delete the comments or creations that these reports are about, for good, and close the reports."""
    from core.cli.reports import remove_reported

    typer.echo(f"{remove_reported(open_current_database(), report_ids)} removed")


@jobs_app.callback()
def jobs() -> None:
    """Retry failed work."""


@jobs_app.command()
def retry(creation_ids: Annotated[list[int] | None, typer.Argument(help="Default: all that failed.")] = None) -> None:
    """Queue failed creations again, and call GPU backends that are suspended at once."""
    from core.cli.status import requeue_failed, retry_now
    from core.gpu_health import GpuCircuitBreaker
    from core.queue import open_queue
    from core.settings import QueueSettings, load

    engine = open_current_database()
    requeued = requeue_failed(engine, creation_ids)
    typer.echo(f"{requeued} queued again, {retry_now(engine, GpuCircuitBreaker(open_queue(load(QueueSettings).url)))}")


@db_app.callback()
def db() -> None:
    """Development of the database schema."""


def erase(
    handle: Annotated[str, typer.Argument(help="@handle, or the id on X.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a user for good: pictures, prompts, the bot's replies on X, name and handle."""
    from core.deletion import erase_user, find_erasable_user
    from core.settings import StorageSettings, load
    from core.upload_store import UploadStore
    from core.x.operator_client import open_user_lookup

    engine = open_current_database()
    user = find_erasable_user(engine, handle, open_user_lookup(engine))
    if yes:
        user.require_confirmed()
    else:
        typer.confirm(f"Erase for good: {user.label}{user.uncertainty}?", abort=True)
    count = erase_user(engine, user.id)
    UploadStore(load(StorageSettings).folder).delete_all(user.id)
    typer.echo(f"{count} creations are hidden now; the workers delete their files, and the replies on X")
