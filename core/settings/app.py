"""Settings of the instance: ports, data folder, database, queue and picture storage."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from core.settings.base import Settings
from core.settings.env_file import absolute_path

# Unix sockets allow paths of 107 bytes on Linux and 103 on macOS.
MAX_SOCKET_PATH_BYTES = 100
REDIS_SCHEMES = ("redis", "rediss", "unix")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def _validate_data_dir(folder: Path) -> Path:
    folder = absolute_path(folder)
    if set("#?%") & set(str(folder)):
        raise ValueError("the path of the data folder becomes part of a URL, so it cannot contain '#', '?' or '%'")
    return folder


# The folder of all stored data. A relative path starts from the instance's folder, also by default.
DataDir = Annotated[Path, AfterValidator(_validate_data_dir), Field(validate_default=True)]


class AppSettings(Settings):
    """Addresses, ports and folders on this machine."""

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
        description="a GPU service for the demo, instead of the sketch engine",
    )
    demo_database_url: str = Field(
        default="",
        examples=["postgresql://user:secret@127.0.0.1/demo"],
        description="a database for the demo, instead of SQLite",
    )
    demo_empty: bool = Field(default=False, description="start the demo without sample prompts and people")
    log_level: str = Field(default="info", pattern="(?i)^(debug|info|warning|error)$")
    log_json: bool = False


class DatabaseSettings(Settings):
    """The database: SQLite by default, or PostgreSQL."""

    data_dir: DataDir = Path("data")
    database_url: str = Field(default="", examples=["postgresql://user:secret@db.example/threadpaint"])
    database_wait_seconds: float = Field(
        default=60.0, ge=0, le=3600, description="at the start of bot and worker, wait this long for the database"
    )

    @property
    def url(self) -> str:
        """The database URL for SQLAlchemy. Corrects `postgres://`, which some providers use."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir.resolve() / 'threadpaint.db'}"
        if relative := re.fullmatch(r"sqlite:///([^/:].*)", self.database_url):
            return f"sqlite:///{absolute_path(Path(relative[1]))}"
        return self.database_url.replace("postgres://", "postgresql://", 1)


class QueueSettings(Settings):
    """The queue: an embedded Valkey by default, or any Redis or Valkey server."""

    data_dir: DataDir = Path("data")
    redis_url: str = Field(default="", examples=["redis://:secret@queue.example:6379/0"])
    worker_concurrency: int = Field(
        default=3, ge=1, le=64, description="jobs done at the same time by one `python -m worker`"
    )
    worker_max_jobs: int = Field(default=1000, ge=1, description="a worker process is replaced after so many jobs")
    worker_max_memory_mb: int = Field(default=600, ge=200, description="or once it has used so much memory")

    @field_validator("redis_url")
    @classmethod
    def _validate_redis_url(cls, value: str) -> str:
        """Raise ValueError without the URL in its text, because it may contain a password."""
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
        """The folder of the embedded server's append-only file."""
        return self.data_dir.resolve() / "queue"

    @property
    def socket(self) -> Path:
        """The unix socket of the embedded server, outside its data folder. Long paths fall back to /tmp."""
        path = self.data_dir.resolve() / "queue.sock"
        if len(str(path).encode()) <= MAX_SOCKET_PATH_BYTES:
            return path
        name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"threadpaint-{os.getuid()}" / f"{name}.sock"

    @property
    def url(self) -> str:
        """The URL for redis-py."""
        return self.redis_url or f"unix://{self.socket}?db=0"


class StorageSettings(Settings):
    """The folder of pictures."""

    data_dir: DataDir = Path("data")
    storage_url: str = Field(default="", examples=["/srv/threadpaint/pictures"])

    @field_validator("storage_url")
    @classmethod
    def _validate_storage_url(cls, value: str) -> str:
        """Raise ValueError unless it is a folder. The text omits the URL, which may contain a password."""
        value = value.strip()
        scheme = SCHEME.match(value)
        if scheme and not re.match(r"file:///[^/]", value):
            raise ValueError(f"pictures are stored in a folder, named by path or file:///path, not by '{scheme[0]}'")
        return value

    @property
    def folder(self) -> Path:
        """The folder of pictures."""
        return absolute_path(Path(self.storage_url.removeprefix("file://") or self.data_dir / "pictures")).resolve()
