"""The gallery's own settings: whom to mention, and where X's pages are. Holds no secret."""

from pydantic import Field

from core.settings import Settings


class GallerySettings(Settings):
    """What the pages say about the world outside."""

    bot_handle: str = Field(default="threadpaint", pattern=r"^@?\w{1,15}$", description="the bot's handle on X")
    # An empty address shows people and posts without a link. The demo names the sandbox, which has X's addresses.
    x_web_url: str = Field(default="https://x.com", pattern=r"^(https?://[^\s]+)?$", examples=["https://x.com"])

    @property
    def handle(self) -> str:
        """The bot's handle without @."""
        return self.bot_handle.removeprefix("@")

    @property
    def x_base(self) -> str:
        """Address of X's pages without a trailing slash; empty for none."""
        return self.x_web_url.rstrip("/")
