"""Describe failures of polling and of writing to X: since when, and why.

`status` shows all details. `/healthz` is public, so it omits X's messages.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from core.clock import now
from core.poll_status import Polling
from core.queue import WorkQueue
from core.x.call_stats import CallState, CallStats
from core.x.rate_limit import BLOCKING_CODES, CREATE_POST, UPLOAD_MEDIA

# Shorter failures are not reported.
MIN_FAILURE_AGE = timedelta(minutes=1)
# An older failure is not reported if the call was not made since.
MAX_FAILURE_AGE = timedelta(hours=2)
WRITE_CALLS = {"replies": CREATE_POST, "uploads": UPLOAD_MEDIA, "alt texts": "POST /2/media/metadata"}
FAILURE_MESSAGES = {
    "database": "the database does not respond",
    "rate_limited": "X allows no more calls for now",
    "queue_away": "the queue does not respond",
    "x_down": "X responds with errors",
    "x_garbage": "X's responses are invalid",
    "x_not_there": "X does not know the address",
    "x_rate_limit": "X allows no more calls for now",
    "x_unreachable": "X cannot be reached",
}


def describe_poller_problem(polling: Polling, polled_seconds_ago: float | None, max_interval: float) -> str:
    """Return a problem of the poller for `/healthz`; empty if there is none.

    Args:
        max_interval: longest poll interval in seconds while there are no failures.
    """
    since = polling.failing_since
    if since and polling.at - since > MIN_FAILURE_AGE:
        reason = FAILURE_MESSAGES.get(polling.code, polling.code or "see its log")
        return f"poller: fails since {_format_time(since)}: {reason}"
    if polled_seconds_ago is None or polled_seconds_ago > 60 + 3 * max_interval:
        return "poller: no recent poll of X"
    return ""


def render_poller(polling: Polling) -> str:
    """Return a line of `status`: last poll, last success, failure, and the poller's process."""
    if polling.holder:
        holder = polling.holder
        process = f"process {holder.pid} on {holder.host} since {_format_time(holder.since)}"
    else:
        process = "no poller is running"
    if polling.polled_at is None:
        return f"poller: no poll of X yet; {process}"
    parts = [f"poller: last poll {_format_age(polling.polled_at, polling.at)}"]
    if polling.failing_since:
        success = (
            f"last success {_format_age(polling.succeeded_at, polling.at)}"
            if polling.succeeded_at
            else "no success yet"
        )
        parts += [f"fails since {_format_time(polling.failing_since)}: {polling.error}", success]
    return "; ".join([*parts, process])


def find_call_problems(queue: WorkQueue) -> Iterator[str]:
    """Yield writes that have failed for a minute or more, for `/healthz`. Suspended calls have lines of their own.

    Raises TryLater("queue_away").
    """
    for label, state in read_write_states(queue):
        since = state.failing_since
        if since and state.code not in BLOCKING_CODES and _is_recent(state) and now() - since > MIN_FAILURE_AGE:
            yield f"{label} fail since {_format_time(since)}: {FAILURE_MESSAGES.get(state.code, state.code)}"


def render_calls(queue: WorkQueue) -> Iterator[str]:
    """Yield a line of `status` per kind of write. Raises TryLater("queue_away")."""
    for label, state in read_write_states(queue):
        success = f"last success {_format_age(state.succeeded_at, now())}" if state.succeeded_at else "no success yet"
        if state.failing_since:
            times = "once" if state.failures == 1 else f"{state.failures:,} times"
            reason = state.detail or state.code
            yield f"{label}: fail since {_format_time(state.failing_since)}, {times} ({reason}); {success}"
        elif state.succeeded_at:
            yield f"{label}: {success}"


def read_write_states(queue: WorkQueue) -> Iterator[tuple[str, CallState]]:
    """Yield each kind of write and its state. Raises TryLater("queue_away")."""
    states = CallStats(queue)
    for label, call in WRITE_CALLS.items():
        yield label, states.read(call)


def _is_recent(state: CallState) -> bool:
    return state.failed_at is not None and now() - state.failed_at < MAX_FAILURE_AGE


def _format_time(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %H:%M} UTC"


def _format_age(moment: datetime, until: datetime) -> str:
    seconds = max(0, round((until - moment).total_seconds()))
    for size, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name} ago"
    return f"{seconds} s ago"
