"""Define the gallery's own settings: the bot's handle, X's addresses and sign-in. None of the bot's secrets.

Sign-in needs an OAuth 2.0 client of X, which may only read, and a secret of the gallery's own. Without a client the
site runs without sign-in.
"""

from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from core.settings import Settings

MIN_SECRET_LENGTH = 32
HOW_TO_GENERATE = "for example what `openssl rand -hex 32` prints"


class GallerySettings(Settings):
    """Where X is, and how users sign in."""

    bot_handle: str = Field(default="threadpaint", pattern=r"^@?\w{1,15}$", description="the bot's handle on X")
    # If empty, users and posts have no links. The demo uses the sandbox, which has X's paths.
    x_web_url: str = Field(default="https://x.com", pattern=r"^(https?://[^\s]+)?$", examples=["https://x.com"])
    # The bot has the same setting. The demo uses the sandbox.
    x_api_url: str = Field(
        default="https://api.x.com", pattern=r"^https?://[^\s/?#]+[^\s?#]*$", examples=["https://api.x.com"]
    )
    x_client_id: str = Field(
        default="", pattern=r"^[\x21-\x7e]{0,200}$", description="OAuth 2.0 client; if empty, there is no sign-in"
    )
    x_client_secret: SecretStr = Field(default=SecretStr(""), description="empty for a public client")
    gallery_secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="encrypts tokens and signs the sign-in cookie; `new,old` while it is rotated",
        examples=["what `openssl rand -hex 32` prints"],
    )

    gallery_ai_crawlers: Literal["allow", "deny"] = Field(
        default="deny", description="whether AI crawlers may collect the pictures"
    )

    @field_validator("x_client_id", mode="before")
    @classmethod
    def _strip(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("gallery_secret_key")
    @classmethod
    def _check_length(cls, value: SecretStr) -> SecretStr:
        if any(len(secret) < MIN_SECRET_LENGTH for secret in _split(value)):
            raise ValueError(f"each part needs at least {MIN_SECRET_LENGTH} characters")
        return value

    @model_validator(mode="after")
    def _check_secret(self) -> "GallerySettings":
        if self.x_client_id and not self.secrets:
            raise ValueError(f"GALLERY_SECRET_KEY is missing: X_CLIENT_ID needs it; {HOW_TO_GENERATE}")
        return self

    @property
    def denies_ai_crawlers(self) -> bool:
        """Return whether robots.txt and headers ask AI crawlers to stay out."""
        return self.gallery_ai_crawlers == "deny"

    @property
    def secrets(self) -> list[str]:
        """The gallery's secrets, the newest first."""
        return _split(self.gallery_secret_key)

    @property
    def handle(self) -> str:
        """The bot's handle without @."""
        return self.bot_handle.removeprefix("@")

    @property
    def x_base(self) -> str:
        """Address of X's pages without a trailing slash; empty for none."""
        return self.x_web_url.rstrip("/")


def _split(value: SecretStr) -> list[str]:
    return [part.strip() for part in value.get_secret_value().split(",") if part.strip()]
