"""Failures, sorted by what to do next. Knows no library: foreign exceptions are translated where they arise.

    HouseError
    ├── TryLater          the world is busy: back into the queue, not before `after` seconds
    │   ├── OutcomeUnknown    a write to X may have landed: look before trying again
    │   └── OutOfFunds        no credits, a cap, our account: suspend that kind of call, keep everything
    │       └── Suspended         it is suspended already
    ├── Refused           the rules say no: told to the asker, final
    ├── GiveUp            the world said no for good: final
    └── SettingsError     a setting is wrong or missing: the process does not start

Anything else is our bug: let it fly.
"""

from core.text import clean

MAX_REASON_LENGTH = 500


class HouseError(Exception):
    """Base of every failure this house expects. `str()` is one line for the log, the row and the host."""

    def __init__(self, *parts: str) -> None:
        # What others say ends in our rows: no NUL, no lone surrogate, no novel.
        words = ": ".join(part for part in parts if part)
        super().__init__(clean(" ".join(words.split()))[:MAX_REASON_LENGTH])


class TryLater(HouseError):
    """The world is busy. Raised at the borders, decided in `worker/jobs.py`.

    Args:
        code: short name of the reason, e.g. `gpu_busy`; kept in the row.
        detail: one line for the host.
        after: seconds before which another try is pointless; 0 when unknown.
        counted: whether this try uses up one of the creation's attempts. Waiting for a rate limit does not.
    """

    def __init__(self, code: str, detail: str = "", *, after: float = 0.0, counted: bool = True) -> None:
        super().__init__(code, detail)
        self.code = code
        self.after = after
        self.counted = counted


class OutcomeUnknown(TryLater):
    """A write may or may not have landed (timeout, 5xx, connection lost). Never repeat it blindly."""


class OutOfFunds(TryLater):
    """X suspends a kind of call: no credits, a cap, our account or app. The work is kept and does not lose an attempt.

    When it is probed is for the pace to say; `after` is only when it is worth asking the pace again.
    """

    def __init__(self, code: str, detail: str = "", *, after: float = 60.0) -> None:
        super().__init__(code, detail, after=after, counted=False)


class Suspended(OutOfFunds):
    """That kind of call is suspended already: X was not asked, and has said nothing about this post."""


class Refused(HouseError):
    """The rules say no. `code` names a text in `core/refusals.py`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code


class GiveUp(HouseError):
    """The world said no for good: the post is gone, the author blocks us, X does not let us answer."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code


class SettingsError(HouseError):
    """A setting is wrong or missing. The text names the variable and shows an example."""


class WrongTables(SettingsError):
    """The database's tables are older or newer than this code needs, or there is no database file yet."""


class NewerTables(WrongTables):
    """A newer version of this code has migrated the database."""


class ClockWrong(SettingsError):
    """This machine's clock is wrong. The text names the machine: it must not work."""
