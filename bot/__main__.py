"""`python -m bot`: poll X until stopped; the subcommands are the bot's. `threadpaint` offers these and more."""

import typer

from bot import commands
from core.cli.common import EXIT_CODES, Version, run_app

app = typer.Typer(add_completion=False, epilog=EXIT_CODES)


@app.callback(invoke_without_command=True)
def main(context: typer.Context, once: commands.Once = False, version: Version = False) -> None:
    """Poll X for mentions and replies until stopped, and queue their pictures."""
    if context.invoked_subcommand is None:
        commands.poll(once)


for _command in (
    commands.ban,
    commands.unban,
    commands.users,
    commands.doctor,
    commands.forecast,
    commands.restore,
    commands.announce,
):
    app.command()(_command)


if __name__ == "__main__":
    run_app(app, "bot")
