"""Comments: added once, answered in threads, deleted, and escaped."""

import html
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core import social_cleanup
from core.clock import now
from core.database import read_connection, write_session
from core.models import comments, creations, notifications, people
from core.publishing import unpublish
from gallery.queries import comments as reads
from gallery.queries.comments import load_thread
from gallery.services.comments import MAX_LINES, NewComment, add_comment, parse_comment
from tests.support.gallery_data import GalleryData
from tests.support.pages import find_match, page_context


@pytest.fixture
def bob(gallery_data: GalleryData) -> int:
    return gallery_data.person("bob", "Bob", member_since=now())


@pytest.fixture
def creation_id(gallery_data: GalleryData, ada: int) -> int:
    return gallery_data.publish(person_id=ada)


@pytest.fixture
def send(client: TestClient, sign_in: Callable[[TestClient, int], str], bob: int) -> Callable[..., Any]:
    token = sign_in(client, bob)

    def post(path: str, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        return client.post(path, data={"token": token, **fields}, headers=headers or {}, follow_redirects=False)

    return post


@pytest.fixture
def said(engine: Engine, creation_id: int, bob: int) -> Any:
    """Add a comment and return its id: `said("yes", under=5)`."""

    def write(text: str, person_id: int | None = None, under: Any = None, creation: Any = None) -> Any:
        found = add_comment(engine, person_id or bob, creation or creation_id, NewComment(text, "", under))
        assert found is not None
        return found

    return write


def count_of(engine: Engine, creation_id: int) -> Any:
    with read_connection(engine) as connection:
        counted = connection.execute(select(creations.c.comments).where(creations.c.id == creation_id)).scalar_one()
        there = select(comments).where(comments.c.creation_id == creation_id, comments.c.deleted_at.is_(None))
        assert counted == len(connection.execute(there).all())
    return counted


def notification_rows(engine: Engine) -> Any:
    with read_connection(engine) as connection:
        return {(row.person_id, row.kind) for row in connection.execute(select(notifications))}


def shown(engine: Engine, creation_id: int, **asked: Any) -> Any:
    """Return the comments of a page as (depth, text), including deleted ones that keep their place."""
    with read_connection(engine) as connection:
        return [(one.depth, one.text) for one in load_thread(connection, creation_id, **asked).comments]


# -- saying


def test_comment_is_shown_and_notifies_the_author(
    send: Callable[..., Any], client: TestClient, engine: Engine, creation_id: int, ada: int
) -> None:
    answer = send(f"/c/{creation_id}/comments", text="  Very   blue  ", idempotency_key="x")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/c/{creation_id}#comment-1")
    assert count_of(engine, creation_id) == 1
    assert notification_rows(engine) == {(ada, "commented")}
    page = client.get(f"/c/{creation_id}/comments")
    assert 'id="comment-1"' in page.text
    assert "Very blue" in page.text


def test_form_sent_twice_adds_one_comment(send: Callable[..., Any], engine: Engine, creation_id: int) -> None:
    answers = [send(f"/c/{creation_id}/comments", text="blue", idempotency_key="x") for _ in range(3)]
    assert {answer.headers["Location"] for answer in answers} == {f"/c/{creation_id}#comment-1"}
    assert count_of(engine, creation_id) == 1


def test_same_text_from_two_tabs_is_one_comment_until_the_window_ends(
    send: Callable[..., Any], engine: Engine, creation_id: int
) -> None:
    for once in ("one tab", "another"):
        send(f"/c/{creation_id}/comments", text="blue", idempotency_key=once)
    assert count_of(engine, creation_id) == 1
    with write_session(engine) as session:
        session.execute(update(comments).values(created_at=now() - timedelta(minutes=2)))
    send(f"/c/{creation_id}/comments", text="blue", idempotency_key="a third")
    assert count_of(engine, creation_id) == 2


def test_other_text_from_the_same_page_is_another_comment(
    send: Callable[..., Any], engine: Engine, creation_id: int
) -> None:
    for text in ("blue", "red"):
        send(f"/c/{creation_id}/comments", text=text, idempotency_key="x")
    assert count_of(engine, creation_id) == 2


def test_idempotency_key_of_another_user_has_no_effect(
    client: TestClient,
    sign_in: Callable[[TestClient, int], str],
    send: Callable[..., Any],
    engine: Engine,
    creation_id: int,
    gallery_data: GalleryData,
) -> None:
    send(f"/c/{creation_id}/comments", text="blue", idempotency_key="x")
    token = sign_in(client, gallery_data.person("eve"))
    client.post(f"/c/{creation_id}/comments", data={"token": token, "text": "blue", "idempotency_key": "x"})
    assert count_of(engine, creation_id) == 2


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "Write something first."),
        (" \n\u200b\u2800 ", "Write something first."),
        ("x" * 1001, "1 character over the 1,000 limit"),
        ("x" * 30_000, "29,000 characters over"),
    ],
)
def test_rejected_comment_shows_its_error_and_keeps_the_input(
    send: Callable[..., Any], engine: Engine, creation_id: int, typed: Any, why: Any
) -> None:
    answer = send(f"/c/{creation_id}/comments", text=typed, idempotency_key="my-once")
    assert answer.status_code == 422
    assert page_context(answer)["thread"].draft.text == typed[:10_000]
    assert why in page_context(answer)["thread"].draft.error
    assert 'aria-invalid="true"' in answer.text
    assert 'aria-describedby="text-error' in answer.text
    assert 'value="my-once"' in answer.text
    assert count_of(engine, creation_id) == 0


