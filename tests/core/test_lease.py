"""One process at a time holds a lease; the next one takes over when it is given back, runs out, or its holder died."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from core import lease as leases_of
from core.clock import now
from core.database import reading, transaction
from core.lease import Lease, read_holder
from core.models import leases


def change(engine: Engine, **values: object) -> None:
    with transaction(engine) as session:
        session.execute(update(leases).values(**values))


def row(engine: Engine):  # type: ignore[no-untyped-def]
    with reading(engine) as connection:
        return connection.execute(select(leases)).one()


def test_the_first_holds_it_and_the_second_is_told_who(engine: Engine) -> None:
    first, second = Lease(engine, "poller"), Lease(engine, "poller")
    assert read_holder(engine, "poller") is None
    assert (first.acquire(), second.acquire(), first.acquire()) == (True, False, True)
    holder = second.holder()
    assert holder is not None
    assert (holder.pid, holder.host) == (os.getpid(), leases_of.socket.gethostname())
    assert Lease(engine, "another").acquire()


def test_renewing_keeps_since_and_moves_the_end(engine: Engine) -> None:
    first = Lease(engine, "poller")
    first.acquire()
    before = row(engine)
    first.acquire()
    assert row(engine).since == before.since
    assert row(engine).expires_at > before.expires_at


def test_what_is_given_back_is_free_at_once(engine: Engine) -> None:
    first, second = Lease(engine, "poller"), Lease(engine, "poller")
    first.acquire()
    second.release()  # it was not theirs: nothing happens
    assert not second.acquire()
    first.release()
    assert second.acquire()
    assert not first.acquire()


def test_what_ran_out_is_free_and_the_old_holder_learns_it(engine: Engine) -> None:
    first, second = Lease(engine, "poller"), Lease(engine, "poller")
    first.acquire()
    change(engine, expires_at=now() - timedelta(seconds=1), machine="elsewhere")
    assert read_holder(engine, "poller") is None
    assert second.acquire()
    assert not first.acquire()
    assert not first.held


def test_a_holder_that_was_killed_on_this_machine_is_replaced_at_once(engine: Engine) -> None:
    Lease(engine, "poller").acquire()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    change(engine, pid=dead.pid)
    assert read_holder(engine, "poller") is None
    assert Lease(engine, "poller").acquire()


def test_a_process_of_the_same_number_on_another_machine_is_not_taken_for_dead(engine: Engine) -> None:
    Lease(engine, "poller").acquire()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    change(engine, pid=dead.pid, machine="elsewhere")
    assert not Lease(engine, "poller").acquire()


@pytest.mark.parametrize("begun", [False, True])
def test_of_many_at_once_one_gets_it(engine: Engine, begun: bool) -> None:
    if begun:
        Lease(engine, "poller").acquire()
        change(engine, expires_at=now() - timedelta(seconds=1))
    many = [Lease(engine, "poller") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(Lease.acquire, many)) == 1


def test_kept_gives_it_back_at_its_end(engine: Engine) -> None:
    first = Lease(engine, "poller")
    with first.kept():
        first.acquire()
        assert read_holder(engine, "poller")
    assert read_holder(engine, "poller") is None
