"""The gallery's own settings: whom to mention, where X's pages are, and how people sign in. Holds no secret of the bot.

Signing in needs an OAuth 2.0 client of X, which can read who somebody is and nothing more, and a secret of the
gallery's own. Without a client the site runs without sign-in.
"""

from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from core.settings import Settings

SHORTEST_SECRET = 32
EXAMPLE = "for example what `openssl rand -hex 32` prints"


class GallerySettings(Settings):
    """What the pages say about the world outside, and how people sign in."""

    bot_handle: str = Field(default="threadpaint", pattern=r"^@?\w{1,15}$", description="the bot's handle on X")
    # An empty address shows people and posts without a link. The demo names the sandbox, which has X's addresses.
    x_web_url: str = Field(default="https://x.com", pattern=r"^(https?://[^\s]+)?$", examples=["https://x.com"])
    # The bot's settings name the same variable. A gallery alone talks to the real X; the demo names the sandbox.
    x_api_url: str = Field(
        default="https://api.x.com", pattern=r"^https?://[^\s/?#]+[^\s?#]*$", examples=["https://api.x.com"]
    )
    x_client_id: str = Field(
        default="", pattern=r"^[\x21-\x7e]{0,200}$", description="OAuth 2.0 client; empty: nobody signs in"
    )
    x_client_secret: SecretStr = Field(default=SecretStr(""), description="empty for a public client")
    gallery_secret: SecretStr = Field(
        default=SecretStr(""),
        description="encrypts and signs what the sign-in keeps; `new,old` while it is changed",
        examples=["what `openssl rand -hex 32` prints"],
    )

    gallery_ai_crawlers: Literal["allow", "deny"] = Field(
        default="deny", description="whether those who train machines may gather what hangs here"
    )

    @field_validator("x_client_id", mode="before")
    @classmethod
    def _trimmed(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("gallery_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if any(len(each) < SHORTEST_SECRET for each in _split(value)):
            raise ValueError(f"each part needs at least {SHORTEST_SECRET} characters")
        return value

    @model_validator(mode="after")
    def _complete(self) -> "GallerySettings":
        if self.x_client_id and not self.secrets:
            raise ValueError(f"GALLERY_SECRET is missing: with X_CLIENT_ID people sign in; {EXAMPLE}")
        return self

    @property
    def keeps_out_ai(self) -> bool:
        """Whether crawlers for training are told to stay out."""
        return self.gallery_ai_crawlers == "deny"

    @property
    def secrets(self) -> list[str]:
        """The gallery's secrets, the newest first."""
        return _split(self.gallery_secret)

    @property
    def handle(self) -> str:
        """The bot's handle without @."""
        return self.bot_handle.removeprefix("@")

    @property
    def x_base(self) -> str:
        """Address of X's pages without a trailing slash; empty for none."""
        return self.x_web_url.rstrip("/")


def _split(value: SecretStr) -> list[str]:
    return [each.strip() for each in value.get_secret_value().split(",") if each.strip()]
