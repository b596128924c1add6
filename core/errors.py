"""Errors, sorted by what the caller does next. Foreign exceptions are translated into these where they arise.

    ThreadpaintError
    ├── TryLater          temporary: retry, not before `after` seconds
    │   ├── OutcomeUnknown    a write to X may have landed: look before another try
    │   └── CallsSuspended    X or the budget stops a kind of call: keep all work
    │       └── Suspended         it is suspended already, so X was not asked
    ├── Refused           a rule says no: final, the user gets a reason
    ├── GiveUp            permanent failure: final
    └── SettingsError     a setting is wrong or missing: the process does not start

Any other exception is a bug and is not caught.
"""

from core.text import clean

MAX_REASON_LENGTH = 500


class ThreadpaintError(Exception):
    """Base of all expected failures. `str()` is one line for the log, the row and the operator."""

    def __init__(self, *parts: str) -> None:
        # Texts of other services end up in the database: clean and short.
        message = ": ".join(part for part in parts if part)
        super().__init__(clean(" ".join(message.split()))[:MAX_REASON_LENGTH])


class TryLater(ThreadpaintError):
    """Temporary failure: try again later. `worker/jobs.py` decides when.

    Args:
        code: reason code, like `gpu_busy`; stored in the row.
        detail: one line for the operator.
        after: seconds before which another try is pointless; 0 if unknown.
        counted: whether this try uses up one of the creation's attempts. Waiting for a rate limit does not.
    """

    def __init__(self, code: str, detail: str = "", *, after: float = 0.0, counted: bool = True) -> None:
        super().__init__(code, detail)
        self.code = code
        self.after = after
        self.counted = counted


class OutcomeUnknown(TryLater):
    """A write may have landed (timeout, 5xx, lost connection). Look before another try."""


class CallsSuspended(TryLater):
    """A kind of call is suspended: by X (credits, a cap, the keys, the account, the app), by a proxy or by the budget.

    The work is not lost and uses no attempt. `code` names the reason. The rate limiter decides when to probe;
    `after` is when to ask it again.
    """

    def __init__(self, code: str, detail: str = "", *, after: float = 60.0) -> None:
        super().__init__(code, detail, after=after, counted=False)


class Suspended(CallsSuspended):
    """That kind of call is suspended already, so X was not asked about this post."""


class Refused(ThreadpaintError):
    """A rule says no. `code` names a text in `core/reason_codes.py`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code


class GiveUp(ThreadpaintError):
    """Permanent failure: the post is deleted, its author blocks the bot, or X does not allow the reply."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code


class SettingsError(ThreadpaintError):
    """A setting is wrong or missing. The message names the variable and shows an example."""


class WrongTables(SettingsError):
    """The tables are older or newer than this code needs, or the database file is missing."""


class NewerTables(WrongTables):
    """A newer version of this code has migrated the database."""


class ClockWrong(SettingsError):
    """This machine's clock is wrong, so it must not work. The message names the machine."""