def test_unsafe_comment_is_rejected_and_can_be_edited(
    send: Callable[..., Any], engine: Engine, creation_id: int
) -> None:
    answer = send(f"/c/{creation_id}/comments", text="looks like erotica", idempotency_key="x")
    assert answer.status_code == 422
    assert "allowed here" in page_context(answer)["thread"].draft.error
    assert ">\nlooks like erotica</textarea>" in answer.text
    assert count_of(engine, creation_id) == 0


def test_json_client_gets_the_errors(send: Callable[..., Any], creation_id: int) -> None:
    answer = send(f"/c/{creation_id}/comments", {"Accept": "application/json"}, text="")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "text")


def test_lines_beyond_the_limit_are_joined() -> None:
    assert parse_comment("one\r\n\r\n\r\n\r\ntwo\n three ") == "one\n\ntwo\nthree"
    many = parse_comment("\n".join(str(number) for number in range(100)))
    assert many.count("\n") == MAX_LINES - 1
    assert many.endswith("98 99")


def test_invisible_characters_are_removed_and_emoji_and_right_to_left_text_stay() -> None:
    assert parse_comment("a\u202eb\x07c") == "abc"
    assert parse_comment("👩‍👩‍👧‍👦 شمس") == "👩‍👩‍👧‍👦 شمس"


def test_only_public_creations_can_be_commented_on(
    send: Callable[..., Any], gallery_data: GalleryData, ada: int, engine: Engine, creation_id: int
) -> None:
    waiting, deleted = (
        gallery_data.creation(person_id=ada),
        gallery_data.publish(person_id=ada, deleted_at=now(), published_at=None),
    )
    for one, status in {waiting: 404, deleted: 410, 10**30: 404}.items():
        assert send(f"/c/{one}/comments", text="blue").status_code == status
    with write_session(engine) as session:
        unpublish(session, creations.c.id == creation_id)
    assert send(f"/c/{creation_id}/comments", text="blue").status_code == 404
    assert add_comment(engine, ada, creation_id, NewComment("blue", "")) is None


def test_protected_user_sees_why_they_cannot_comment(
    send: Callable[..., Any], engine: Engine, creation_id: int, bob: int
) -> None:
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == bob).values(hidden_at=now()))
    answer = send(f"/c/{creation_id}/comments", text="blue")
    assert answer.status_code == 422
    assert "protected" in page_context(answer)["thread"].draft.error


def test_anonymous_user_is_redirected_to_sign_in(client: TestClient, creation_id: int, engine: Engine) -> None:
    answer = client.post(f"/c/{creation_id}/comments", data={"text": "blue"}, follow_redirects=False)
    assert answer.headers["Location"].startswith("/sign-in")
    assert count_of(engine, creation_id) == 0


def test_comments_are_rate_limited(send: Callable[..., Any], creation_id: int) -> None:
    answers = [send(f"/c/{creation_id}/comments", text=f"no {number}") for number in range(35)]
    assert [answer.status_code for answer in answers[:30]] == [303] * 30
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"]


# -- threads


def test_replies_are_nested_up_to_four_levels(engine: Engine, creation_id: int, said: Any) -> None:
    parent = None
    for depth in range(7):
        parent = said(f"level {depth}", under=parent)
    said("another root")
    depths = [depth for depth, _ in shown(engine, creation_id)]
    assert depths == [0, 1, 2, 3, 4, 4, 4, 0]


def test_threads_are_sorted_oldest_first(engine: Engine, creation_id: int, said: Any) -> None:
    first, second = said("first"), said("second")
    late = said("to the second", under=second)
    said("to the first", under=first)
    said("to that", under=late)
    expected = [(0, "first"), (1, "to the first"), (0, "second"), (1, "to the second"), (2, "to that")]
    assert shown(engine, creation_id) == expected


