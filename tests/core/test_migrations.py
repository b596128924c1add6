"""A database of an earlier version is brought up to date with what it holds."""

import pytest
from alembic import command
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from core.database import reading
from core.models import creations, people, pictures, posts
from core.schema import _config, _tables_may_be_copied, check, migrate
from core.searching import asked_in, find
from tests.support.rows import make_creation, make_person

FIRST_EVENING = (
    "INSERT INTO person VALUES (7, 'Ada', 'ada', 'Ada', '2026-11-19 10:00:00')",
    "INSERT INTO post (id, root_id, author_id, text, verdict, created_at, read_at)"
    " VALUES (70, 70, 7, '@threadpaint a fox', 'prompt', '2026-11-19 10:00:00', '2026-11-19 10:00:05')",
    "INSERT INTO creation (id, post_id, person_id, prompt, negative_prompt, count, seed, state, attempts, created_at)"
    " VALUES (3, 70, 7, 'a fox', '', 1, 42, 'replied', 0, '2026-11-19 10:00:05')",
    "INSERT INTO creation"
    " (id, person_id, prompt, width, height, negative_prompt, count, seed, state, attempts, created_at)"
    " VALUES (4, 7, 'a fox', 688, 384, '', 1, 42, 'replied', 0, '2026-11-19 10:00:05'),"
    " (5, 7, 'a fox', 384, 688, '', 1, 42, 'replied', 0, '2026-11-19 10:00:05')",
    "INSERT INTO picture (id, creation_id, position, seed, width, height, mime, size, key, thumb_key, thumb_width,"
    " thumb_height, placeholder, created_at)"
    " VALUES (1, 3, 0, 42, 64, 64, 'image/webp', 9, 'a', 'b', 64, 64, 'data:,', '2026-11-19 10:00:06')",
)

PERSON = "person (id, username, handle, name, first_seen_at)"
CREATION = (
    "creation (id, person_id, parent_id, shown_at, prompt, negative_prompt, count, seed, state, attempts, turn,"
    " created_at)"
)

HEARD = (
    "INSERT INTO post (id, root_id, author_id, text, reply_settings, verdict, summons, created_at, read_at, checked_at)"
    " VALUES (70, 70, :author, 'hi', 'everyone', 'talk', 'mention', :at, :at, :at)"
)
SIGNED_IN = (
    "INSERT INTO login (person_id, digest, browser, created_at, seen_at, expires_at)"
    " VALUES (:person, 'd', '', :at, :at, :at)"
)


def test_what_was_painted_before_is_kept_and_filled_in(engine: Engine) -> None:
    SQLModel.metadata.drop_all(engine)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
    with engine.begin() as connection:
        for statement in FIRST_EVENING:
            connection.execute(text(statement))
    migrate(engine)
    check(engine)
    with reading(engine) as connection:
        post = connection.execute(select(posts)).one()
        creation, wide, tall = connection.execute(select(creations).order_by(creations.c.id)).all()
        picture = connection.execute(select(pictures)).one()
    assert (post.checked_at, post.summons, post.gone_at) == (post.read_at, "mention", None)
    assert (creation.turn, creation.prompt, creation.says, creation.deleted_at) == (3, "a fox", None, None)
    assert (picture.flagged, picture.media_id) == (False, None)
    assert [row.aspect_ratio for row in (creation, wide, tall)] == [None, "16:9", "9:16"]
    assert (creation.painted_steps, creation.guidance, creation.tokens_read) == (None, None, None)


def test_what_hung_before_there_were_members_is_counted_and_found(engine: Engine) -> None:
    SQLModel.metadata.drop_all(engine)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0006")
    hung, waits = "'2026-11-19 11:00:00'", "NULL"
    rows = ((1, "NULL", hung), (2, "1", hung), (3, "1", hung), (4, "1", waits), (5, "2", hung))
    with engine.begin() as connection:
        connection.execute(text(FIRST_EVENING[0].replace("person VALUES", f"{PERSON} VALUES")))
        for creation_id, parent_id, shown_at in rows:
            values = f"{creation_id}, 7, {parent_id}, {shown_at}, 'foxes no. {creation_id}', '', 1, 42, 'replied', 0, 0"
            connection.execute(text(f"INSERT INTO {CREATION} VALUES ({values}, '2026-11-19 10:00:05')"))
    migrate(engine)
    migrate(engine)
    check(engine)
    with reading(engine) as connection:
        remixes = connection.execute(select(creations.c.remixes).order_by(creations.c.id)).scalars().all()
        assert remixes == [2, 1, 0, 0, 0]
        assert find(connection, asked_in("fox"), limit=9) == [5, 3, 2, 1]


