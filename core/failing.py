"""Say in words how listening to X and writing to X fare: since when they fail, and why.

For `status` with all that is known, for `/healthz` without what X said: anybody may read that page.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from core.clock import now
from core.pace import ANSWER, STOPS, UPLOAD
from core.pace.calls import CallState, CallStates
from core.polling import Polling
from core.queue import WorkQueue

# A failure that lasts so long is no hiccup.
A_WHILE = timedelta(minutes=1)
# A call that failed last and that nobody has made since is no news any more.
NO_NEWS = timedelta(hours=2)
WRITES = {"answers": ANSWER, "uploads": UPLOAD, "alt texts": "POST /2/media/metadata"}
WHY = {
    "database": "the database does not answer",
    "pace": "X allows no more calls for now",
    "queue_away": "the queue does not answer",
    "x_down": "X answers with errors",
    "x_garbage": "X's answers make no sense",
    "x_not_there": "X does not know the address",
    "x_rate_limit": "X allows no more calls for now",
    "x_unreachable": "X cannot be reached",
}


def poller_problem(polling: Polling, polled_seconds_ago: float | None, longest_rest: float) -> str:
    """What is wrong with the poller, for `/healthz`; empty if nothing is. `longest_rest`: seconds while all is well."""
    since = polling.failing_since
    if since and polling.at - since > A_WHILE:
        return f"poller: fails since {_time(since)}: {WHY.get(polling.code, polling.code or 'see its log')}"
    if polled_seconds_ago is None or polled_seconds_ago > 60 + 3 * longest_rest:
        return "poller: has not looked at X lately"
    return ""


def poller_line(polling: Polling) -> str:
    """One line of `status`: last look, last success, why it fails and since when, and which process it is."""
    if polling.holder:
        holder = polling.holder
        which = f"process {holder.pid} on {holder.host} since {_time(holder.since)}"
    else:
        which = "no poller runs now"
    if polling.looked_at is None:
        return f"poller: has not looked at X yet; {which}"
    parts = [f"poller: last look {_ago(polling.looked_at, polling.at)}"]
    if polling.failing_since:
        worked = f"last success {_ago(polling.succeeded_at, polling.at)}" if polling.succeeded_at else "no success yet"
        parts += [f"fails since {_time(polling.failing_since)}: {polling.error}", worked]
    return "; ".join([*parts, which])


def call_problems(queue: WorkQueue) -> Iterator[str]:
    """What cannot be written to X for a minute or more, for `/healthz`. Suspended calls have lines of their own.

    Raises TryLater("queue_away").
    """
    for what, state in read_writes(queue):
        since = state.failing_since
        if since and state.code not in STOPS and _is_news(state) and now() - since > A_WHILE:
            yield f"{what} fail since {_time(since)}: {WHY.get(state.code, state.code)}"


def call_lines(queue: WorkQueue) -> Iterator[str]:
    """One line of `status` for each kind of writing. Raises TryLater("queue_away")."""
    for what, state in read_writes(queue):
        worked = f"last success {_ago(state.succeeded_at, now())}" if state.succeeded_at else "no success yet"
        if state.failing_since:
            times = "once" if state.failures == 1 else f"{state.failures:,} times"
            yield f"{what}: fail since {_time(state.failing_since)}, {times} ({state.detail or state.code}); {worked}"
        elif state.succeeded_at:
            yield f"{what}: {worked}"


def read_writes(queue: WorkQueue) -> Iterator[tuple[str, CallState]]:
    """Each kind of writing, and how it fares. Raises TryLater("queue_away")."""
    states = CallStates(queue)
    for what, call in WRITES.items():
        yield what, states.read(call)


def _is_news(state: CallState) -> bool:
    return state.failed_at is not None and now() - state.failed_at < NO_NEWS


def _time(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %H:%M} UTC"


def _ago(moment: datetime, until: datetime) -> str:
    seconds = max(0, round((until - moment).total_seconds()))
    for size, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name} ago"
    return f"{seconds} s ago"
