"""A handle that changes hands on X belongs to the user who was last seen with it; erasing never hits another user."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from core.clock import now
from core.database import read_connection, retry_on_deadlock, write_session
from core.errors import ThreadpaintError, TryLater
from core.models import people
from core.people import UserNotFound, find_user, record_people
from core.x import Author
from tests.support.rows import make_person


def record(engine: Engine, *shown: tuple[int, str]) -> None:
    with write_session(engine) as session:
        record_people(session, [Author(number, username, username.title()) for number, username in shown])


def handles(engine: Engine) -> dict[int, str]:
    with read_connection(engine) as connection:
        return {row.id: row.username for row in connection.execute(select(people.c.id, people.c.username))}


def row_of(engine: Engine, person_id: int) -> Any:
    with read_connection(engine) as connection:
        return connection.execute(select(people).where(people.c.id == person_id)).one()


def test_a_handle_moves_to_the_user_seen_with_it_last(engine: Engine) -> None:
    record(engine, (111, "Ada"))
    record(engine, (222, "ada"))
    assert handles(engine) == {111: "111", 222: "ada"}
    old = row_of(engine, 111)
    assert (old.handle, old.former_handle, old.name) == ("111", "ada", "Ada")
    record(engine, (111, "lovelace"))
    assert handles(engine) == {111: "lovelace", 222: "ada"}
    assert row_of(engine, 111).former_handle == "ada"


def test_two_users_can_swap_handles_in_one_response(engine: Engine) -> None:
    record(engine, (111, "ada"), (222, "bea"))
    record(engine, (111, "bea"), (222, "ada"))
    assert handles(engine) == {111: "bea", 222: "ada"}


def test_of_two_users_with_one_handle_in_a_response_the_last_has_it(engine: Engine) -> None:
    record(engine, (222, "ada"), (111, "ADA"))
    assert handles(engine) == {111: "ADA", 222: "222"}


def test_a_user_without_a_handle_in_the_response_keeps_the_known_one(engine: Engine) -> None:
    record(engine, (111, "ada"), (333, ""))
    record(engine, (111, ""))
    assert handles(engine) == {111: "ada", 333: "333"}
    assert row_of(engine, 333).name == "somebody"


def test_a_handle_of_digits_is_not_an_id(engine: Engine) -> None:
    record(engine, (12345, ""), (222, "12345"))
    assert handles(engine) == {12345: "12345", 222: "12345"}
    assert find_user(engine, "@12345").id == 222
    assert find_user(engine, "12345").id == 12345


def test_concurrent_swaps_of_handles_do_not_deadlock(engine: Engine) -> None:
    """Polls, sign-ins and lookups write users at the same time."""
    record(engine, (1, "a"), (2, "b"), (3, "c"))
    failed: list[BaseException] = []

    @retry_on_deadlock
    def once(shown: tuple[tuple[int, str], ...]) -> None:
        record(engine, *shown)

    def work(*shown: tuple[int, str]) -> None:
        try:
            for _ in range(20):
                once(shown)
        except BaseException as error:
            failed.append(error)

    looks = (((1, "b"), (2, "a"), (4, "d")), ((2, "b"), (1, "a"), (5, "d")), ((3, "a"), (1, "c"), (2, "d")))
    threads = [threading.Thread(target=work, args=shown) for shown in looks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failed
    with read_connection(engine) as connection:
        found = list(connection.execute(select(people.c.handle)).scalars())
    assert len(found) == len(set(found)) == 5


def test_a_user_is_found_by_handle_or_id(engine: Engine) -> None:
    ada = make_person(engine, username="Ada_L")
    make_person(engine, username="bob")
    assert {find_user(engine, called).id for called in ("@ada_l", "ADA_L", str(ada))} == {ada}


@pytest.mark.parametrize("called", ["@nobody", "0", "", "9" * 19, "9" * 30, "7"])
def test_an_unknown_user_raises_an_error(engine: Engine, called: str) -> None:
    with pytest.raises(UserNotFound, match="no user"):
        find_user(engine, called)


def test_a_handle_with_two_owners_raises_an_error_with_both_ids(engine: Engine) -> None:
    record(engine, (111, "ada"))
    record(engine, (222, "ada"), (111, "lovelace"))
    with pytest.raises(
        ThreadpaintError, match=r"id 222 is @ada now, id 111 was until 20..-..-.. and is @lovelace now; use"
    ):
        find_user(engine, "@ada")
    assert find_user(engine, "222").id == 222


def test_a_former_handle_without_a_known_owner_raises_an_error(engine: Engine) -> None:
    record(engine, (111, "ada"))
    record(engine, (111, "lovelace"))
    with pytest.raises(ThreadpaintError, match=r"changed hands: id 111 was until .* and is @lovelace now; use the id"):
        find_user(engine, "ada")


def test_a_lookup_on_x_finds_the_new_owner_of_a_handle(engine: Engine) -> None:
    record(engine, (111, "ada"), (222, "bea"))
    with pytest.raises(ThreadpaintError, match="id 222 is @ada now, id 111 was until"):
        find_user(engine, "@ada", lambda handle: Author(222, handle, "B"))
    assert handles(engine) == {111: "111", 222: "ada"}


def test_an_unknown_new_owner_is_named_in_the_error(engine: Engine) -> None:
    record(engine, (111, "ada"))
    with pytest.raises(ThreadpaintError, match="id 999 is @ada now, id 111 was until"):
        find_user(engine, "@ada", lambda handle: Author(999, handle, "New"))
    assert handles(engine) == {111: "111"}


def test_a_handle_unknown_to_x_raises_an_error_with_the_last_owner(engine: Engine) -> None:
    record(engine, (111, "ada"))
    with pytest.raises(ThreadpaintError, match="X has no user @ada now; id 111 was last seen"):
        find_user(engine, "@ada", lambda _handle: None)


def test_without_x_a_handle_is_unconfirmed(engine: Engine) -> None:
    def away(_handle: str) -> None:
        raise TryLater("x_unreachable")

    seen = now() - timedelta(days=9)
    ada = make_person(engine, username="ada", handle_seen_at=seen)
    found = find_user(engine, "@ada", away)
    assert (found.id, found.is_confirmed) == (ada, False)
    with pytest.raises(
        ThreadpaintError, match=rf"last seen with this handle on {seen:%Y-%m-%d}.*use the id instead: {ada}"
    ):
        found.require_confirmed()
    find_user(engine, str(ada), away).require_confirmed()
    find_user(engine, "@ada", lambda handle: Author(ada, handle, "Ada")).require_confirmed()