def test_a_reply_notifies_both_authors_once_each(
    engine: Engine, creation_id: int, said: Any, ada: int, bob: int, gallery_data: GalleryData
) -> None:
    root = said("what a blue", person_id=bob)
    said("thank you", person_id=ada, under=root)
    assert notification_rows(engine) == {(ada, "commented"), (bob, "answered")}
    said("indeed", person_id=gallery_data.person("eve"), under=2)
    with read_connection(engine) as connection:
        kinds = connection.execute(select(notifications.c.kind).where(notifications.c.comment_id == 3)).scalars().all()
    assert kinds == ["answered"], "Ada painted it, and it is her comment: one notification"


def test_reply_to_a_comment_elsewhere_or_deleted_is_rejected(
    send: Callable[..., Any], gallery_data: GalleryData, ada: int, creation_id: int, said: Any
) -> None:
    other = gallery_data.publish(person_id=ada)
    elsewhere = said("elsewhere", creation=other)
    gone = said("gone")
    assert send(f"/c/{creation_id}/comments/{gone}/delete").status_code == 303
    for parent in (elsewhere, gone, 10**18):
        answer = send(f"/c/{creation_id}/comments", text="kept words", parent=parent)
        assert answer.status_code == 422
        assert "kept words" in answer.text


def test_page_has_thirty_threads_and_a_link_to_the_next(
    client: TestClient, engine: Engine, creation_id: int, said: Any
) -> None:
    for number in range(reads.MAX_ROOTS + 2):
        said(f"no {number}")
    first = page_context(client.get(f"/c/{creation_id}/comments"))["thread"]
    assert len(first.comments) == reads.MAX_ROOTS
    rest = client.get(f"/c/{creation_id}/comments?after={first.newer}")
    assert [one.text for one in page_context(rest)["thread"].comments] == ["no 30", "no 31"]
    assert page_context(rest)["thread"].newer is None
    assert "First comments" in rest.text


def test_with_too_many_replies_each_thread_shows_some_and_a_link(
    client: TestClient, engine: Engine, creation_id: int, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "MAX_REPLIES", 6)
    monkeypatch.setattr(reads, "MAX_REPLIES_EACH", 2)
    long, short = said("long"), said("short")
    for number in range(8):
        said(f"answer {number}", under=long)
    said("one answer", under=short)
    page = client.get(f"/c/{creation_id}/comments")
    texts = [one.text for one in page_context(page)["thread"].comments]
    assert texts == ["long", "answer 0", "answer 1", "short", "one answer"]
    assert f"?thread={long}#comments" in page.text
    answers = page_context(client.get(f"/c/{creation_id}/comments?thread={long}"))["thread"]
    assert [one.text for one in answers.comments] == [f"answer {number}" for number in range(8)]


def test_comment_url_leads_to_the_comment(client: TestClient, engine: Engine, creation_id: int, said: Any) -> None:
    ids = [said(f"no {number}") for number in range(reads.MAX_ROOTS + 1)]
    answer = said("an answer", under=ids[-1])
    places = {
        ids[0]: f"/c/{creation_id}#comment-{ids[0]}",
        ids[-1]: f"/c/{creation_id}/comments?after={ids[-1] - 1}#comment-{ids[-1]}",
        answer: f"/c/{creation_id}/comments?thread={ids[-1]}&after={answer - 1}#comment-{answer}",
    }
    for one, place in places.items():
        response = client.get(f"/c/{creation_id}/comments/{one}", follow_redirects=False)
        assert response.headers["Location"] == place
        assert f'id="comment-{one}"' in client.get(place).text
    assert client.get(f"/c/{creation_id}/comments/999999").status_code == 404


def test_reply_has_its_own_page_without_scripts(
    send: Callable[..., Any], client: TestClient, engine: Engine, creation_id: int, said: Any
) -> None:
    root = said("what a blue")
    page = client.get(f"/c/{creation_id}/comments?reply_to={root}")
    assert f'name="parent" value="{root}"' in page.text
    assert "Replying to" in page.text
    once = find_match(r'name="idempotency_key" value="([^"]+)"', page.text)[1]
    send(f"/c/{creation_id}/comments", text="indeed", parent=root, idempotency_key=once)
    assert shown(engine, creation_id) == [(0, "what a blue"), (1, "indeed")]


def test_malformed_parameters_are_not_found_or_ignored(client: TestClient, creation_id: int, said: Any) -> None:
    said("blue")
    assert page_context(client.get(f"/c/{creation_id}/comments?after=x&reply_to=-1"))["thread"].comments
    for query in ("?thread=77", f"?thread={10**18}"):
        assert client.get(f"/c/{creation_id}/comments{query}").status_code == 404
    assert client.get(f"/c/{creation_id}/comments?after={'9' * 5000}").status_code == 200


