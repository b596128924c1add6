"""What bad input gets from the whole house: an answer or a named refusal; never a crash, never a stuck creation."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from core.database import open_database, reading
from core.models import creations, posts
from tests.support.house import OPEN_HANDED, House, running_house
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes

SETTLED = {"replied", "refused"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("bad-input"), **OPEN_HANDED) as house:
        house.shorten_windows(10)
        yield house


def creations_of(house: House, posted: list[str]) -> dict[str, dict[str, object]]:
    """The creations of these posts once all are settled, by post. Talk and commands have none."""
    engine = open_database(f"sqlite:///{house.data / 'threadpaint.db'}")
    stmt = (
        select(posts.c.id, creations.c.id.label("creation_id"), creations.c.state, creations.c.next_attempt_at)
        .outerjoin(creations, creations.c.post_id == posts.c.id)
        .where(posts.c.id.in_([int(post) for post in posted]))
    )

    def settled() -> list[Any] | None:
        with reading(engine) as connection:
            rows = list(connection.execute(stmt))
        # A refusal that is told in words waits for its reply.
        done = all(row.state in {*SETTLED, None} and row.next_attempt_at is None for row in rows)
        return rows if done and len(rows) == len(posted) else None

    rows = wait_until(settled, "a creation is stuck", within=120)
    engine.dispose()
    made = {str(row.id): house.ask(f"/api/creations/{row.creation_id}") for row in rows if row.creation_id}
    # The answer to a command, such as `help`, is a creation without a page.
    return {post: answer.json() for post, answer in made.items() if answer.status_code == 200}


def path_of(creation: dict[str, object]) -> str:
    """Where its page is; the API tells the whole address."""
    return urlsplit(str(creation["url"])).path


@pytest.mark.parametrize(
    ("words", "state", "code"),
    [
        ("", "refused", "empty"),
        ("   \n\t ", "refused", "empty"),
        ("https://example.com/a-link-only", "refused", "empty"),
        ("\x01\x02\x1b\u200b\u202e", "refused", "empty"),
        ("very " * 799 + "long", "refused", "too_long"),
        ("🦊🌲🌙", "replied", None),
        ("\x00a fox\x00 with\x07 control\x1b characters", "replied", None),
        ("<script>alert(1)</script> & <b>bold</b>", "replied", None),
        ("'; DROP TABLE creation; --", "replied", None),
        ("{{ 7 * 7 }} ${7*7} %s %n ../../etc/passwd", "replied", None),
        ("a" * 1900, "replied", None),
        ("ﷺ" * 300, "replied", None),
        ("Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮", "replied", None),
        ("--seed 99999999999999999999 --n 0", "refused", "empty"),
    ],
)
def test_a_prompt_gets_an_answer_or_a_named_refusal(house: House, words: str, state: str, code: str | None) -> None:
    post = house.post(f"@threadpaint {words}")
    creation = creations_of(house, [post])[post]
    assert (creation["state"], creation["code"]) == (state, code)
    page = house.ask(path_of(creation))
    assert page.status_code == 200
    assert "<script>alert(1)" not in page.text
    if code:
        assert creation["reason"]


def test_naughty_strings_get_an_answer_or_a_named_refusal(house: House, material: Path) -> None:
    strings = json.loads((material / "web-blns" / "blns.json").read_text())[::4]
    posted = [house.post(f"@threadpaint {string}", author=f"p{n % 9}") for n, string in enumerate(strings)]
    made = creations_of(house, posted)
    assert len(made) > 0.9 * len(strings)
    codes = Counter(creation["code"] for creation in made.values())
    assert codes.keys() <= {None, "empty", "unsafe"}
    assert codes["unsafe"] < len(strings) / 10
    for creation in made.values():
        assert house.ask(path_of(creation)).status_code == 200
    assert house.state()["duplicates"] == 0


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "9" * 400, "x", "1e3", "%00"])
def test_a_creation_that_cannot_be_is_not_found(house: House, number: str) -> None:
    for path in (f"/c/{number}", f"/api/creations/{number}"):
        assert house.ask(path).status_code in (404, 422)


@pytest.mark.parametrize(
    "path", ["/@%00", "/@" + "a" * 5000, "/pictures/%2e%2e/%2e%2e/etc/passwd", "/?cursor=%ff%00", "/@'--"]
)
def test_hostile_addresses_are_no_error_of_ours(house: House, path: str) -> None:
    assert house.ask(path).status_code in (400, 404, 414, 422)
