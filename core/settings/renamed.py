"""Accept settings under the names that they had before 0.1.0, until 0.2.

If both names are set, the new one counts.
"""

from collections.abc import Collection, Mapping

OLD_NAMES_UNTIL = "0.2"
# Old name: new name.
RENAMED = {
    "ACCOUNT_MIN_DAYS": "MIN_ACCOUNT_AGE_DAYS",
    "BUDGET_DAY_USD": "DAILY_BUDGET_USD",
    "BUDGET_MONTH_USD": "MONTHLY_BUDGET_USD",
    "FOLLOW_GATE": "REQUIRE_FOLLOW",
    "GALLERY_SECRET": "GALLERY_SECRET_KEY",
    "KEEP_SECONDS": "PURGE_INTERVAL_SECONDS",
    "OLDEST_HOURS": "BACKFILL_MAX_AGE_HOURS",
    "PACE_SPARE": "X_RATE_LIMIT_RESERVE",
    "PERSON_COOLDOWN_SECONDS": "USER_COOLDOWN_SECONDS",
    "PERSON_DAILY_LIMIT": "USER_DAILY_LIMIT",
    "POLL_IDLE_SECONDS": "POLL_MAX_SECONDS",
    "POLL_OVERLAP_EVERY_SECONDS": "POLL_OVERLAP_INTERVAL_SECONDS",
    "PRICES": "X_PRICES",
    "PROBE_LONGEST_SECONDS": "X_BLOCKED_RETRY_MAX_SECONDS",
    "PROBE_SECONDS": "X_BLOCKED_RETRY_SECONDS",
    "RECHECK_DAYS": "POST_RECHECK_MAX_AGE_DAYS",
    "RECHECK_DAY_USD": "POST_RECHECK_DAILY_USD",
    "RECHECK_HOURS": "POST_RECHECK_HOURS",
    "RETRY_LONGEST_SECONDS": "RETRY_MAX_SECONDS",
    "SEARCH_SECONDS": "SEARCH_INTERVAL_SECONDS",
    "SETTLE_SECONDS": "REPLY_LOOKUP_DELAY_SECONDS",
    "SWEEP_SECONDS": "RECOVERY_INTERVAL_SECONDS",
    "TELL_ON_X": "REPLY_WITH_TEXT_FOR",
    "WORKERS": "WORKER_CONCURRENCY",
    "X_ANSWER_PREFIXED": "X_REPLY_TO_IMPLICIT_MENTIONS",
    "X_FLAGGED_PICTURES": "FLAGGED_IMAGES",
}


def names_of_field(field: str) -> list[str]:
    """Return the names under which a field is read, the valid one first, in lower case."""
    return [field, *(old.lower() for old, new in RENAMED.items() if new.lower() == field)]


def name_in_use(field: str, given: Collection[str]) -> str:
    """Return the variable that sets a field: its old name if only that one is given, in upper case."""
    names = [name.upper() for name in names_of_field(field)]
    return next((name for name in names if name in given), names[0])


def without_replaced(variables: Mapping[str, str | None], given: Collection[str]) -> dict[str, str | None]:
    """Return the variables without old names whose new ones are given. Names are in lower case."""
    replaced = {old.lower() for old, new in RENAMED.items() if new.lower() in given}
    return {name: value for name, value in variables.items() if name not in replaced}


def describe_renamed(given: Collection[str]) -> str | None:
    """Return one line that lists the old names among these (in upper case), or None if there are none."""
    parts = [
        f"{old} is now {new}{' (both are set: the new one counts)' if new in given else ''}"
        for old, new in RENAMED.items()
        if old in given
    ]
    if not parts:
        return None
    old_names = "the old name stops" if len(parts) == 1 else "the old names stop"
    return f"Setting {', '.join(parts)}; {old_names} working in {OLD_NAMES_UNTIL}"
