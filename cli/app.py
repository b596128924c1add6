"""`threadpaint`: run an instance, and look after it.

The commands live in core and bot; this module only names them. Heavy imports stay inside commands, so that
`threadpaint --help` starts fast.
"""

from collections.abc import Callable
from typing import Annotated

import typer

import bot.commands as bot
import core.cli.commands as core
from core.cli.common import EXIT_CODES, Version, run_app

app = typer.Typer(add_completion=False, no_args_is_help=True, epilog=EXIT_CODES)
user_app = typer.Typer(no_args_is_help=True, help="List, ban, unban and erase users.")

RUN, OPERATE, MAINTAIN = "Run", "Operate", "Maintain"


@app.callback()
def threadpaint(version: Version = False) -> None:
    """Run Threadpaint, a bot on X that paints, with a gallery. Settings come from the environment or `.env`."""


@app.command(rich_help_panel=RUN)
def run() -> None:
    """Run poller, workers, gallery and queue in the foreground, and restart what dies."""
    from cli.run import run_all

    raise typer.Exit(run_all(typer.echo))


@app.command(rich_help_panel=RUN)
def work(burst: Annotated[bool, typer.Option("--burst", help="Exit when the queue is empty.")] = False) -> None:
    """Paint pictures and reply on X until stopped."""
    from worker.__main__ import main

    main(burst)


@app.command(rich_help_panel=RUN)
def web(
    port: Annotated[int | None, typer.Option(help="Port to listen on. Default: GALLERY_PORT, 8000.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: GALLERY_HOST, 127.0.0.1.")] = None,
) -> None:
    """Serve the gallery until stopped."""
    from gallery.__main__ import serve

    serve(port, host)


def _add(panel: str, *commands: Callable[..., None]) -> None:
    for command in commands:
        app.command(rich_help_panel=panel)(command)


_add(RUN, core.demo, bot.poll)
app.command("queue-server", rich_help_panel=RUN)(core.queue_server)

_add(OPERATE, core.status, bot.doctor, core.costs, bot.forecast, bot.announce)
app.add_typer(user_app, name="user", rich_help_panel=OPERATE)
app.add_typer(core.reports_app, name="reports", rich_help_panel=OPERATE)
app.add_typer(core.jobs_app, name="jobs", rich_help_panel=OPERATE)

_add(MAINTAIN, core.migrate, core.backup, bot.restore)
app.command("adopt-storage", rich_help_panel=MAINTAIN)(core.adopt_storage)
app.add_typer(core.db_app, name="db", rich_help_panel=MAINTAIN)

user_app.command("list")(bot.users)
user_app.command()(bot.ban)
user_app.command()(bot.unban)
user_app.command()(core.erase)


def main() -> None:
    """Run a command."""
    run_app(app, "threadpaint")


if __name__ == "__main__":
    main()
