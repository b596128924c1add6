"""kill -9 of what serves the gallery's forms, while members press their buttons: nothing lost, nothing done twice.

Two processes serve the same site, as on a host with two machines; whoever hears nothing sends the same form again.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from core.database import open_database, reading
from core.models import comments, creations
from tests.support.blows import QUICK, kill_gallery, kill_queue, kill_worker_and_its_job, lose_the_queue_and_kill_it
from tests.support.counted import assert_all_is_counted
from tests.support.house import OPEN_HANDED, House, running_house
from tests.support.members import Member
from tests.support.servers import free_port, process, wait_until

pytestmark = pytest.mark.processes

MEMBERS, WISHES = 4, 6
BLOWS = [kill_gallery, kill_queue, kill_worker_and_its_job, kill_gallery, lose_the_queue_and_kill_it, kill_gallery]


def test_whatever_is_killed_every_button_does_its_work_once(tmp_path: Path) -> None:
    with running_house(tmp_path, **QUICK, **OPEN_HANDED) as house, second_gallery(house) as second:
        members = [Member(f"member_{n}", [house.gallery, second]) for n in range(MEMBERS)]
        for member in members:
            member.sign_in()
        liked = members[0].send("/paint", prompt="a bridge in the fog", once="first")
        wait_until(lambda: house.ask(liked).text.count("frame__picture"), "it was not painted", within=60)
        with ThreadPoolExecutor(MEMBERS) as pool:
            busy = [pool.submit(press_buttons, member, liked) for member in members]
            for blow in BLOWS:
                time.sleep(0.5)
                blow(house)
            painted = [path for each in busy for path in each.result()]
        assert len(set(painted)) == MEMBERS * WISHES
        wait_until(lambda: all(is_painted(house, path) for path in painted), "not all were painted", within=120)
        assert_done_once(house, liked)


def press_buttons(member: Member, liked: str) -> list[str]:
    """Paint, like, say something, paint it again. Returns the paths of what is painted."""
    paths = []
    for n in range(WISHES // 2):
        paths.append(member.send_twice("/paint", prompt=f"boat {n} of {member.handle}", once=f"{member.handle}-{n}"))
        member.send_twice(f"{liked}/like")
        member.send_twice(f"{liked}/comments", text=f"words {n} of {member.handle}", once=f"{member.handle}-said-{n}")
        paths.append(member.send_twice(f"{liked}/again", once=f"{member.handle}-again-{n}"))
    return paths


def is_painted(house: House, path: str) -> bool:
    return "creation__pictures" in house.ask(path).raise_for_status().text


def assert_done_once(house: House, liked: str) -> None:
    """By the rows: as many wishes, words and likes as there were buttons, and every count is right."""
    engine = open_database(f"sqlite:///{house.data / 'threadpaint.db'}")
    number = int(re.sub(r"\D", "", liked))
    with reading(engine) as connection:
        wishes = connection.execute(select(creations.c.prompt).where(creations.c.once.is_not(None))).scalars().all()
        said = connection.execute(select(comments.c.text).where(comments.c.creation_id == number)).scalars().all()
        likes = connection.execute(select(creations.c.likes).where(creations.c.id == number)).scalar_one()
    boats = Counter(prompt for prompt in wishes if prompt.startswith("boat"))
    assert set(boats.values()) == {1}
    assert len(boats) == MEMBERS * WISHES // 2
    assert len(wishes) == MEMBERS * WISHES + 1
    assert len(said) == len(set(said)) == MEMBERS * WISHES // 2
    assert likes == MEMBERS
    assert_all_is_counted(engine)
    engine.dispose()


@contextmanager
def second_gallery(house: House) -> Iterator[str]:
    """Another process of the same site, with everything that the first one was given; nobody kills it."""
    port = str(free_port())
    given = house.processes("-m gallery")[0].environ() | {"GALLERY_PORT": port}
    with process("-m", "gallery", environment=given, log=house.data / "second.log"):
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: house.http.get(f"{address}/healthz").is_success, "the second does not come", within=60)
        yield address
