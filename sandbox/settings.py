"""Define the settings of the sandbox, read from `SANDBOX_...`."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

OldMedia = Literal["gone", "unusable", "works"]
HANDLE = r"^[A-Za-z0-9_]{1,15}$"


class SandboxSettings(BaseSettings):
    """The settings. The default credentials are public on purpose: they give access to nothing real."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_", frozen=True)

    host: str = "127.0.0.1"
    hosts: list[str] = Field([], description="more host names that browsers use, such as a tunnel's")
    port: int = Field(8001, ge=0, le=65535)
    data: Path | None = Field(None, description="folder of the data; without it, everything is in memory")
    seed: int = 1
    bot: str = Field("threadpaint", pattern=HANDLE)
    search_lag_seconds: float = Field(30, ge=0, description="delay until recent search finds a new post")

    consumer_key: str = "sandbox-consumer-key"
    consumer_secret: str = "sandbox-consumer-secret"  # noqa: S105 public on purpose
    bearer: str = "sandbox-bearer"
    client_id: str = "sandbox-client-id"
    client_secret: str = "sandbox-client-secret"  # noqa: S105 public on purpose
    client_name: str = Field("An app in the making", description="name of the app on the sign-in page")
    redirect_uris: list[str] = Field([], description="allowed redirect URIs; none: any loopback http address")
    vocabulary: Literal["legacy", "new", "mixed"] = "legacy"
    old_media: OldMedia = Field("gone", description="media upload of API 1.1: gone, unusable or works")

    # X's documented numbers.
    mentions_reach: int = 800
    posts_reach: int = 3200
    posts_reach_without_replies: int = 800
    search_days: int = 7
    media_seconds: int = 86_400
    clock_skew_seconds: int = 300
