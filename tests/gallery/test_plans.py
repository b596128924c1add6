"""Questions whose answer is a handful of rows go along an index, also where SQLite knows how the tables look."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, event, insert

from core.clock import now
from core.database import reading, transaction
from core.models import State, comments, creations, pictures
from gallery import seen_files
from gallery.mine.own import own
from gallery.social.comments import thread_of
from worker import keeping

MANY = 3000
Question = Callable[[Connection, int], object]
QUESTIONS: dict[str, Question] = {
    "a picture is asked for": lambda connection, _: seen_files.is_shown(connection, "nowhere.webp"),
    "an own picture is asked for": lambda connection, who: seen_files.is_own(connection, "nowhere.webp", who),
    "what a member hides": lambda connection, who: own(connection, who, only="hidden", limit=24),
    "what was refused": lambda connection, who: own(connection, who, only="refused", limit=24),
    "what waits": lambda connection, who: own(connection, who, only="waiting", limit=24),
    "answers to one comment": lambda connection, _: thread_of(connection, 1, under=1, after=50),
    "files that others show": lambda connection, _: keeping._used_elsewhere(connection, 1, {"a", "b"}),
    "the picture it began from": lambda connection, _: keeping._own_start(connection, 2),
}


@pytest.fixture
def full(engine: Engine, wall) -> int:
    """One member's many creations with pictures, none of which has a wide copy; returns the member."""
    who = wall.person()
    bare = {"person_id": who, "prompt": "p", "negative_prompt": "", "count": 1, "seed": 1, "attempts": 0, "turn": 0}
    bare |= {"sensitive": False, "likes": 0, "comments": 0, "remixes": 0, "state": State.REPLIED.value}
    bare |= {"created_at": now(), "painted_at": now(), "shown_at": now()}
    picture = {"position": 0, "seed": 1, "width": 8, "height": 8, "mime": "image/webp", "size": 9, "flagged": False}
    picture |= {"thumb_width": 8, "thumb_height": 8, "placeholder": "", "created_at": now()}
    said = {"creation_id": 1, "person_id": who, "text": "blue", "created_at": now()}
    numbers = range(1, MANY + 1)
    with transaction(engine) as session:
        rows = [{**bare, "id": n, "start_key": "begun.webp" if n == 2 else None} for n in numbers]
        session.execute(insert(creations), rows)
        files = [{**picture, "creation_id": n, "key": f"{n}.webp", "thumb_key": f"{n}t.webp"} for n in numbers]
        session.execute(insert(pictures), files)
        session.execute(insert(comments), [{**said, "id": n, "parent_id": 1 if n > 1 else None} for n in numbers])
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
    return who


@pytest.mark.parametrize("what", QUESTIONS)
def test_no_question_reads_a_whole_table(engine: Engine, full: int, what: str) -> None:
    asked = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, text, given, *_rest: asked.append((text, given)))
    with reading(engine) as connection:
        QUESTIONS[what](connection, full)
        selects = [(text, given) for text, given in asked if text.startswith(("SELECT", "WITH"))]
        assert selects
        for text, given in selects:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]
            read = [step for step in plan if step.startswith(("SCAN creation", "SCAN picture", "SCAN comment"))]
            assert read == [], text


@pytest.mark.parametrize(("only", "index"), [("hidden", "ix_creation_hidden"), ("refused", "ix_creation_ended")])
def test_what_is_rare_among_ones_own_has_its_index(engine: Engine, full: int, only: str, index: str) -> None:
    asked = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, text, given, *_rest: asked.append((text, given)))
    with reading(engine) as connection:
        own(connection, full, only=only, limit=24)
        text, given = next(each for each in asked if each[0].startswith("SELECT"))
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]
    assert any(index in step for step in plan), plan
