"""Brings the tables up to date, in process: 3 ms when nothing is to do. Alembic keeps the history.

A new step is written with `python -m core revision "what changes"` after a change of `core/models.py`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Apply every migration that the database lacks."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def write_revision(engine: Engine, message: str) -> None:
    """Compare the models with the database and write the difference as a new migration."""
    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=_next_number())


def check(engine: Engine) -> None:
    """Raise if the models and the migrated database differ."""
    with engine.begin() as connection:
        command.check(_config(connection))


def _config(connection: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _next_number() -> str:
    return f"{len(list((MIGRATIONS / 'versions').glob('*.py'))) + 1:04d}"
