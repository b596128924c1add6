"""The result of one check of `threadpaint doctor`: one line, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True)
class CheckResult:
    """What a check found, and a hint how to fix it. FAIL: the bot would not work."""

    level: Level
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return the line for a terminal."""
        return f"{self.level:<4}  {self.message}" + (f" – {self.hint}" if self.hint else "")

    def as_json(self) -> dict[str, str]:
        """Return the JSON object."""
        return asdict(self)


def ok(message: str) -> CheckResult:
    """Return a passed check."""
    return CheckResult("ok", message)


def warn(message: str, hint: str) -> CheckResult:
    """Return a check that passed with a caveat, or that cannot be made from here."""
    return CheckResult("warn", message, hint)


def fail(message: str, hint: str) -> CheckResult:
    """Return a failed check."""
    return CheckResult("FAIL", message, hint)
