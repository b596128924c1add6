"""`@handle` in a comment: a link to a known user, whom it notifies once."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import read_connection, write_session
from core.models import notifications, people
from gallery.queries.mentions import MAX_MENTIONS, TextSegment, split_mentions
from gallery.services.comments import NewComment, add_comment, delete_comment
from gallery.services.mutes import mute_person
from gallery.views.creations import UserView
from tests.support.gallery_data import GalleryData

BOB = UserView(2, "Bob", "Bob")


@pytest.fixture
def bob(gallery_data: GalleryData) -> int:
    return gallery_data.person("Bob", "Bob", member_since=now())


@pytest.fixture
def cleo(gallery_data: GalleryData) -> int:
    return gallery_data.person("cleo", "Cleo", member_since=now())


def notified(engine: Engine) -> list[tuple[int, str]]:
    with read_connection(engine) as connection:
        rows = connection.execute(select(notifications).order_by(notifications.c.id))
        return [(row.person_id, row.kind) for row in rows]


def comment_html(client: TestClient, creation_id: int) -> str:
    found = re.search(r'<p class="comment__text" dir="auto">(.*?)</p>', client.get(f"/c/{creation_id}").text, re.S)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hi @bob!", [("hi ", ""), ("@bob", "/@Bob"), ("!", "")]),
        ("@BOB @bob", [("@BOB", "/@Bob"), (" ", ""), ("@bob", "/@Bob")]),
        ("mail bob@bob.example", [("mail bob@bob.example", "")]),
        ("@bobby and @nobody", [("@bobby and @nobody", "")]),
        ("＠bob と話す", [("＠bob", "/@Bob"), (" と話す", "")]),
    ],
)
def test_known_handles_are_split_off(text: str, parts: list[tuple[str, str]]) -> None:
    assert split_mentions(text, {"bob": BOB}) == [TextSegment(*part) for part in parts]


def test_mentions_are_links_and_notify_once(
    client: TestClient, engine: Engine, gallery_data: GalleryData, ada: int, bob: int, cleo: int
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    comment_id = add_comment(engine, cleo, creation_id, NewComment("<b>@bob</b> @Bob @ada @cleo @nobody", ""))
    assert notified(engine) == [(ada, "commented"), (bob, "mentioned")]
    assert comment_html(client, creation_id) == (
        '&lt;b&gt;<a href="/@Bob">@bob</a>&lt;/b&gt; <a href="/@Bob">@Bob</a> <a href="/@ada">@ada</a>'
        ' <a href="/@cleo">@cleo</a> @nobody'
    )
    assert comment_id is not None and delete_comment(engine, cleo, creation_id, comment_id)
    assert notified(engine) == []


def test_the_page_says_who_mentioned_the_member(
    client: TestClient,
    sign_in: Callable[[TestClient, int], str],
    engine: Engine,
    gallery_data: GalleryData,
    ada: int,
    bob: int,
    cleo: int,
) -> None:
    creation_id = gallery_data.publish(person_id=ada, prompt="a cat")
    add_comment(engine, cleo, creation_id, NewComment("look, @bob", ""))
    sign_in(client, bob)
    text = " ".join(re.sub("<[^>]+>", " ", client.get("/me/notifications").text).split())
    assert "Cleo mentioned you on a cat" in text
    assert "look, @bob" in text


def test_muted_and_hidden_people_cause_nothing(
    client: TestClient, engine: Engine, gallery_data: GalleryData, ada: int, bob: int, cleo: int
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    mute_person(engine, bob, cleo)
    add_comment(engine, cleo, creation_id, NewComment("@bob", ""))
    assert notified(engine) == [(ada, "commented")]
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == bob).values(hidden_at=now()))
    assert comment_html(client, creation_id) == "@bob"


def test_one_comment_notifies_a_few(engine: Engine, gallery_data: GalleryData, ada: int, cleo: int) -> None:
    names = [f"user{number}" for number in range(MAX_MENTIONS + 5)]
    for number, name in enumerate(names):
        gallery_data.person(name, id=5000 + number, member_since=now())
    creation_id = gallery_data.publish(person_id=cleo)
    add_comment(engine, ada, creation_id, NewComment(" ".join(f"@{name}" for name in names), ""))
    assert sum(kind == "mentioned" for _, kind in notified(engine)) == MAX_MENTIONS


def test_comments_without_mentions_need_no_query(
    client: TestClient, engine: Engine, gallery_data: GalleryData, ada: int, statements: list[str]
) -> None:
    creation_id = gallery_data.publish(person_id=ada)
    add_comment(engine, ada, creation_id, NewComment("so blue", ""))
    statements.clear()
    client.get(f"/c/{creation_id}")
    plain = len(statements)
    add_comment(engine, ada, creation_id, NewComment("@nobody", ""))
    statements.clear()
    client.get(f"/c/{creation_id}")
    assert len(statements) == plain + 1
