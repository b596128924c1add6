"""Handles change hands on X: here, too, a handle belongs to whoever showed it last, and deletes nobody else."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from core.clock import now
from core.database import reading, transaction, unlocked
from core.errors import HouseError, TryLater
from core.models import people
from core.people import UnknownPerson, find_person, record_people
from core.x import Author
from tests.support.rows import make_person


def record(engine: Engine, *shown: tuple[int, str]) -> None:
    with transaction(engine) as session:
        record_people(session, [Author(number, username, username.title()) for number, username in shown])


def handles(engine: Engine) -> dict[int, str]:
    with reading(engine) as connection:
        return {row.id: row.username for row in connection.execute(select(people.c.id, people.c.username))}


def row_of(engine: Engine, person_id: int) -> Any:
    with reading(engine) as connection:
        return connection.execute(select(people).where(people.c.id == person_id)).one()


def test_who_shows_a_handle_takes_it_from_whoever_had_it(engine: Engine) -> None:
    record(engine, (111, "Ada"))
    record(engine, (222, "ada"))
    assert handles(engine) == {111: "111", 222: "ada"}
    old = row_of(engine, 111)
    assert (old.handle, old.former_handle, old.name) == ("111", "ada", "Ada")
    record(engine, (111, "lovelace"))
    assert handles(engine) == {111: "lovelace", 222: "ada"}
    assert row_of(engine, 111).former_handle == "ada"


def test_two_who_swap_their_handles_in_one_look_have_each_others(engine: Engine) -> None:
    record(engine, (111, "ada"), (222, "bea"))
    record(engine, (111, "bea"), (222, "ada"))
    assert handles(engine) == {111: "bea", 222: "ada"}


def test_of_two_who_show_the_same_handle_in_one_look_the_last_has_it(engine: Engine) -> None:
    record(engine, (222, "ada"), (111, "ADA"))
    assert handles(engine) == {111: "ADA", 222: "222"}


def test_whom_x_sends_without_a_handle_keeps_theirs(engine: Engine) -> None:
    record(engine, (111, "ada"), (333, ""))
    record(engine, (111, ""))
    assert handles(engine) == {111: "ada", 333: "333"}
    assert row_of(engine, 333).name == "somebody"


def test_a_handle_of_digits_is_not_an_id(engine: Engine) -> None:
    record(engine, (12345, ""), (222, "12345"))
    assert handles(engine) == {12345: "12345", 222: "12345"}
    assert find_person(engine, "@12345").id == 222
    assert find_person(engine, "12345").id == 12345


def test_people_who_swap_at_the_same_time_wait_for_each_other(engine: Engine) -> None:
    """The bot's look, the gallery's sign-in and the lookups write people at the same time."""
    record(engine, (1, "a"), (2, "b"), (3, "c"))
    failed: list[BaseException] = []

    @unlocked
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
    with reading(engine) as connection:
        found = list(connection.execute(select(people.c.handle)).scalars())
    assert len(found) == len(set(found)) == 5


def test_a_person_is_found_by_handle_or_id(engine: Engine) -> None:
    ada = make_person(engine, username="Ada_L")
    make_person(engine, username="bob")
    assert {find_person(engine, called).id for called in ("@ada_l", "ADA_L", str(ada))} == {ada}


@pytest.mark.parametrize("called", ["@nobody", "0", "", "9" * 19, "9" * 30, "7"])
def test_nobody_is_an_error(engine: Engine, called: str) -> None:
    with pytest.raises(UnknownPerson, match="nobody here"):
        find_person(engine, called)


def test_a_handle_that_changed_hands_is_asked_about(engine: Engine) -> None:
    record(engine, (111, "ada"))
    record(engine, (222, "ada"), (111, "lovelace"))
    with pytest.raises(HouseError, match=r"id 222 is @ada now, id 111 was until 20..-..-.. and is @lovelace now; say"):
        find_person(engine, "@ada")
    assert find_person(engine, "222").id == 222


def test_who_lost_a_handle_to_nobody_known_is_not_found_by_it(engine: Engine) -> None:
    record(engine, (111, "ada"))
    record(engine, (111, "lovelace"))
    with pytest.raises(HouseError, match=r"changed hands: id 111 was until .* and is @lovelace now; say which"):
        find_person(engine, "ada")


def test_x_is_asked_whose_handle_it_is_and_the_old_owner_is_not_taken_for_them(engine: Engine) -> None:
    record(engine, (111, "ada"), (222, "bea"))
    with pytest.raises(HouseError, match="id 222 is @ada now, id 111 was until"):
        find_person(engine, "@ada", lambda handle: Author(222, handle, "B"))
    assert handles(engine) == {111: "111", 222: "ada"}


def test_a_new_owner_who_was_never_heard_here_is_named(engine: Engine) -> None:
    record(engine, (111, "ada"))
    with pytest.raises(HouseError, match="id 999 is @ada now, id 111 was until"):
        find_person(engine, "@ada", lambda handle: Author(999, handle, "New"))
    assert handles(engine) == {111: "111"}


def test_a_handle_that_x_shows_nobody_with_names_the_id_it_was_seen_with(engine: Engine) -> None:
    record(engine, (111, "ada"))
    with pytest.raises(HouseError, match="X shows nobody called @ada now; id 111 was last seen"):
        find_person(engine, "@ada", lambda _handle: None)


def test_without_an_answer_of_x_an_old_handle_is_in_doubt(engine: Engine) -> None:
    def away(_handle: str) -> None:
        raise TryLater("x_unreachable")

    seen = now() - timedelta(days=9)
    ada = make_person(engine, username="ada", handle_seen_at=seen)
    found = find_person(engine, "@ada", away)
    assert (found.id, found.is_sure) == (ada, False)
    with pytest.raises(HouseError, match=rf"last seen with this handle on {seen:%Y-%m-%d}.*say the id: {ada}"):
        found.require_sure()
    find_person(engine, str(ada), away).require_sure()
    find_person(engine, "@ada", lambda handle: Author(ada, handle, "Ada")).require_sure()
