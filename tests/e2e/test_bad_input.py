"""Bad input gets a reply or a reason code from a whole demo: nothing crashes, and no creation is stuck."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from core.database import open_database, read_connection
from core.models import creations, posts
from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, forked_demo
from tests.support.gpu_service import sketch_service
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes

SETTLED = {"replied", "refused"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Start a demo for this file alone: hundreds of prompts would delay other tests."""
    folder = tmp_path_factory.mktemp("bad-input")
    with (
        sketch_service(small=True) as gpu_url,
        forked_demo(folder, DEMO_GPU_URL=gpu_url, GPU_TOKEN="secret", **NO_LIMITS_AND_BUDGETS) as demo,
    ):
        demo.shorten_windows(10)
        yield demo


def creations_of(demo: Demo, posted: list[str]) -> dict[str, dict[str, object]]:
    """Return the creations of these posts by post, once all are final. Talk and commands have none."""
    engine = open_database(f"sqlite:///{demo.data / 'threadpaint.db'}")
    stmt = (
        select(posts.c.id, creations.c.id.label("creation_id"), creations.c.state, creations.c.next_attempt_at)
        .outerjoin(creations, creations.c.post_id == posts.c.id)
        .where(posts.c.id.in_([int(post) for post in posted]))
    )

    def settled() -> list[Any] | None:
        with read_connection(engine) as connection:
            rows = list(connection.execute(stmt))
        # A refusal with a text reply waits for that reply.
        done = all(row.state in {*SETTLED, None} and row.next_attempt_at is None for row in rows)
        return rows if done and len(rows) == len(posted) else None

    rows = wait_until(settled, "a creation is stuck", within=240)
    engine.dispose()
    made = {str(row.id): demo.ask(f"/api/creations/{row.creation_id}") for row in rows if row.creation_id}
    # A reply to a command, such as `help`, is a creation without a page.
    return {post: answer.json() for post, answer in made.items() if answer.status_code == 200}


def path_of(creation: dict[str, object]) -> str:
    """Return the path of the creation's page. The API has the whole address."""
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
def test_a_prompt_gets_a_reply_or_a_reason_code(demo: Demo, words: str, state: str, code: str | None) -> None:
    post = demo.post(f"@threadpaint {words}")
    creation = creations_of(demo, [post])[post]
    assert (creation["state"], creation["reason_code"]) == (state, code)
    page = demo.ask(path_of(creation))
    assert page.status_code == 200
    assert "<script>alert(1)" not in page.text
    if code:
        assert creation["reason"]


def test_naughty_strings_get_a_reply_or_a_reason_code(demo: Demo, material: Path) -> None:
    strings = json.loads((material / "web-blns" / "blns.json").read_text())[::4]
    posted = [demo.post(f"@threadpaint {string}", author=f"p{n % 9}") for n, string in enumerate(strings)]
    made = creations_of(demo, posted)
    assert len(made) > 0.9 * len(strings)
    codes = Counter(creation["reason_code"] for creation in made.values())
    assert codes.keys() <= {None, "empty", "unsafe"}
    assert codes["unsafe"] < len(strings) / 10
    for creation in made.values():
        assert demo.ask(path_of(creation)).status_code == 200
    assert demo.state()["duplicates"] == 0


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "9" * 400, "x", "1e3", "%00"])
def test_an_impossible_creation_id_is_not_found(demo: Demo, number: str) -> None:
    for path in (f"/c/{number}", f"/api/creations/{number}"):
        assert demo.ask(path).status_code in (404, 422)


@pytest.mark.parametrize(
    "path", ["/@%00", "/@" + "a" * 5000, "/pictures/%2e%2e/%2e%2e/etc/passwd", "/?cursor=%ff%00", "/@'--"]
)
def test_hostile_addresses_are_client_errors(demo: Demo, path: str) -> None:
    assert demo.ask(path).status_code in (400, 404, 414, 422)
