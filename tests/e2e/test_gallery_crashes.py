"""Kill the processes behind the gallery's forms while members use them: each form takes effect once.

Two processes serve the same site, as on two machines. A member who gets no response sends the same form again.
"""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from core.database import open_database, read_connection
from core.models import comments, creations
from tests.support.counter_checks import assert_all_is_counted
from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, forked_demo
from tests.support.forked_process import forked_process
from tests.support.members import Member
from tests.support.process_kills import (
    QUICK,
    delete_queue_data_and_kill_it,
    kill_gallery,
    kill_queue,
    kill_workers,
)
from tests.support.servers import free_port, wait_until

pytestmark = pytest.mark.processes

MEMBERS, PROMPTS = 4, 4
# The last kill comes when three quarters of the members' forms are sent.
FORMS_BETWEEN_KILLS = 4
DAMAGES = [kill_gallery, kill_queue, kill_workers, kill_gallery, delete_queue_data_and_kill_it, kill_gallery]


def test_each_form_takes_effect_once_despite_kills(tmp_path: Path) -> None:
    with forked_demo(tmp_path, **QUICK, **NO_LIMITS_AND_BUDGETS) as demo, second_gallery(demo) as second:
        members = [Member(f"member_{n}", [demo.gallery, second]) for n in range(MEMBERS)]
        for member in members:
            member.sign_in()
        liked = members[0].send("/paint", prompt="a bridge in the fog", idempotency_key="first")
        wait_until(lambda: demo.ask(liked).text.count("frame__picture"), "it was not painted", within=60)
        with ThreadPoolExecutor(MEMBERS) as pool:
            busy = [pool.submit(press_buttons, member, liked) for member in members]
            for number, damage in enumerate(DAMAGES, start=1):
                forms = partial(have_sent, members, 1 + number * FORMS_BETWEEN_KILLS)
                wait_until(forms, "no form is accepted", within=60)
                damage(demo)
            painted = [path for each in busy for path in each.result()]
        assert len(set(painted)) == MEMBERS * PROMPTS
        for path in painted:
            wait_until(partial(is_painted, demo, path), f"{path} was not painted", within=120)
        assert_done_once(demo, liked)


def press_buttons(member: Member, liked: str) -> list[str]:
    """Paint, like, comment and re-run. Return the paths of the creations."""
    paths = []
    for n in range(PROMPTS // 2):
        paths.append(
            member.send_twice("/paint", prompt=f"boat {n} of {member.handle}", idempotency_key=f"{member.handle}-{n}")
        )
        member.send_twice(f"{liked}/like")
        member.send_twice(
            f"{liked}/comments", text=f"words {n} of {member.handle}", idempotency_key=f"{member.handle}-said-{n}"
        )
        paths.append(member.send_twice(f"{liked}/rerun", idempotency_key=f"{member.handle}-again-{n}"))
    return paths


def have_sent(members: list[Member], count: int) -> bool:
    return sum(member.sent for member in members) >= count


def is_painted(demo: Demo, path: str) -> bool:
    return "creation__pictures" in demo.ask(path).raise_for_status().text


def assert_done_once(demo: Demo, liked: str) -> None:
    """Check in the rows that each form took effect once, and that all counts are right."""
    engine = open_database(f"sqlite:///{demo.data / 'threadpaint.db'}")
    number = int(re.sub(r"\D", "", liked))
    with read_connection(engine) as connection:
        prompts = (
            connection.execute(select(creations.c.prompt).where(creations.c.idempotency_key.is_not(None)))
            .scalars()
            .all()
        )
        said = connection.execute(select(comments.c.text).where(comments.c.creation_id == number)).scalars().all()
        likes = connection.execute(select(creations.c.likes).where(creations.c.id == number)).scalar_one()
    boats = Counter(prompt for prompt in prompts if prompt.startswith("boat"))
    assert set(boats.values()) == {1}
    assert len(boats) == MEMBERS * PROMPTS // 2
    assert len(prompts) == MEMBERS * PROMPTS + 1
    assert len(said) == len(set(said)) == MEMBERS * PROMPTS // 2
    assert likes == MEMBERS
    assert_all_is_counted(engine)
    engine.dispose()


@contextmanager
def second_gallery(demo: Demo) -> Iterator[str]:
    """Run another process of the same site with the same settings. It is not killed."""
    port = str(free_port())
    environment = demo.program_environment() | {"GALLERY_PORT": port}
    with forked_process("gallery", environment=environment, log=demo.data / "second.log"):
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: demo.http.get(f"{address}/healthz").is_success, "the second gallery is not ready", within=60)
        yield address