def test_number_of_statements_does_not_grow_with_comments(
    client: TestClient, creation_id: int, said: Any, statements: list[str]
) -> None:
    root = said("one")
    statements.clear()
    client.get(f"/c/{creation_id}/comments")
    few = len(statements)
    for number in range(20):
        said(f"to {number}", under=root)
    statements.clear()
    client.get(f"/c/{creation_id}/comments")
    assert len(statements) == few


# -- taking back


def test_only_the_authors_of_comment_and_creation_can_delete_a_comment(
    client: TestClient,
    sign_in: Callable[[TestClient, int], str],
    send: Callable[..., Any],
    engine: Engine,
    creation_id: int,
    said: Any,
    ada: int,
    gallery_data: GalleryData,
) -> None:
    own, other, third = said("mine"), said("yours", person_id=gallery_data.person("eve")), said("theirs", person_id=ada)
    path = f"/c/{creation_id}/comments"
    assert send(f"{path}/{own}/delete").status_code == 303
    assert send(f"{path}/{other}/delete").status_code == 403
    assert send(f"{path}/{third}/delete").status_code == 403
    assert count_of(engine, creation_id) == 2
    token = sign_in(client, ada)
    client.post(f"{path}/{other}/delete", data={"token": token})
    assert shown(engine, creation_id) == [(0, "theirs")]
    assert count_of(engine, creation_id) == 1


def test_deleting_a_comment_twice_counts_once_and_deletes_its_text(
    send: Callable[..., Any], engine: Engine, creation_id: int, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = said("blue")
    for _ in range(2):
        assert send(f"/c/{creation_id}/comments/{one}/delete").headers["Location"] == f"/c/{creation_id}#comments"
    assert count_of(engine, creation_id) == 0
    assert notification_rows(engine) == set(), "its notifications are deleted, too"
    monkeypatch.setattr(social_cleanup, "RESTORE_WINDOW", timedelta(0))
    with write_session(engine) as session:
        assert social_cleanup.clear_deleted_comments(session) == 1
    with read_connection(engine) as connection:
        assert connection.execute(select(comments.c.text)).scalar_one() == ""


def test_deleted_comment_with_replies_keeps_its_place(
    send: Callable[..., Any], client: TestClient, engine: Engine, creation_id: int, said: Any, ada: int
) -> None:
    root = said("mine")
    answer = said("an answer", person_id=ada, under=root)
    send(f"/c/{creation_id}/comments/{root}/delete")
    assert shown(engine, creation_id) == [(0, ""), (1, "an answer")]
    assert "Comment deleted." in client.get(f"/c/{creation_id}/comments").text
    with write_session(engine) as session:
        session.execute(update(comments).where(comments.c.id == answer).values(deleted_at=now(), text=""))
    assert shown(engine, creation_id) == []


def test_comment_is_deleted_only_under_its_own_creation(
    send: Callable[..., Any], engine: Engine, gallery_data: GalleryData, ada: int, creation_id: int, said: Any
) -> None:
    one = said("mine")
    other = gallery_data.publish(person_id=ada)
    assert send(f"/c/{other}/comments/{one}/delete").status_code == 404
    assert send(f"/c/{creation_id}/comments/0/delete").status_code == 404
    assert count_of(engine, creation_id) == 1


def test_comment_of_a_hidden_user_is_hidden_and_keeps_its_place(
    client: TestClient, engine: Engine, creation_id: int, said: Any, gallery_data: GalleryData, ada: int
) -> None:
    eve = gallery_data.person("eve", "Eve")
    root = said("secret words", person_id=eve)
    said("an answer", person_id=ada, under=root)
    said("more secret words", person_id=eve)
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == eve).values(hidden_at=now()))
    page = client.get(f"/c/{creation_id}/comments")
    assert shown(engine, creation_id) == [(0, ""), (1, "an answer")]
    assert "secret" not in page.text
    assert "Comment hidden." in page.text


# -- words of all kinds


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7*7 }}",
        "</textarea><b>",
        "http://evil.example",
    ],
)
def test_hostile_comment_is_escaped(
    send: Callable[..., Any], client: TestClient, creation_id: int, hostile: Any
) -> None:
    send(f"/c/{creation_id}/comments", text=hostile, idempotency_key="x")
    page = client.get(f"/c/{creation_id}/comments")
    assert html.escape(hostile, quote=False).replace('"', "&#34;") in page.text
    assert hostile not in page.text or "<" not in hostile
    assert 'href="http://evil' not in page.text
    refused = send(f"/c/{creation_id}/comments", text=hostile + "x" * 1000)
    assert hostile not in refused.text or "<" not in hostile


def test_comment_may_contain_nul(send: Callable[..., Any], engine: Engine, creation_id: int) -> None:
    assert send(f"/c/{creation_id}/comments", text="a\0b", idempotency_key="\0").status_code == 303
    assert count_of(engine, creation_id) == 1
