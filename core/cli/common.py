"""What the operator's commands share: JSON output, the version, the database, and errors in one line.

Heavy imports stay inside functions, so that `threadpaint --help` starts fast.
"""

import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
EXIT_CODES = "Exit codes: 0 done, 1 failed (the reason is on stderr), 2 wrong usage."


def _print_version(is_requested: bool) -> None:
    from core.version import version_text

    if is_requested:
        typer.echo(version_text())
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
]


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_lines(lines: Iterable[str]) -> None:
    """Print each line as soon as it is known."""
    for line in lines:
        typer.echo(line)


def open_current_database() -> "Engine":
    """Open the database. Raise ThreadpaintError unless its tables are up to date."""
    from core.database import open_database
    from core.migrate import require_current
    from core.settings import DatabaseSettings, load

    engine = open_database(load(DatabaseSettings).url)
    require_current(engine)
    return engine


def run_app(app: Callable[[], Any], name: str) -> None:
    """Run a Typer app. Print an expected failure as one line `name: reason`, and exit with 1."""
    from core.errors import ThreadpaintError

    try:
        app()
    except ThreadpaintError as error:
        sys.exit(f"{name}: {error}")
