"""Let one process at a time do what only one may do: a lease in the database, by the clock that all machines share.

    acquire() -> True: it is ours for `seconds`; `kept()` renews it in the background
    acquire() -> False: `holder()` says who has it and since when

After kill -9 the lease runs out; on the same machine the next process sees that the holder is dead, and takes it at
once.
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
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from core.database import insert_new, reading, shared_now, transaction
from core.models import leases

SECONDS = 30.0
# What tells one machine, or one container on it, from another. Process ids mean nothing across them.
MARKS_OF_A_MACHINE = ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid")


@dataclass(frozen=True)
class Holder:
    """Who holds a lease."""

    host: str
    pid: int
    since: datetime


class Lease:
    """One process's way to one lease. All verbs may raise SQLAlchemyError."""

    def __init__(self, engine: Engine, name: str, *, seconds: float = SECONDS) -> None:
        self.engine, self.name, self.seconds = engine, name, seconds
        self.token = secrets.token_hex(8)
        self.held = False

    def acquire(self) -> bool:
        """Take the lease or renew it. Returns whether it is ours now."""
        with transaction(self.engine) as session:
            moment = shared_now(session.connection())
            row = session.execute(select(leases).where(leases.c.name == self.name)).first()
            values = self._values(moment, row)
            if row is None:
                self.held = insert_new(session, leases, name=self.name, **values)
            elif row.token == self.token or row.expires_at <= moment or _is_dead(row):
                ours = update(leases).where(leases.c.name == self.name, leases.c.token == row.token).values(**values)
                self.held = session.execute(ours.returning(leases.c.name)).first() is not None
            else:
                self.held = False
        return self.held

    def release(self) -> None:
        """Give the lease back, if it is ours: the next process need not wait."""
        self.held = False
        with transaction(self.engine) as session:
            ours = (leases.c.name == self.name, leases.c.token == self.token)
            session.execute(update(leases).where(*ours).values(expires_at=shared_now(session.connection())))

    def holder(self) -> Holder | None:
        """Return who holds the lease now, or None."""
        return read_holder(self.engine, self.name)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew the lease in the background while it is held, and release it at the end."""
        done = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(done,), name=f"lease {self.name}", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join(self.seconds)
            with suppress(SQLAlchemyError):
                self.release()

    def _keep(self, done: threading.Event) -> None:
        while not done.wait(self.seconds / 3):
            # A database that is away reports its own outage, and nobody can take the lease meanwhile.
            with suppress(SQLAlchemyError):
                if self.held:
                    self.acquire()

    def _values(self, moment: datetime, row: Any) -> dict[str, Any]:
        return {
            "token": self.token,
            "host": socket.gethostname(),
            "machine": this_machine(),
            "pid": os.getpid(),
            "since": row.since if row is not None and row.token == self.token else moment,
            "expires_at": moment + timedelta(seconds=self.seconds),
        }


def read_holder(engine: Engine, name: str) -> Holder | None:
    """Return who holds the lease `name` now, or None."""
    with reading(engine) as connection:
        row = connection.execute(select(leases).where(leases.c.name == name)).first()
        if row is None or row.expires_at <= shared_now(connection) or _is_dead(row):
            return None
    return Holder(row.host, row.pid, row.since)


def this_machine() -> str:
    """What is the same for all processes whose ids can be compared with ours, and for no others."""
    marks = [socket.gethostname()]
    for path in MARKS_OF_A_MACHINE:
        with suppress(OSError):
            mark = Path(path)
            marks.append(str(mark.readlink()) if mark.is_symlink() else mark.read_text().strip())
    return " ".join(marks)


def _is_dead(row: Any) -> bool:
    """Whether the holder ran on this machine and does no more."""
    if row.machine != this_machine():
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it is somebody else's process
    return False
