"""What a member mutes stays out of feeds, search, comments and notifications of that member alone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from core.clock import now
from core.database import read_connection, write_session
from core.deletion import erase_user
from core.models import NotificationKind, follows, mutes, notifications
from core.mutes import MAX_MUTES
from core.notifications import notify
from core.search_index import add
from gallery.services.comments import NewComment, add_comment
from gallery.services.follows import follow
from gallery.services.likes import like
from gallery.services.mutes import MuteRejected, mute_person, mute_topic, unmute_person
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context


@pytest.fixture
def bob(gallery_data: GalleryData) -> int:
    return gallery_data.person("bob", "Bob")


@pytest.fixture
def send(send_as: Callable[[int], Callable[..., Any]], ada: int) -> Callable[..., Any]:
    """Return a function that sends forms as Ada, who is signed in with `client`."""
    return send_as(ada)


def prompts(client: TestClient, path: str) -> list[str]:
    return [creation.prompt for creation in page_context(client.get(path))["page"].creations]


def test_feeds_and_search_leave_out_a_muted_person(
    client: TestClient, send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int, bob: int
) -> None:
    cleo = gallery_data.person("cleo", "Cleo")
    published = {
        gallery_data.publish(person_id=who, prompt=f"a fox by {who}", likes=1, published_at=now()): f"a fox by {who}"
        for who in (ada, bob, cleo)
    }
    with write_session(engine) as session:
        add(session, published.items())
    for other in (bob, cleo):
        follow(engine, ada, other)
    paths = {"/": [cleo, ada], "/top": [cleo, ada], "/following": [cleo], "/search?q=fox": [cleo, ada]}
    assert len(prompts(client, "/")) == 3
    assert send("/@bob/mute").headers["Location"] == "/@bob"
    for path, shown in paths.items():
        assert prompts(client, path) == [f"a fox by {who}" for who in shown], path
    assert prompts(client, "/@bob") == [f"a fox by {bob}"]
    assert "You muted" in client.get("/@bob").text
    client.cookies.clear()
    assert len(prompts(client, "/")) == 3


def test_a_page_reads_on_until_it_is_half_full_and_misses_nothing(
    client: TestClient, send: Callable[..., Any], gallery_data: GalleryData, ada: int, bob: int, engine: Engine
) -> None:
    names = [f"a {'dog' if number % 4 else 'cat'} {number}" for number in range(4 * PAGE_SIZE)]
    for name in names:
        gallery_data.publish(person_id=bob, prompt=name)
    mute_topic(engine, ada, "dogs")
    seen, path = list[str](), "/"
    for _ in range(4):
        page = page_context(client.get(path))["page"]
        seen += [creation.prompt for creation in page.creations]
        path = f"/?cursor={page.older}"
        if page.older is None:
            break
    assert seen == [name for name in reversed(names) if "cat" in name]


def test_comments_and_notifications_of_muted_people_are_hidden(
    client: TestClient, send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int, bob: int
) -> None:
    own = gallery_data.publish(person_id=ada, prompt="a cat")
    first = add_comment(engine, bob, own, NewComment("said before", ""))
    add_comment(engine, ada, own, NewComment("an answer", "", first))
    assert "said before" in client.get(f"/c/{own}").text
    mute_person(engine, ada, bob)
    add_comment(engine, bob, own, NewComment("said after", ""))
    like(engine, bob, own)
    for path in (f"/c/{own}", f"/c/{own}/comments", "/me/notifications"):
        text = client.get(path).text
        assert "said before" not in text and "said after" not in text, path
    assert "Comment hidden." in client.get(f"/c/{own}").text
    with read_connection(engine) as connection:
        rows = connection.execute(select(notifications)).all()
    assert [(row.kind, row.read_at is not None) for row in rows] == [("commented", True)]
    unmute_person(engine, ada, bob)
    assert "said after" in client.get(f"/c/{own}").text


def test_muted_topics_cause_no_notification(engine: Engine, gallery_data: GalleryData, ada: int, bob: int) -> None:
    own = gallery_data.publish(person_id=ada, prompt="a cat")
    mute_topic(engine, ada, "blue")
    add_comment(engine, bob, own, NewComment("so Blue!", ""))
    remix = gallery_data.publish(person_id=bob, prompt="a blue cat", parent_id=own)
    with write_session(engine) as session:
        details = {"actor_id": bob, "creation_id": remix}
        assert not notify(session, ada, NotificationKind.REMIXED, key="remixed", **details)
    like(engine, bob, gallery_data.publish(person_id=ada, prompt="my own blue cat"))
    with read_connection(engine) as connection:
        assert [row.kind for row in connection.execute(select(notifications))] == ["liked"]


def test_the_list_takes_words_styles_and_handles(
    client: TestClient, send: Callable[..., Any], engine: Engine, bob: int
) -> None:
    for typed in ("Red  Fox", "red fox", "style:ink", "@Bob", "@bob"):
        assert send("/me/mutes", topic=typed).headers["Location"] == "/me/mutes?done=added"
    page = client.get("/me/mutes")
    shown = page_context(page)["mutes"]
    assert [(mute.topic, mute.style, mute.person and mute.person.id) for mute in shown] == [
        ("", "", bob),
        ("style:ink", "ink", None),
        ("red fox", "", None),
    ]
    for mute in shown:
        assert send("/me/mutes/remove", mute=mute.id).headers["Location"] == "/me/mutes?done=removed"
    assert send("/me/mutes/remove", mute=shown[0].id).status_code == 404
    assert page_context(client.get("/me/mutes"))["mutes"] == []


@pytest.mark.parametrize("typed", ["", "…", "@nobody_here", "@ada", "x" * 101, "a\u202eb" * 50])
def test_what_cannot_be_muted_is_said(send: Callable[..., Any], engine: Engine, typed: str) -> None:
    answer = send("/me/mutes", topic=typed)
    assert answer.status_code == 422
    assert re.search(r'class="field__error" id="topic-error">[^<]+<', answer.text)
    with read_connection(engine) as connection:
        assert connection.execute(select(mutes)).all() == []


def test_mutes_of_others_cannot_be_removed(send: Callable[..., Any], engine: Engine, ada: int, bob: int) -> None:
    mute_person(engine, bob, ada)
    assert send("/me/mutes/remove", mute=1).status_code == 404
    send("/@bob/unmute")
    with read_connection(engine) as connection:
        assert len(connection.execute(select(mutes)).all()) == 1


def test_the_list_has_a_limit(engine: Engine, ada: int) -> None:
    with write_session(engine) as session:
        rows = [{"person_id": ada, "topic": f"word{number}", "at": now()} for number in range(MAX_MUTES)]
        session.execute(mutes.insert(), rows)
    with pytest.raises(MuteRejected, match="the most you can"):
        mute_topic(engine, ada, "one more")


def test_mutes_are_exported_and_erased_in_both_directions(
    client: TestClient, send: Callable[..., Any], engine: Engine, ada: int, bob: int
) -> None:
    mute_person(engine, ada, bob)
    mute_topic(engine, ada, "fox")
    mute_person(engine, bob, ada)
    exported = client.get("/me/data.json").json()["mutes"]
    assert [(row["muted_person_id"], row["topic"]) for row in exported] == [(str(bob), None), (None, "fox")]
    erase_user(engine, bob)
    with read_connection(engine) as connection:
        assert [(row.person_id, row.topic) for row in connection.execute(select(mutes))] == [(ada, "fox")]
        assert connection.execute(select(follows)).all() == []


def test_members_without_mutes_ask_nothing_more(
    client: TestClient, send: Callable[..., Any], engine: Engine, ada: int, statements: list[str]
) -> None:
    client.get("/")
    assert [statement for statement in statements if "FROM mute \n" in statement and "EXISTS" not in statement] == []
    mute_topic(engine, ada, "fox")
    statements.clear()
    client.get("/")
    assert sum("FROM mute \nWHERE mute.person_id IN" in statement for statement in statements) <= 3
