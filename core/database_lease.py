"""Let only one process at a time do a job, by a lease in the database and the database clock.

    acquire() -> True: this process holds it for `seconds`; `release_on_exit()` renews it in the background
    acquire() -> False: `holder()` returns the process that holds it

After kill -9 the lease expires. On the same machine the next process sees that the holder is dead, and takes it over
at once.
"""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from core.database import database_now, insert_if_absent, read_connection, write_session
from core.models import leases

SECONDS = 30.0
# Files that identify a machine, or a container on it: process ids are comparable only within one.
MACHINE_ID_FILES = ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid")


@dataclass(frozen=True)
class Holder:
    """The process that holds a lease."""

    host: str
    pid: int
    since: datetime


class _LeaseRow(NamedTuple):
    """A row of LEASE_STMT."""

    token: str
    host: str
    machine: str
    pid: int
    since: datetime
    expires_at: datetime


LEASE_STMT = select(leases.c.token, leases.c.host, leases.c.machine, leases.c.pid, leases.c.since, leases.c.expires_at)


class ProcessLease:
    """A lease as one process sees it. Methods may raise SQLAlchemyError."""

    def __init__(self, engine: Engine, name: str, *, seconds: float = SECONDS) -> None:
        self.engine, self.name, self.seconds = engine, name, seconds
        self.token = secrets.token_hex(8)
        self.held = False

    def acquire(self) -> bool:
        """Acquire or renew the lease. Return whether this process holds it now."""
        with write_session(self.engine) as session:
            moment = database_now(session.connection())
            row = _read_row(session.connection(), self.name)
            values = self._values(moment, row)
            if row is None:
                self.held = insert_if_absent(session, leases, name=self.name, **values)
            elif row.token == self.token or row.expires_at <= moment or _is_dead(row):
                ours = update(leases).where(leases.c.name == self.name, leases.c.token == row.token).values(**values)
                self.held = session.execute(ours.returning(leases.c.name)).first() is not None
            else:
                self.held = False
        return self.held

    def release(self) -> None:
        """Release the lease if this process holds it, so that the next process need not wait."""
        self.held = False
        with write_session(self.engine) as session:
            ours = (leases.c.name == self.name, leases.c.token == self.token)
            session.execute(update(leases).where(*ours).values(expires_at=database_now(session.connection())))

    def holder(self) -> Holder | None:
        """Return the holder of the lease now, or None."""
        return read_holder(self.engine, self.name)

    @contextmanager
    def release_on_exit(self) -> Iterator[None]:
        """Renew the lease in the background while it is held, and release it at the end."""
        done = threading.Event()
        renewer = threading.Thread(target=self._renew_until, args=(done,), name=f"lease {self.name}", daemon=True)
        renewer.start()
        try:
            yield
        finally:
            done.set()
            renewer.join(self.seconds)
            with suppress(SQLAlchemyError):
                self.release()

    def _renew_until(self, done: threading.Event) -> None:
        while not done.wait(self.seconds / 3):
            # A database outage is reported elsewhere, and no process can take the lease meanwhile.
            with suppress(SQLAlchemyError):
                if self.held:
                    self.acquire()

    def _values(self, moment: datetime, row: _LeaseRow | None) -> dict[str, str | int | datetime]:
        return {
            "token": self.token,
            "host": socket.gethostname(),
            "machine": this_machine(),
            "pid": os.getpid(),
            "since": row.since if row is not None and row.token == self.token else moment,
            "expires_at": moment + timedelta(seconds=self.seconds),
        }


def read_holder(engine: Engine, name: str) -> Holder | None:
    """Return the holder of the lease `name` now, or None."""
    with read_connection(engine) as connection:
        row = _read_row(connection, name)
        if row is None or row.expires_at <= database_now(connection) or _is_dead(row):
            return None
    return Holder(row.host, row.pid, row.since)


def _read_row(connection: Connection, name: str) -> _LeaseRow | None:
    row = connection.execute(LEASE_STMT.where(leases.c.name == name)).first()
    return _LeaseRow(*row) if row else None


def this_machine() -> str:
    """Return an id shared by exactly those processes whose process ids can be compared with ours."""
    marks = [socket.gethostname()]
    for path in MACHINE_ID_FILES:
        with suppress(OSError):
            mark = Path(path)
            marks.append(str(mark.readlink()) if mark.is_symlink() else mark.read_text().strip())
    return " ".join(marks)


def _is_dead(row: _LeaseRow) -> bool:
    """Return whether the holder ran on this machine and has ended."""
    if row.machine != this_machine():
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # the process belongs to another user
    return False
