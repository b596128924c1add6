"""Where things are: this house on this machine, its database, its queue, its pictures."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from core.settings.base import Settings
from core.settings.location import absolute_path

# The longest path a unix socket may have on Linux is 107 bytes; macOS allows 103.
LONGEST_SOCKET_PATH = 100
REDIS_SCHEMES = ("redis", "rediss", "unix")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def _fits_into_addresses(folder: Path) -> Path:
    folder = absolute_path(folder)
    if set("#?%") & set(str(folder)):
        raise ValueError("the path of the data folder becomes part of addresses and cannot hold '#', '?' or '%'")
    return folder


# The folder of everything that is kept. A relative one starts from the instance's folder, also by default.
DataDir = Annotated[Path, AfterValidator(_fits_into_addresses), Field(validate_default=True)]


class HouseSettings(Settings):
    """Where things are kept and found on this machine."""

    data_dir: DataDir = Path("data")
    gallery_port: int = Field(default=8000, ge=1, le=65535)
    gallery_host: str = "127.0.0.1"
    gallery_url: str = ""
    gallery_access_log: bool = Field(default=False, description="one line per request, with the caller's address")
    sandbox_port: int = Field(default=8001, ge=1, le=65535)
    gpu_port: int = Field(default=8002, ge=1, le=65535)
    demo_gpu_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/?#]+[^\s?#]*)?$",
        examples=["http://127.0.0.1:8002"],
        description="a painter of one's own for the demo, in place of the sketch",
    )
    demo_database_url: str = Field(
        default="",
        examples=["postgresql://user:secret@127.0.0.1/demo"],
        description="a database of one's own for the demo, in place of SQLite",
    )
    log_level: str = Field(default="info", pattern="(?i)^(debug|info|warning|error)$")
    log_json: bool = False


class DatabaseSettings(Settings):
    """The truth: SQLite by default, PostgreSQL when outgrown."""

    data_dir: DataDir = Path("data")
    database_url: str = Field(default="", examples=["postgresql://user:secret@db.example/threadpaint"])
    database_wait_seconds: float = Field(
        default=60.0, ge=0, le=3600, description="at the start of bot and worker, wait this long for the database"
    )

    @property
    def url(self) -> str:
        """Database address as SQLAlchemy takes it. Hosts hand out `postgres://`, mended here."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir.resolve() / 'threadpaint.db'}"
        if relative := re.fullmatch(r"sqlite:///([^/:].*)", self.database_url):
            return f"sqlite:///{absolute_path(Path(relative[1]))}"
        return self.database_url.replace("postgres://", "postgresql://", 1)


class QueueSettings(Settings):
    """Work to do: an embedded Valkey by default, any Redis or Valkey when outgrown."""

    data_dir: DataDir = Path("data")
    redis_url: str = Field(default="", examples=["redis://:secret@queue.example:6379/0"])
    workers: int = Field(default=3, ge=1, le=64, description="jobs done at the same time by one worker process")

    @field_validator("redis_url")
    @classmethod
    def _an_address_of_a_server(cls, value: str) -> str:
        """Raise ValueError without repeating the address: it may hold a password."""
        try:
            parts = urlsplit(value)
            port_is_valid = parts.port != 0
        except ValueError:
            raise ValueError("the port is not a number from 1 to 65535") from None
        named = bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname) and port_is_valid
        if value and (parts.scheme not in REDIS_SCHEMES or not named):
            raise ValueError("it must begin with redis://, rediss:// or unix:// and name a server")
        return value

    @property
    def folder(self) -> Path:
        """Folder of the embedded server's append-only file."""
        return self.data_dir.resolve() / "queue"

    @property
    def socket(self) -> Path:
        """Unix socket of the embedded server. It lies outside its data folder; deep folders fall back to /tmp."""
        path = self.data_dir.resolve() / "queue.sock"
        if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
            return path
        name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"threadpaint-{os.getuid()}" / f"{name}.sock"

    @property
    def url(self) -> str:
        """Address as redis-py takes it."""
        return self.redis_url or f"unix://{self.socket}?db=0"


class StorageSettings(Settings):
    """Pictures: a folder by default."""

    data_dir: DataDir = Path("data")
    storage_url: str = Field(default="", examples=["/srv/threadpaint/pictures"])

    @field_validator("storage_url")
    @classmethod
    def _a_folder(cls, value: str) -> str:
        """Raise ValueError for any other place; its address may hold a password and is not repeated."""
        value = value.strip()
        scheme = SCHEME.match(value)
        if scheme and not re.match(r"file:///[^/]", value):
            raise ValueError(f"pictures are kept in a folder, named by its path or file:///path, not by '{scheme[0]}'")
        return value

    @property
    def folder(self) -> Path:
        """Folder that holds the pictures."""
        return absolute_path(Path(self.storage_url.removeprefix("file://") or self.data_dir / "pictures")).resolve()
