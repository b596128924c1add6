"""Store the outcome of each poll of X, for `status` and `/healthz`."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select

from core.database import database_now, insert_into, read_connection, write_session
from core.database_lease import Holder, read_holder
from core.models import poller_states

LEASE = "poller"
MAX_ERROR_LENGTH = 200


@dataclass(frozen=True)
class Polling:
    """The poller's last poll and last success, since when and why it fails, and the process that holds its lease.

    at: when this was read, by the database clock.
    """

    at: datetime
    polled_at: datetime | None = None
    succeeded_at: datetime | None = None
    failing_since: datetime | None = None
    code: str = ""
    error: str = ""
    holder: Holder | None = None


def record_poll(engine: Engine, *, code: str = "", error: str = "") -> None:
    """Store the outcome of a poll. `error`: why it failed, in one line; empty after a success."""
    with write_session(engine) as session:
        moment = database_now(session.connection())
        values: dict[str, datetime | str | None] = {
            "polled_at": moment,
            "code": code,
            "error": error[:MAX_ERROR_LENGTH],
            "failing_since": moment if error else None,
        }
        if not error:
            values["succeeded_at"] = moment
        row = insert_into(session.connection(), poller_states).values(id=1, **values)
        still_failing = {"failing_since": func.coalesce(poller_states.c.failing_since, moment)} if error else {}
        session.execute(row.on_conflict_do_update(index_elements=["id"], set_={**values, **still_failing}))


def read_polling(engine: Engine) -> Polling:
    """Return the poller's status."""
    holder = read_holder(engine, LEASE)
    with read_connection(engine) as connection:
        moment = database_now(connection)
        row = connection.execute(select(poller_states)).first()
    if row is None:
        return Polling(moment, holder=holder)
    return Polling(moment, row.polled_at, row.succeeded_at, row.failing_since, row.code, row.error, holder)
