"""X as the bot's account sees it: keys, manners, how it listens and whom it answers."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from core.refusals import SILENT, WORDS
from core.settings.base import Settings


def _not_empty(key: SecretStr) -> SecretStr:
    if not key.get_secret_value().strip():
        raise PydanticCustomError("empty", "it is empty")
    return key


# A copy of `.env.example` that nobody filled in must not start a bot that X refuses all day.
Key = Annotated[SecretStr, AfterValidator(_not_empty)]


X_API_HOSTS = ("api.x.com", "api.twitter.com")


class XSettings(Settings):
    """The bot's account on X, or in the sandbox. Only the bot and the worker read these; the gallery never does."""

    x_api_url: str = Field(
        default="https://api.x.com", pattern=r"^https?://[^\s/?#]+[^\s?#]*$", examples=["https://api.x.com"]
    )
    x_consumer_key: Key = Field(examples=["the app's API key"])
    x_consumer_secret: Key = Field(examples=["the app's API key secret"])
    x_access_token: Key = Field(examples=["the bot account's access token"])
    x_access_token_secret: Key = Field(examples=["the bot account's access token secret"])
    x_timeout_seconds: float = Field(default=10.0, gt=0, le=60, description="longest wait for one call to X")
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
    x_made_with_ai: bool = Field(default=True, description="mark answers as made with AI")
    x_flagged_pictures: Literal["refuse", "warn"] = Field(
        default="refuse",
        description="pictures flagged by the safety check: left out, or answered behind a warning",
    )
    x_answer_prefixed: Literal["learn", "always", "never"] = Field(
        default="learn", description="answer replies that hold our handle only in X's automatic prefix"
    )
    reply_link: Literal["off", "gallery"] = Field(
        default="off", description="whether replies with pictures carry the address of their page (needs GALLERY_URL)"
    )

    @property
    def media_hosts(self) -> frozenset[str]:
        """Hosts that serve the pictures of posts over https."""
        return frozenset(self.x_media_hosts.lower().replace(",", " ").split())

    @property
    def media_origin(self) -> str:
        """A stand-in for X, like the sandbox, serves its pictures itself; X does not. Empty for X."""
        return "" if urlsplit(self.x_api_url).hostname in X_API_HOSTS else self.x_api_url

    @property
    def watched(self) -> frozenset[int]:
        """Ids of posts of the bot whose direct replies are prompts, beside its pinned thread."""
        return frozenset(int(word) for word in self.x_watched_posts.replace(",", " ").split())


class PollSettings(Settings):
    """How the bot listens."""

    poll_seconds: float = Field(default=5.0, ge=0.2, le=3600, description="pause between two looks while people ask")
    poll_idle_seconds: float = Field(default=30.0, ge=0.2, le=3600, description="longest pause while nobody asks")
    search_seconds: float = Field(default=60.0, ge=0.2, le=86400, description="how often search is read, too")
    search_overlap_seconds: float = Field(default=900.0, ge=0, le=86400, description="how far search reaches back")
    poll_overlap_seconds: float = Field(default=120.0, ge=0, le=86400, description="how far a look reaches back")
    poll_overlap_every_seconds: float = Field(default=30.0, ge=0, le=86400, description="how often one does so")
    oldest_hours: float = Field(default=48.0, gt=0, le=168, description="older asks are not answered after an absence")
    backfill_limit: int = Field(default=500, ge=1, le=10000, description="most asks taken up after an absence")
    prompt_limit: int = Field(default=2000, ge=1, le=4000, description="longest prompt, in characters")


class RuleSettings(Settings):
    """Whom the bot answers, and how often."""

    person_daily_limit: int = Field(default=50, ge=1, description="creations one person may ask for in 24 hours")
    person_cooldown_seconds: float = Field(default=0.0, ge=0, description="pause between two asks of one person")
    conversation_limit: int = Field(default=30, ge=1, description="answers in one conversation in 24 hours")
    account_min_days: float = Field(default=0.0, ge=0, description="age an asker's account must have")
    follow_gate: bool = Field(default=False, description="answer only who follows the bot; each look costs $0.010")
    tell_on_x: str = Field(
        default="all",
        description="codes answered in words, $0.010 each, once per person, code and day; `all` (but spam) or `none`",
        examples=["all -unsafe", "help,stop,start,delete"],
    )
    wait_notice_minutes: float = Field(
        default=5.0, ge=0, le=1440, description="say how long a picture takes if it is longer than this; 0: never"
    )

    @property
    def tell_codes(self) -> frozenset[str]:
        """The words of TELL_ON_X, without minus signs."""
        words = self.tell_on_x.replace(",", " ").split()
        return frozenset(word.removeprefix("-") for word in words) - {"all", "none"}

    @property
    def told(self) -> frozenset[str]:
        """Codes that are answered on X in words."""
        words = self.tell_on_x.replace(",", " ").split()
        codes = WORDS.keys() - SILENT if "all" in words else set()
        named = {word for word in words if not word.startswith("-")} - {"all", "none"}
        return frozenset((codes | named) - {word[1:] for word in words if word.startswith("-")})
