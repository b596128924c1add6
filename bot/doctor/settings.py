"""Check the settings: present, valid, and consistent with each other. No network."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import Field, SecretStr

from bot.doctor.results import CheckResult, fail, ok, warn
from bot.doctor.site import SiteSettings
from core.budget.prices import price_list
from core.errors import SettingsError
from core.reason_codes import MESSAGES
from core.settings import (
    AppSettings,
    BudgetSettings,
    DatabaseSettings,
    GpuSettings,
    JobSettings,
    PollSettings,
    PurgeSettings,
    QueueSettings,
    RateLimitSettings,
    Settings,
    StorageSettings,
    UsagePolicySettings,
    XSettings,
    describe_unknown_settings,
    load,
)
from core.twittertext.links import find_links

KEYS = ("x_consumer_key", "x_consumer_secret", "x_access_token", "x_access_token_secret")
# Seconds: X allows an account to read its mentions 300 times in 15 minutes.
MIN_POLL_SECONDS = 3.0

SettingsT = TypeVar("SettingsT", bound=Settings)


class BotIdentitySettings(Settings):
    """The handle that the gallery shows, to compare it with the account."""

    bot_handle: str = Field(default="threadpaint", pattern=r"^@?\w{1,15}$", examples=["threadpaint"])

    @property
    def handle(self) -> str:
        """Return the handle without @."""
        return self.bot_handle.removeprefix("@")


@dataclass
class Config:
    """All settings; a class that cannot be read is None."""

    app: AppSettings | None
    database: DatabaseSettings | None
    queue: QueueSettings | None
    storage: StorageSettings | None
    gpu: GpuSettings | None
    x: XSettings | None
    poll: PollSettings | None
    rules: UsagePolicySettings | None
    money: BudgetSettings | None
    purge: PurgeSettings | None
    identity: BotIdentitySettings | None
    site: SiteSettings | None


def load_config() -> tuple[Config, list[CheckResult]]:
    """Read every class of settings; a problem of one class does not hide those of another."""
    problems: dict[str, None] = {}

    def read(kind: type[SettingsT]) -> SettingsT | None:
        try:
            return load(kind)
        except SettingsError as error:
            # Several classes share a variable: report it once.
            problems.update(dict.fromkeys(str(error).split("; ")))
            return None

    config = Config(
        read(AppSettings),
        read(DatabaseSettings),
        read(QueueSettings),
        read(StorageSettings),
        read(GpuSettings),
        read(XSettings),
        read(PollSettings),
        read(UsagePolicySettings),
        read(BudgetSettings),
        read(PurgeSettings),
        read(BotIdentitySettings),
        read(SiteSettings),
    )
    read(JobSettings)
    read(RateLimitSettings)
    results = [fail(f"settings: {problem}", "set it in .env, see .env.example") for problem in problems]
    return config, results or [ok("settings: complete and valid")]


def check_settings(config: Config) -> Iterator[CheckResult]:
    """Yield what is valid and still makes no sense."""
    for line in describe_unknown_settings():
        yield warn(line, "correct the name, or remove it")
    if config.x:
        yield from _keys(config.x)
    if config.poll and config.poll.poll_seconds < MIN_POLL_SECONDS:
        yield warn(f"POLL_SECONDS={config.poll.poll_seconds:g}: X allows a poll every 3 s", "set POLL_SECONDS=5")
    if config.rules and (unknown := sorted(config.rules.named_codes - MESSAGES.keys())):
        yield warn(f"REPLY_WITH_TEXT_FOR: {unknown[0]!r} is not a reason code", "the codes are in core/reason_codes.py")
    if config.money:
        yield from _prices(config.money)
    if config.x and config.app and config.x.reply_link == "gallery":
        yield from _reply_link(config.app.gallery_url)


def _keys(x: XSettings) -> Iterator[CheckResult]:
    for name in KEYS:
        secret: SecretStr = getattr(x, name)
        value = secret.get_secret_value()
        if not value.strip():
            yield fail(f"{name.upper()} is empty", "copy it from the developer console")
        elif value != value.strip() or not value.isascii():
            yield fail(f"{name.upper()} contains spaces or unexpected characters", "copy it again")


def _prices(money: BudgetSettings) -> Iterator[CheckResult]:
    try:
        price_list(money.x_prices)
    except ValueError as error:
        yield fail(str(error), "correct X_PRICES")


def _reply_link(gallery_url: str) -> Iterator[CheckResult]:
    if not gallery_url:
        yield fail("REPLY_LINK=gallery needs GALLERY_URL", "set it, for example GALLERY_URL=https://paint.example")
    elif not find_links(f"{gallery_url.rstrip('/')}/c/1"):
        yield warn(
            f"X does not turn {gallery_url[:80]} into a link", "set GALLERY_URL to the public address of the gallery"
        )


def has_keys(x: XSettings) -> bool:
    """Return whether all four keys are set and well-formed."""
    return not list(_keys(x))
