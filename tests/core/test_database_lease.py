"""One process at a time holds a lease. Another one gets it after it is released, expired, or its holder died."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Row, select, update

from core.clock import now
from core.database import read_connection, write_session
from core.database_lease import ProcessLease, read_holder
from core.models import leases


def change(engine: Engine, **values: object) -> None:
    with write_session(engine) as session:
        session.execute(update(leases).values(**values))


def read_row(engine: Engine) -> Row[Any]:
    with read_connection(engine) as connection:
        return connection.execute(select(leases)).one()


def test_a_second_acquirer_is_rejected_and_reads_the_holder(engine: Engine) -> None:
    first, second = ProcessLease(engine, "poller"), ProcessLease(engine, "poller")
    assert read_holder(engine, "poller") is None
    assert (first.acquire(), second.acquire(), first.acquire()) == (True, False, True)
    holder = second.holder()
    assert holder is not None
    assert (holder.pid, holder.host) == (os.getpid(), socket.gethostname())
    assert ProcessLease(engine, "another").acquire()


def test_renewing_moves_the_end_but_not_the_start(engine: Engine) -> None:
    first = ProcessLease(engine, "poller")
    first.acquire()
    before = read_row(engine)
    first.acquire()
    after = read_row(engine)
    assert after.since == before.since
    assert after.expires_at > before.expires_at


def test_a_released_lease_is_free_at_once(engine: Engine) -> None:
    first, second = ProcessLease(engine, "poller"), ProcessLease(engine, "poller")
    first.acquire()
    second.release()  # it does not hold the lease: nothing happens
    assert not second.acquire()
    first.release()
    assert second.acquire()
    assert not first.acquire()


def test_an_expired_lease_is_free_and_lost_to_its_holder(engine: Engine) -> None:
    first, second = ProcessLease(engine, "poller"), ProcessLease(engine, "poller")
    first.acquire()
    change(engine, expires_at=now() - timedelta(seconds=1), machine="elsewhere")
    assert read_holder(engine, "poller") is None
    assert second.acquire()
    assert not first.acquire()
    assert not first.held


def test_a_dead_holder_on_this_machine_is_replaced_at_once(engine: Engine) -> None:
    ProcessLease(engine, "poller").acquire()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    change(engine, pid=dead.pid)
    assert read_holder(engine, "poller") is None
    assert ProcessLease(engine, "poller").acquire()


def test_a_holder_on_another_machine_is_not_considered_dead(engine: Engine) -> None:
    ProcessLease(engine, "poller").acquire()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    change(engine, pid=dead.pid, machine="elsewhere")
    assert not ProcessLease(engine, "poller").acquire()


@pytest.mark.parametrize("expired", [False, True])
def test_one_of_many_concurrent_acquirers_succeeds(engine: Engine, expired: bool) -> None:
    if expired:
        ProcessLease(engine, "poller").acquire()
        change(engine, expires_at=now() - timedelta(seconds=1))
    many = [ProcessLease(engine, "poller") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ProcessLease.acquire, many)) == 1


def test_release_on_exit_releases_the_lease(engine: Engine) -> None:
    first = ProcessLease(engine, "poller")
    with first.release_on_exit():
        first.acquire()
        assert read_holder(engine, "poller")
    assert read_holder(engine, "poller") is None
