"""Checks the settings themselves: there, readable, and sane together. Calls nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import Field, SecretStr

from bot.doctor.findings import Finding, fail, ok, warn
from bot.doctor.site import SiteSettings
from core.errors import SettingsError
from core.money.prices import price_list
from core.refusals import WORDS
from core.settings import (
    DatabaseSettings,
    GpuSettings,
    HouseSettings,
    KeepSettings,
    MoneySettings,
    PaceSettings,
    PollSettings,
    QueueSettings,
    RuleSettings,
    Settings,
    StorageSettings,
    WorkSettings,
    XSettings,
    load,
    misspelt_settings,
)
from core.x.links import links_in

KEYS = ("x_consumer_key", "x_consumer_secret", "x_access_token", "x_access_token_secret")
# X allows one account 300 looks at its mentions in 15 minutes.
FASTEST_POLL = 3.0

Kind = TypeVar("Kind", bound=Settings)


class SignSettings(Settings):
    """What the gallery says about the bot; here only to be compared with the account."""

    bot_handle: str = Field(default="threadpaint", pattern=r"^@?\w{1,15}$", examples=["threadpaint"])

    @property
    def handle(self) -> str:
        """Without @."""
        return self.bot_handle.removeprefix("@")


@dataclass
class Config:
    """All settings, each None where it cannot be read."""

    house: HouseSettings | None
    database: DatabaseSettings | None
    queue: QueueSettings | None
    storage: StorageSettings | None
    gpu: GpuSettings | None
    x: XSettings | None
    poll: PollSettings | None
    rules: RuleSettings | None
    money: MoneySettings | None
    keep: KeepSettings | None
    sign: SignSettings | None
    site: SiteSettings | None


def read_config() -> tuple[Config, list[Finding]]:
    """Read every class of settings; what is wrong with one does not hide what is wrong with another."""
    problems: dict[str, None] = {}

    def read(kind: type[Kind]) -> Kind | None:
        try:
            return load(kind)
        except SettingsError as error:
            # Several classes share a variable: it is told once.
            problems.update(dict.fromkeys(str(error).split("; ")))
            return None

    config = Config(
        read(HouseSettings),
        read(DatabaseSettings),
        read(QueueSettings),
        read(StorageSettings),
        read(GpuSettings),
        read(XSettings),
        read(PollSettings),
        read(RuleSettings),
        read(MoneySettings),
        read(KeepSettings),
        read(SignSettings),
        read(SiteSettings),
    )
    read(WorkSettings)
    read(PaceSettings)
    findings = [fail(f"settings: {problem}", "set it in .env, see .env.example") for problem in problems]
    return config, findings or [ok("settings: all are there and readable")]


def examine(config: Config) -> Iterator[Finding]:
    """What is readable and still makes no sense."""
    for line in misspelt_settings():
        yield warn(line, "mend the name, or take it away")
    if config.x:
        yield from _keys(config.x)
    if config.poll and config.poll.poll_seconds < FASTEST_POLL:
        yield warn(f"POLL_SECONDS={config.poll.poll_seconds:g}: X allows a look every 3 s", "set POLL_SECONDS=5")
    if config.rules and (unknown := sorted(config.rules.tell_codes - WORDS.keys())):
        yield warn(f"TELL_ON_X: {unknown[0]} is no code", "the codes are in core/refusals.py")
    if config.money:
        yield from _prices(config.money)
    if config.x and config.house and config.x.reply_link == "gallery":
        yield from _reply_link(config.house.gallery_url)


def _keys(x: XSettings) -> Iterator[Finding]:
    for name in KEYS:
        secret: SecretStr = getattr(x, name)
        value = secret.get_secret_value()
        if not value.strip():
            yield fail(f"{name.upper()} is empty", "copy it from the developer console")
        elif value != value.strip() or not value.isascii():
            yield fail(f"{name.upper()} has spaces around it or odd characters in it", "copy it again")


def _prices(money: MoneySettings) -> Iterator[Finding]:
    try:
        price_list(money.prices)
    except ValueError as error:
        yield fail(str(error), "mend PRICES")


def _reply_link(gallery_url: str) -> Iterator[Finding]:
    if not gallery_url:
        yield fail("REPLY_LINK=gallery needs GALLERY_URL", "set it, for example GALLERY_URL=https://paint.example")
    elif not links_in(f"{gallery_url.rstrip('/')}/c/1"):
        yield warn(f"X makes no link of {gallery_url[:80]}", "set GALLERY_URL to the public address of the gallery")


def keys_are_there(x: XSettings) -> bool:
    """Whether a call to X makes sense at all."""
    return not list(_keys(x))
