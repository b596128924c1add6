"""`python -m core`: the operator's commands that need core alone. `threadpaint` offers these and more."""

import typer

from core.cli import commands
from core.cli.common import EXIT_CODES, Version, run_app

app = typer.Typer(add_completion=False, no_args_is_help=True, epilog=EXIT_CODES)


@app.callback()
def options(version: Version = False) -> None:
    """Run a command of the operator."""


for _command in (commands.migrate, commands.demo, commands.status, commands.costs, commands.erase, commands.backup):
    app.command()(_command)
app.command("adopt-storage")(commands.adopt_storage)
app.command("queue-server")(commands.queue_server)
app.add_typer(commands.reports_app, name="reports")
app.add_typer(commands.jobs_app, name="jobs")
app.add_typer(commands.db_app, name="db", hidden=True)


if __name__ == "__main__":
    run_app(app, "threadpaint")
