"""Settings of the bot on X: keys, replies, polling, and which users it replies to."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from core.reason_codes import MESSAGES, SILENT_BY_DEFAULT
from core.settings.base import Settings


def _not_empty(key: SecretStr) -> SecretStr:
    if not key.get_secret_value().strip():
        raise PydanticCustomError("empty", "it is empty")
    return key


# An unchanged copy of `.env.example` must not start a bot that X rejects all day.
Key = Annotated[SecretStr, AfterValidator(_not_empty)]


X_API_HOSTS = ("api.x.com", "api.twitter.com")


class XSettings(Settings):
    """The bot's account on X or in the sandbox. The bot and the worker read these, the gallery never does."""

    x_api_url: str = Field(
        default="https://api.x.com", pattern=r"^https?://[^\s/?#]+[^\s?#]*$", examples=["https://api.x.com"]
    )
    x_consumer_key: Key = Field(examples=["the app's API key"])
    x_consumer_secret: Key = Field(examples=["the app's API key secret"])
    x_access_token: Key = Field(examples=["the bot account's access token"])
    x_access_token_secret: Key = Field(examples=["the bot account's access token secret"])
    x_timeout_seconds: float = Field(default=10.0, gt=0, le=60, description="timeout of one call to X")
    x_media_hosts: str = Field(
        default="pbs.twimg.com",
        pattern=r"^[\w.:,\s-]*$",
        examples=["pbs.twimg.com"],
        description="hosts that init images are fetched from, over https",
    )
    x_watched_posts: str = Field(
        default="", pattern=r"^[\d,\s]*$", examples=["1890000000000000000,1890000000000000001"]
    )

    x_owns_app: bool = Field(default=True, description="whether the bot's account owns the developer app: cheap reads")
    x_alt_text: bool = Field(default=True, description="describe each picture on X, for $0.005")
    x_made_with_ai: bool = Field(default=True, description="label replies as made with AI")
    flagged_images: Literal["refuse", "warn"] = Field(
        default="refuse",
        description="pictures flagged by the safety check: left out, or posted behind a warning",
    )
    x_reply_to_implicit_mentions: Annotated[
        Literal["auto", "always", "never"], BeforeValidator(lambda value: "auto" if value == "learn" else value)
    ] = Field(default="auto", description="reply to posts with our handle only in X's automatic prefix; `learn` = auto")
    reply_link: Literal["off", "gallery"] = Field(
        default="off", description="whether replies with pictures carry the address of their page (needs GALLERY_URL)"
    )

    @property
    def media_hosts(self) -> frozenset[str]:
        """Return the hosts that serve pictures of posts over https."""
        return frozenset(self.x_media_hosts.lower().replace(",", " ").split())

    @property
    def media_origin(self) -> str:
        """Return the address that serves a stand-in's pictures, such as the sandbox's. Empty for X itself."""
        return media_origin(self.x_api_url)

    @property
    def watched(self) -> frozenset[int]:
        """Return ids of the bot's posts whose direct replies are prompts, besides its pinned thread."""
        return frozenset(int(word) for word in self.x_watched_posts.replace(",", " ").split())


def media_origin(x_api_url: str) -> str:
    """Return the address that serves a stand-in's pictures, given the address of its API. Empty for X itself."""
    return "" if urlsplit(x_api_url).hostname in X_API_HOSTS else x_api_url.rstrip("/")


class PollSettings(Settings):
    """How often X is read, and how far back."""

    poll_seconds: float = Field(default=5.0, ge=0.2, le=3600, description="pause between polls while posts arrive")
    poll_max_seconds: float = Field(default=30.0, ge=0.2, le=3600, description="longest pause between polls")
    search_interval_seconds: float = Field(default=60.0, ge=0.2, le=86400, description="pause between searches")
    search_overlap_seconds: float = Field(default=900.0, ge=0, le=86400, description="how far a search reaches back")
    poll_overlap_seconds: float = Field(default=120.0, ge=0, le=86400, description="how far a poll may reach back")
    poll_overlap_interval_seconds: float = Field(
        default=30.0, ge=0, le=86400, description="how often a poll reaches back"
    )
    backfill_max_age_hours: float = Field(
        default=48.0, gt=0, le=168, description="older posts are ignored after downtime"
    )
    backfill_limit: int = Field(default=500, ge=1, le=10000, description="prompts accepted after downtime")
    prompt_limit: int = Field(default=2000, ge=1, le=4000, description="longest prompt, in characters")


class UsagePolicySettings(Settings):
    """Which users the bot replies to, and how often."""

    user_daily_limit: int = Field(default=50, ge=1, description="creations per user in 24 hours")
    user_cooldown_seconds: float = Field(default=0.0, ge=0, description="pause between two prompts of a user")
    conversation_limit: int = Field(default=30, ge=1, description="replies in one conversation in 24 hours")
    min_account_age_days: float = Field(default=0.0, ge=0)
    require_follow: bool = Field(
        default=False, description="reply only to users who follow the bot; each check costs $0.010"
    )
    # The environment's `none` arrives as None (`env_parse_none_str`), but here it is a word.
    reply_with_text_for: Annotated[str, BeforeValidator(lambda value: "none" if value is None else value)] = Field(
        default="all",
        description="reason codes that get a text reply, $0.010 each, once per user, code and day; `all` or `none`",
        examples=["all -unsafe", "help,stop,start,delete"],
    )
    wait_notice_minutes: float = Field(
        default=5.0, ge=0, le=1440, description="announce waits that are longer than this; 0: never"
    )

    @property
    def named_codes(self) -> frozenset[str]:
        """The codes in REPLY_WITH_TEXT_FOR, without minus signs."""
        return frozenset(word.removeprefix("-") for word in self._words()) - {"all", "none"}

    @property
    def text_reply_codes(self) -> frozenset[str]:
        """The reason codes that get a text reply. `all` leaves out those of SILENT_BY_DEFAULT."""
        codes = set(MESSAGES.keys() - SILENT_BY_DEFAULT) if "all" in self._words() else set()
        codes |= {word for word in self._words() if not word.startswith("-")} - {"all", "none"}
        return frozenset(codes - {word[1:] for word in self._words() if word.startswith("-")})

    def _words(self) -> list[str]:
        return self.reply_with_text_for.replace(",", " ").split()
