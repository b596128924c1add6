"""Settings: one small class per concern, read once at the edge from the environment (or `.env`).

Every value has the embedded default of one machine, except secrets of the outside world: these have none, and a
missing one stops the process at its start with the variable's name and an example.
"""

import hashlib
import math
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError

# The longest path a unix socket may have on Linux is 107 bytes; macOS allows 103.
LONGEST_SOCKET_PATH = 100


def _fits_into_addresses(folder: Path) -> Path:
    if set("#?%") & set(str(folder)):
        raise ValueError("the path of the data folder becomes part of addresses and cannot hold '#', '?' or '%'")
    return folder


def _fits_into_headers(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.isascii() or any(c.isspace() for c in text):
        raise ValueError("it goes into an HTTP header: letters, digits and signs of ASCII only")
    return secret


# The folder of everything that is kept.
DataDir = Annotated[Path, AfterValidator(_fits_into_addresses)]


class Settings(BaseSettings):
    """Base of all: frozen, environment first, then `.env`; unknown variables are somebody else's."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=".env", env_file_encoding="utf-8", extra="ignore", populate_by_name=True
    )


class HouseSettings(Settings):
    """Where things are kept and found on this machine."""

    data_dir: DataDir = Path("data")
    gallery_port: int = Field(default=8000, ge=1, le=65535)
    gallery_host: str = "127.0.0.1"
    gallery_url: str = ""
    sandbox_port: int = Field(default=8001, ge=1, le=65535)
    gpu_port: int = Field(default=8002, ge=1, le=65535)
    log_level: str = Field(default="info", pattern="(?i)^(debug|info|warning|error)$")
    log_json: bool = False


class DatabaseSettings(Settings):
    """The truth: SQLite by default, PostgreSQL when outgrown."""

    data_dir: DataDir = Path("data")
    database_url: str = Field(default="", examples=["postgresql://user:secret@db.example/threadpaint"])

    @property
    def url(self) -> str:
        """Database address as SQLAlchemy takes it. Hosts hand out `postgres://`, mended here."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir.resolve() / 'threadpaint.db'}"
        return self.database_url.replace("postgres://", "postgresql://", 1)


class QueueSettings(Settings):
    """Work to do: an embedded Valkey by default, any Redis or Valkey when outgrown."""

    data_dir: DataDir = Path("data")
    redis_url: str = Field(default="", examples=["redis://:secret@queue.example:6379/0"])
    workers: int = Field(default=3, ge=1, le=64, description="jobs done at the same time by one worker process")

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

    @property
    def folder(self) -> Path:
        """Folder that holds the pictures."""
        return Path(self.storage_url.removeprefix("file://") or self.data_dir / "pictures").resolve()


class XSettings(Settings):
    """The bot's account on X, or in the sandbox. Only the bot and the worker read these; the gallery never does."""

    x_api_url: str = Field(default="http://127.0.0.1:8001", examples=["https://api.x.com"])
    x_consumer_key: SecretStr = Field(examples=["the app's API key"])
    x_consumer_secret: SecretStr = Field(examples=["the app's API key secret"])
    x_access_token: SecretStr = Field(examples=["the bot account's access token"])
    x_access_token_secret: SecretStr = Field(examples=["the bot account's access token secret"])
    x_timeout_seconds: float = Field(default=10.0, gt=0, le=60, description="longest wait for one call to X")
    x_watched_posts: str = Field(
        default="", pattern=r"^[\d,\s]*$", examples=["1890000000000000000,1890000000000000001"]
    )

    @property
    def watched(self) -> frozenset[int]:
        """Ids of posts of the bot whose direct replies are prompts, beside its pinned thread."""
        return frozenset(int(word) for word in self.x_watched_posts.replace(",", " ").split())


class GpuSettings(Settings):
    """Where the painter is."""

    gpu_port: int = 8002
    gpu_url: str = Field(
        default="", pattern=r"^(https?://[^\s/?#]+[^\s?#]*)?$", examples=["https://you--threadpaint-gpu-web.modal.run"]
    )
    gpu_token: Annotated[SecretStr, AfterValidator(_fits_into_headers)] = Field(
        default=SecretStr(""), examples=["the same long random text as on the service"]
    )
    gpu_timeout_seconds: float = Field(default=150.0, gt=0, le=1800, description="longest wait for one painting")

    @property
    def url(self) -> str:
        """Base address without a trailing slash."""
        return (self.gpu_url or f"http://127.0.0.1:{self.gpu_port}").rstrip("/")


class PollSettings(Settings):
    """How the bot listens."""

    poll_seconds: float = Field(default=15.0, ge=0.2, le=3600, description="pause between two looks at X")
    poll_overlap_seconds: float = Field(default=120.0, ge=0, le=86400, description="how far each look reaches back")
    prompt_limit: int = Field(default=2000, ge=1, le=4000, description="longest prompt, in characters")


class WorkSettings(Settings):
    """How long a claim on a creation lasts, and how often a failed step is tried again."""

    lease_seconds: float = Field(default=45.0, ge=1, le=600)
    paint_attempts: int = Field(default=8, ge=1, le=50)
    reply_attempts: int = Field(default=24, ge=1, le=50)
    retry_seconds: float = Field(default=5.0, gt=0, le=600, description="pause after the first failed try; it triples")
    retry_longest_seconds: float = Field(default=600.0, gt=0, le=86400)
    sweep_seconds: float = Field(default=1.0, ge=0.2, le=60)
    settle_seconds: float = Field(default=35.0, ge=0, le=600, description="wait before looking on X for a lost answer")
    x_timeout_seconds: float = 10.0

    @model_validator(mode="after")
    def a_call_ends_before_its_lease(self) -> Self:
        """A post still under way after its lease could meet the worker that took the lease over.

        The timeout counts once for connecting and once for the answer, and half a lease may be gone before the call.
        """
        least = 4 * self.x_timeout_seconds
        if self.lease_seconds < least:
            raise ValueError(
                f"LEASE_SECONDS must be at least four times X_TIMEOUT_SECONDS, e.g. LEASE_SECONDS={math.ceil(least)}"
            )
        return self


Kind = TypeVar("Kind", bound=Settings)


def load(kind: type[Kind], **values: Any) -> Kind:
    """Read one class of settings. Raises SettingsError with one line that names the variable and an example."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(kind, item) for item in error.errors())) from None


def _explain(kind: type[Settings], item: Any) -> str:
    if not item["loc"]:
        return str(item["msg"]).removeprefix("Value error, ")
    name = str(item["loc"][0]).lower()
    examples = kind.model_fields[name].examples if name in kind.model_fields else None
    hint = f" (for example: {examples[0]})" if examples else ""
    problem = "is missing" if item["type"] == "missing" else f"is wrong: {item['msg']}"
    return f"{name.upper()} {problem}{hint}"
