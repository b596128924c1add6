"""Queries that return few rows use an index, without and with statistics of the tables (ANALYZE)."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, event, insert, update
from sqlmodel import Session

from core.clock import now
from core.database import read_connection, write_session
from core.models import State, comments, creations, pictures
from gallery.queries import file_access
from gallery.queries.comments import load_thread
from gallery.queries.my_creations import find_own, list_own
from gallery.queries.top import _rank_all_time
from gallery.views.top_cursor import TopCursor
from tests.support.gallery_data import GalleryData
from tests.support.query_plans import explained_statements
from worker import purge

MANY = 3000
Question = Callable[[Connection, int], object]
QUESTIONS: dict[str, Question] = {
    "a picture is asked for": lambda connection, _: file_access.is_public_file(connection, "nowhere.webp"),
    "an own picture is asked for": lambda connection, who: file_access.is_own_file(connection, "nowhere.webp", who),
    "what a member hides": lambda connection, who: list_own(connection, who, only="hidden", limit=24),
    "what was refused": lambda connection, who: list_own(connection, who, only="refused", limit=24),
    "what waits": lambda connection, who: list_own(connection, who, only="waiting", limit=24),
    "answers to one comment": lambda connection, _: load_thread(connection, 1, under=1, after=50),
    "files that other creations share": lambda connection, _: purge._select_shared(Session(connection), 1, {"a", "b"}),
    "init image of a creation": lambda connection, _: purge._load_own_init_image(Session(connection), 2),
}


@pytest.fixture(params=["without statistics", "with statistics"])
def full(request: pytest.FixtureRequest, engine: Engine, gallery_data: GalleryData) -> int:
    """Create many creations of one member with pictures without wide copies. Return the member."""
    who = gallery_data.person()
    bare = {
        "person_id": who,
        "prompt": "p",
        "negative_prompt": "",
        "count": 1,
        "seed": 1,
        "attempts": 0,
        "queue_rank": 0,
    }
    bare |= {"sensitive": False, "likes": 0, "comments": 0, "remixes": 0, "state": State.REPLIED.value}
    bare |= {"created_at": now(), "painted_at": now(), "published_at": now()}
    picture = {"position": 0, "seed": 1, "width": 8, "height": 8, "mime": "image/webp", "size": 9, "flagged": False}
    picture |= {"thumb_width": 8, "thumb_height": 8, "placeholder": "", "created_at": now()}
    said = {"creation_id": 1, "person_id": who, "text": "blue", "created_at": now()}
    numbers = range(1, MANY + 1)
    with write_session(engine) as session:
        rows = [{**bare, "id": n, "init_image_key": "begun.webp" if n == 2 else None} for n in numbers]
        session.execute(insert(creations), rows)
        files = [{**picture, "creation_id": n, "key": f"{n}.webp", "thumb_key": f"{n}t.webp"} for n in numbers]
        session.execute(insert(pictures), files)
        session.execute(insert(comments), [{**said, "id": n, "parent_id": 1 if n > 1 else None} for n in numbers])
    if request.param == "with statistics":
        with write_session(engine) as session:
            session.connection().exec_driver_sql("ANALYZE")
        engine.dispose()  # a connection reads the statistics when it opens
    return who


@pytest.mark.parametrize("what", QUESTIONS)
def test_no_query_scans_a_table(engine: Engine, full: int, what: str) -> None:
    asked = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, text, given, *_rest: asked.append((text, given)))
    with read_connection(engine) as connection:
        QUESTIONS[what](connection, full)
        selects = [(text, given) for text, given in asked if text.startswith(("SELECT", "WITH"))]
        assert selects
        for text, given in selects:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]
            read = [step for step in plan if step.startswith(("SCAN creation", "SCAN picture", "SCAN comment"))]
            assert read == [], text


def test_own_creations_are_looked_up_by_id(engine: Engine, full: int) -> None:
    with explained_statements(engine) as plans, read_connection(engine) as connection:
        assert [creation.id for creation in find_own(connection, full, [5, 3])] == [5, 3]
    steps = [step for plan in plans for step in plan.steps.splitlines() if " creation USING" in step]
    assert steps and all("PRIMARY KEY" in step for step in steps), steps


def test_a_deep_page_of_the_top_begins_at_its_place(engine: Engine, full: int) -> None:
    with write_session(engine) as session:
        session.execute(update(creations).values(likes=1))
    with explained_statements(engine) as plans, read_connection(engine) as connection:
        ranked = _rank_all_time(connection, limit=3, after=TopCursor(1, 3))
    assert ranked == [(1, 2), (1, 1)]
    assert "ix_creation_top (likes=? AND id<?)" in plans[0].steps
    assert "ix_creation_top (likes>? AND likes<?)" in plans[1].steps


@pytest.mark.parametrize(
    ("only", "index"),
    [
        ("hidden", "ix_creation_hidden"),
        ("refused", "ix_creation_unsuccessful"),
        ("waiting", "ix_creation_person_waiting"),
    ],
)
def test_rare_own_creations_use_their_index(engine: Engine, full: int, only: str, index: str) -> None:
    asked = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, text, given, *_rest: asked.append((text, given)))
    with read_connection(engine) as connection:
        list_own(connection, full, only=only, limit=24)
        text, given = next(each for each in asked if each[0].startswith("SELECT"))
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]
    assert any(index in step for step in plan), plan
