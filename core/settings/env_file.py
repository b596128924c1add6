"""Find the `.env` of the instance that a command belongs to, and the folder that relative paths start from.

A cron job or a systemd unit may start a command in any folder. Without this search it would read no settings there and
create a second, empty instance.
"""

import os
from pathlib import Path

from dotenv import dotenv_values

from core.errors import SettingsError

# The checkout that this code runs from. An installed package has no checkout, and no `.env` beside it.
CHECKOUT = Path(__file__).parent.parent.parent


def find_env_file() -> Path | None:
    """Return the `.env` to read, or None if there is none.

    `ENV_FILE` in the environment names it (empty: read no file). Otherwise it is `.env` in the current folder, then
    `.env` in the checkout. Raises SettingsError if `ENV_FILE` names a file that does not exist.
    """
    named = os.environ.get("ENV_FILE")
    if named is None:
        return next((file for file in (Path.cwd() / ".env", CHECKOUT / ".env") if file.is_file()), None)
    if not named.strip():
        return None
    file = Path(named).expanduser().absolute()
    if not file.is_file():
        raise SettingsError(f"ENV_FILE: there is no file {file} (for example: ENV_FILE=/srv/threadpaint/.env)")
    return file


def names_in_env_file() -> set[str]:
    """Return the names that the `.env` sets and the environment does not."""
    file = find_env_file()
    return set(dotenv_values(file, interpolate=False)) - set(os.environ) if file else set()


def given_names() -> set[str]:
    """Return all names in the environment and the `.env`, in upper case."""
    return {name.upper() for name in {*os.environ, *names_in_env_file()}}


def absolute_path(path: Path) -> Path:
    """Return `path` as an absolute path. A relative path starts from the instance's folder, never from a random one.

    That is the folder of its `.env`. Without a `.env` it is the current folder, or the checkout if the path exists
    only there.
    """
    path = path.expanduser()
    if path.is_absolute():
        return path
    if env_file := find_env_file():
        return env_file.parent / path
    here, in_checkout = Path.cwd() / path, CHECKOUT / path
    reads_checkout = os.environ.get("ENV_FILE") is None and in_checkout.exists() and not here.exists()
    return in_checkout if reads_checkout else here
