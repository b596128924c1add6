"""A database of an earlier version is upgraded with its rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    Integer,
    MetaData,
    Table,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from core.database import read_connection, write_session
from core.migrate import MIGRATIONS, _config, _foreign_keys_off, check, migrate
from core.models import creations, people, pictures, posts
from core.search_index import add, parse_query
from core.search_query import find
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

INSERT_POST = (
    "INSERT INTO post (id, root_id, author_id, text, reply_settings, verdict, summons, created_at, read_at, checked_at)"
    " VALUES (70, 70, :author, 'hi', 'everyone', 'talk', 'mention', :at, :at, :at)"
)
SIGNED_IN = (
    "INSERT INTO login (person_id, digest, browser, created_at, seen_at, expires_at)"
    " VALUES (:person, 'd', '', :at, :at, :at)"
)


@pytest.fixture
def engine(empty_database: Engine) -> Engine:
    """Return a database without tables."""
    return empty_database


def test_migration_preserves_old_creations_and_fills_new_columns(engine: Engine) -> None:
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
    with engine.begin() as connection:
        for statement in FIRST_EVENING:
            connection.execute(text(statement))
    migrate(engine)
    check(engine)
    with read_connection(engine) as connection:
        post = connection.execute(select(posts)).one()
        creation, wide, tall = connection.execute(select(creations).order_by(creations.c.id)).all()
        picture = connection.execute(select(pictures)).one()
    assert (post.last_checked_on_x_at, post.mention_type, post.deleted_on_x_at) == (post.read_at, "mention", None)
    assert (creation.queue_rank, creation.prompt, creation.reply_text, creation.deleted_at) == (3, "a fox", None, None)
    assert (picture.flagged, picture.media_id) == (False, None)
    assert [row.aspect_ratio for row in (creation, wide, tall)] == [None, "16:9", "9:16"]
    assert (creation.steps_used, creation.guidance, creation.prompt_tokens_used) == (None, None, None)


def test_creations_published_before_members_are_counted_and_indexed(engine: Engine) -> None:
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0006")
    published, unpublished = "'2026-11-19 11:00:00'", "NULL"
    rows = (
        (1, "NULL", published),
        (2, "1", published),
        (3, "1", published),
        (4, "1", unpublished),
        (5, "2", published),
    )
    with engine.begin() as connection:
        connection.execute(text(FIRST_EVENING[0].replace("person VALUES", f"{PERSON} VALUES")))
        for creation_id, parent_id, published_at in rows:
            values = (
                f"{creation_id}, 7, {parent_id}, {published_at}, 'foxes no. {creation_id}', '', 1, 42, 'replied', 0, 0"
            )
            connection.execute(text(f"INSERT INTO {CREATION} VALUES ({values}, '2026-11-19 10:00:05')"))
    migrate(engine)
    migrate(engine)
    check(engine)
    with read_connection(engine) as connection:
        remixes = connection.execute(select(creations.c.remixes).order_by(creations.c.id)).scalars().all()
        assert remixes == [2, 1, 0, 0, 0]
        assert find(connection, parse_query("fox"), limit=9).ids == [5, 3, 2, 1]


def test_downgrading_turns_the_aspect_ratio_into_a_size(migrated_database: Engine) -> None:
    person_id = make_person(migrated_database)
    make_creation(migrated_database, person_id=person_id, with_post=False, aspect_ratio="2:3")
    with migrated_database.connect() as connection, _foreign_keys_off(connection), connection.begin():
        command.downgrade(_config(connection), "0004")
        assert connection.execute(text("SELECT width, height FROM creation")).one() == (416, 624)
    migrate(migrated_database)
    check(migrated_database)
    with read_connection(migrated_database) as connection:
        assert connection.execute(select(creations.c.aspect_ratio)).scalar_one() == "2:3"


def test_foreign_keys_are_enforced_after_a_migration(migrated_database: Engine) -> None:
    orphan = FIRST_EVENING[1].replace("verdict", "classification")
    orphan = orphan.replace("post (", "post (mention_type, reply_settings, last_checked_on_x_at, ", 1)
    orphan = orphan.replace("VALUES (", "VALUES ('mention', 'everyone', '2026-11-19 10:00:00', ", 1)
    with pytest.raises(IntegrityError), migrated_database.begin() as connection:
        connection.execute(text(orphan))


def test_migration_leaves_a_handle_to_the_user_seen_with_it_last(engine: Engine) -> None:
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0014")
    met = {1: "2026-11-01", 2: "2026-11-02", 3: "2026-11-03", 4: "2026-11-04", 5: "2026-11-05"}
    handles = {1: "ada", 2: "ada", 3: "ada", 4: "bea", 5: "5"}
    with engine.begin() as connection:
        for number, day in met.items():
            values = f"{number}, '{handles[number].title()}', '{handles[number]}', 'N', '{day} 10:00:00'"
            connection.execute(text(f"INSERT INTO {PERSON} VALUES ({values})"))
        # 1 signed in last; 2 was read before that.
        connection.execute(text(INSERT_POST), {"author": 2, "at": "2026-11-10 10:00:00"})
        connection.execute(text(SIGNED_IN), {"person": 1, "at": "2026-11-12 10:00:00"})
    migrate(engine)
    check(engine)
    with read_connection(engine) as connection:
        rows = connection.execute(select(people).order_by(people.c.id)).all()
    assert [row.username for row in rows] == ["Ada", "2", "3", "Bea", "5"]
    assert [row.handle for row in rows] == ["ada", "2", "3", "bea", "5"]
    assert [row.former_handle for row in rows] == [None, "ada", "ada", None, None]
    assert [row.handle_seen_at and row.handle_seen_at.day for row in rows] == [12, 10, 3, 4, None]
    assert [row.handle_lost_at and row.handle_lost_at.day for row in rows] == [None, 12, 12, None, None]


def test_migration_makes_the_first_user_of_an_init_image_its_owner(engine: Engine) -> None:
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
    with read_connection(engine) as connection:
        owners = list(connection.execute(select(creations.c.init_image_owner_id).order_by(creations.c.id)).scalars())
    assert owners == [7, 7, None, 8, 8, None]


SCRIPTS = ScriptDirectory(str(MIGRATIONS))
REVISIONS = sorted(script.revision for script in SCRIPTS.walk_revisions())
NAMES = SCRIPTS.get_revision("0020").module
# Revision 0010 counts them again; revision 0013 and later fill or clear the others.
COMPUTED = {"remixes", "handle_seen_at", "init_image_owner_id"}
SOME_DAY = datetime(2026, 11, 19, 10, tzinfo=UTC)


@pytest.mark.slow
def test_rows_of_every_revision_survive_the_upgrade(engine: Engine) -> None:
    """At each revision, one more row is inserted into every table that exists by then."""
    rows: list[tuple[str, dict[str, Any]]] = []
    for number, revision in enumerate(REVISIONS[:-1], 1):
        migrate(engine, revision)
        with engine.begin() as connection:
            rows += [(table.name, _insert_row(connection, table, number)) for table in _tables(connection)]
    migrate(engine)
    check(engine)
    with read_connection(engine) as connection:
        tables = {table.name: table for table in _tables(connection)}
        for old_name, row in rows:
            table, columns = tables[NAMES.TABLES.get(old_name, old_name)], NAMES.COLUMNS.get(old_name, {})
            expected = {columns.get(name, name): value for name, value in row.items()}
            key = [column == expected[column.name] for column in table.primary_key]
            found = connection.execute(select(table).where(*key)).mappings().one()
            same = (expected.keys() & found.keys()) - COMPUTED
            assert {name: found[name] for name in same} == {name: expected[name] for name in same}
            assert expected.keys() - found.keys() <= {"width", "height"}, "columns that became `aspect_ratio`"
    assert len(rows) > 5 * len(REVISIONS)


def test_migration_renames_a_style(engine: Engine) -> None:
    script = next(script for script in SCRIPTS.walk_revisions() if "watercolor" in script.doc)
    migrate(engine, str(script.down_revision))
    with engine.begin() as connection:
        for number in (1, 2):
            for table in _tables(connection):
                _insert_row(connection, table, number)
        connection.execute(text("UPDATE creation SET style = 'watercolour' WHERE id = 1"))
    migrate(engine)
    with read_connection(engine) as connection:
        styles = list(connection.execute(select(creations.c.style).order_by(creations.c.id)).scalars())
    assert styles == ["watercolor", "style 2"]


def test_indexes_after_the_upgrade_are_those_of_the_models(engine: Engine, migrated_database: Engine) -> None:
    SQLModel.metadata.create_all(engine)
    assert _indexes(migrated_database) == _indexes(engine)


def test_renamed_columns_keep_the_search_index_and_can_be_downgraded(engine: Engine) -> None:
    migrate(engine, "0019")
    with engine.begin() as connection:
        for table in _tables(connection):
            _insert_row(connection, table, 1)
    with write_session(engine) as session:
        add(session, [(1, "a fox")])
    for target in ("", "0019", ""):
        migrate(engine, target)
        with read_connection(engine) as connection:
            assert find(connection, parse_query("fox"), limit=9).ids == [1]
    check(engine)


def _tables(connection: Connection) -> Iterator[Table]:
    """Yield all tables but the search indexes, those that others refer to first."""
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: not name.startswith(("searchable", "alembic")))
    yield from metadata.sorted_tables


def _insert_row(connection: Connection, table: Table, number: int) -> dict[str, Any]:
    """Insert a row with a value in every column. Every id in it is `number`, so that rows refer to each other."""
    row = {column.name: _value_of(column, number) for column in table.columns}
    return dict(connection.execute(table.insert().values(row).returning(table)).mappings().one())


def _value_of(column: Column[Any], number: int) -> Any:
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, DateTime):
        return SOME_DAY + timedelta(hours=number)
    return number if isinstance(column.type, Float | Integer) else f"{column.name} {number}"


def _indexes(engine: Engine) -> set[tuple[Any, ...]]:
    """Return name, table, columns, uniqueness and condition of each index."""
    inspector = inspect(engine)
    where = f"{engine.dialect.name}_where"
    return {
        (index["name"], table, tuple(index["column_names"]), bool(index["unique"]), _condition(index, where))
        for table in inspector.get_table_names()
        if not table.startswith(("searchable", "alembic"))
        for index in inspector.get_indexes(table)
        if "duplicates_constraint" not in index
    }


def _condition(index: Any, where: str) -> str:
    return " ".join(str(index.get("dialect_options", {}).get(where, "")).split())