def test_the_shape_becomes_a_size_again_on_the_way_back(engine: Engine) -> None:
    SQLModel.metadata.drop_all(engine)
    migrate(engine)
    person_id = make_person(engine)
    make_creation(engine, person_id=person_id, with_post=False, aspect_ratio="2:3")
    with engine.connect() as connection, _tables_may_be_copied(connection), connection.begin():
        command.downgrade(_config(connection), "0004")
        assert connection.execute(text("SELECT width, height FROM creation")).one() == (416, 624)
    migrate(engine)
    check(engine)
    with reading(engine) as connection:
        assert connection.execute(select(creations.c.aspect_ratio)).scalar_one() == "2:3"


def test_after_a_migration_rows_still_cannot_point_nowhere(engine: Engine) -> None:
    SQLModel.metadata.drop_all(engine)
    migrate(engine)
    orphan = FIRST_EVENING[1].replace("post (", "post (summons, reply_settings, checked_at, ", 1)
    orphan = orphan.replace("VALUES (", "VALUES ('mention', 'everyone', '2026-11-19 10:00:00', ", 1)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(orphan))


def test_of_several_who_had_a_handle_the_one_x_showed_last_keeps_it(engine: Engine) -> None:
    SQLModel.metadata.drop_all(engine)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0014")
    met = {1: "2026-11-01", 2: "2026-11-02", 3: "2026-11-03", 4: "2026-11-04", 5: "2026-11-05"}
    handles = {1: "ada", 2: "ada", 3: "ada", 4: "bea", 5: "5"}
    with engine.begin() as connection:
        for number, day in met.items():
            values = f"{number}, '{handles[number].title()}', '{handles[number]}', 'N', '{day} 10:00:00'"
            connection.execute(text(f"INSERT INTO {PERSON} VALUES ({values})"))
        # 1 signed in last; 2 was heard before that.
        connection.execute(text(HEARD), {"author": 2, "at": "2026-11-10 10:00:00"})
        connection.execute(text(SIGNED_IN), {"person": 1, "at": "2026-11-12 10:00:00"})
    migrate(engine)
    check(engine)
    with reading(engine) as connection:
        rows = connection.execute(select(people).order_by(people.c.id)).all()
    assert [row.username for row in rows] == ["Ada", "2", "3", "Bea", "5"]
    assert [row.handle for row in rows] == ["ada", "2", "3", "bea", "5"]
    assert [row.former_handle for row in rows] == [None, "ada", "ada", None, None]
    assert [row.handle_seen_at and row.handle_seen_at.day for row in rows] == [12, 10, 3, 4, None]
    assert [row.handle_lost_at and row.handle_lost_at.day for row in rows] == [None, 12, 12, None, None]


def test_the_owner_of_a_start_picture_is_who_first_began_from_it(engine: Engine) -> None:
    SQLModel.metadata.drop_all(engine)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0015")
    photo, painted, address = "'aa/photo.webp'", "'aa/painted.webp'", "'http://x/1.jpg'"
    begun = (
        # id, person, start_key, start_url
        (1, 7, photo, "NULL"),
        (2, 8, photo, "NULL"),
        (3, 8, painted, "NULL"),
        (4, 8, "'aa/own.webp'", address),
        (5, 7, "NULL", address),
        (6, 7, "NULL", "NULL"),
    )
    with engine.begin() as connection:
        for number in (7, 8):
            connection.execute(text(f"INSERT INTO {PERSON} VALUES ({number}, 'P', 'p{number}', 'P', '2026-11-19')"))
        for number, person, key, url in begun:
            filled = f"{number}, {person}, NULL, NULL, 'a fox', '', 1, 42, 'replied', 0, 0, '2026-11-19 10:00:05'"
            columns = CREATION.replace(")", ", start_key, start_url)")
            connection.execute(text(f"INSERT INTO {columns} VALUES ({filled}, {key}, {url})"))
        picture = (
            FIRST_EVENING[-1].replace("'a', 'b'", f"{painted}, 'b'").replace("created_at)", "created_at, flagged)")
        )
        connection.execute(text(picture.replace("10:00:06')", "10:00:06', false)")))
    migrate(engine)
    check(engine)
    with reading(engine) as connection:
        owners = list(connection.execute(select(creations.c.start_owner_id).order_by(creations.c.id)).scalars())
    assert owners == [7, 7, None, 8, 8, None]
