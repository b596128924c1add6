"""What the doctor finds: one line, and what to do about it. Knows no check."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True)
class Finding:
    """`what` was found, and what to do about it. FAIL: the bot would not work."""

    level: Level
    what: str
    to_do: str = ""

    def __str__(self) -> str:
        """As the host reads it."""
        return f"{self.level:<4}  {self.what}" + (f" – {self.to_do}" if self.to_do else "")


def ok(what: str) -> Finding:
    """All is well."""
    return Finding("ok", what)


def warn(what: str, to_do: str) -> Finding:
    """Works, but not as one might think; or cannot be seen from here."""
    return Finding("warn", what, to_do)


def fail(what: str, to_do: str) -> Finding:
    """Does not work."""
    return Finding("FAIL", what, to_do)
