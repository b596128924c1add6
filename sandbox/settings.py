"""How this world is set up: where it listens, where it rests, who the bot is. Knows nothing of what happens in it."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

OldMedia = Literal["gone", "unusable", "works"]
HANDLE = r"^[A-Za-z0-9_]{1,15}$"


class Settings(BaseSettings):
    """Read once, at the edge, from `SANDBOX_...`; the credentials are well known on purpose, they open nothing real."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_", frozen=True)

    host: str = "127.0.0.1"
    hosts: list[str] = Field([], description="more names under which browsers find it, such as a tunnel's")
    port: int = Field(8001, ge=0, le=65535)
    data: Path | None = Field(None, description="folder of the world; without one it lives in memory")
    seed: int = 1
    bot: str = Field("threadpaint", pattern=HANDLE)
    search_lag_seconds: float = Field(30, ge=0, description="recent search answers up to now minus this")

    consumer_key: str = "sandbox-consumer-key"
    consumer_secret: str = "sandbox-consumer-secret"  # noqa: S105 well known on purpose
    bearer: str = "sandbox-bearer"
    client_id: str = "sandbox-client-id"
    client_secret: str = "sandbox-client-secret"  # noqa: S105 well known on purpose
    client_name: str = Field("An app in the making", description="what the page of sign-in calls the app")
    redirect_uris: list[str] = Field([], description="where sign-in may lead back to; none: any loopback http address")
    vocabulary: Literal["legacy", "new", "mixed"] = "legacy"
    old_media: OldMedia = Field("gone", description="the upload of the old API: gone, unusable or works")

    # X's own numbers (x-platform 2.3, 2.7); named here because the next issue turns some of them.
    mentions_reach: int = 800
    posts_reach: int = 3200
    posts_reach_without_replies: int = 800
    search_days: int = 7
    media_seconds: int = 86_400
    clock_skew_seconds: int = 300
