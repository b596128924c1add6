"""Comments: said once, answered in threads, taken back; and nothing hostile comes of their words."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.database import reading, transaction
from core.models import comments, creations, notifications, people
from core.visibility import conceal
from gallery.social import comments as reads
from gallery.social.comments import thread_of
from gallery.social.saying import MOST_LINES, Words, say, words_of


@pytest.fixture
def ada(wall):
    return wall.person("ada", "Ada", member_since=now())


@pytest.fixture
def bob(wall):
    return wall.person("bob", "Bob", member_since=now())


@pytest.fixture
def creation_id(wall, ada):
    return wall.hang(person_id=ada)


@pytest.fixture
def send(client, sign_in, bob):
    token = sign_in(client, bob)

    def post(path, headers=None, **fields):
        return client.post(path, data={"token": token, **fields}, headers=headers or {}, follow_redirects=False)

    return post


@pytest.fixture
def said(engine, creation_id, bob):
    """Says something: `said("yes", under=5)`; returns its id."""

    def write(text, person_id=None, under=None, creation=None):
        found = say(engine, person_id or bob, creation or creation_id, Words(text, "", under))
        assert found is not None
        return found

    return write


def count_of(engine, creation_id):
    with reading(engine) as connection:
        counted = connection.execute(select(creations.c.comments).where(creations.c.id == creation_id)).scalar_one()
        there = select(comments).where(comments.c.creation_id == creation_id, comments.c.deleted_at.is_(None))
        assert counted == len(connection.execute(there).all())
    return counted


def told(engine):
    with reading(engine) as connection:
        return {(row.person_id, row.kind) for row in connection.execute(select(notifications))}


def shown(engine, creation_id, **asked):
    """What a page shows: (depth, text), with the places of those that are gone."""
    with reading(engine) as connection:
        return [(one.depth, one.text) for one in thread_of(connection, creation_id, **asked).comments]


# -- saying


def test_a_comment_hangs_under_the_picture_and_its_author_is_told(send, client, engine, creation_id, ada):
    answer = send(f"/c/{creation_id}/comments", text="  Very   blue  ", once="x")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/c/{creation_id}#comment-1")
    assert count_of(engine, creation_id) == 1
    assert told(engine) == {(ada, "commented")}
    page = client.get(f"/c/{creation_id}/comments")
    assert 'id="comment-1"' in page.text
    assert "Very blue" in page.text


def test_a_form_sent_twice_says_it_once(send, engine, creation_id):
    answers = [send(f"/c/{creation_id}/comments", text="blue", once="x") for _ in range(3)]
    assert {answer.headers["Location"] for answer in answers} == {f"/c/{creation_id}#comment-1"}
    assert count_of(engine, creation_id) == 1


def test_the_same_words_from_two_tabs_are_said_once_and_again_when_time_has_passed(send, engine, creation_id):
    for once in ("one tab", "another"):
        send(f"/c/{creation_id}/comments", text="blue", once=once)
    assert count_of(engine, creation_id) == 1
    with transaction(engine) as session:
        session.execute(update(comments).values(created_at=now() - timedelta(minutes=2)))
    send(f"/c/{creation_id}/comments", text="blue", once="a third")
    assert count_of(engine, creation_id) == 2


def test_who_goes_back_in_the_browser_and_says_something_else_says_more(send, engine, creation_id):
    for text in ("blue", "red"):
        send(f"/c/{creation_id}/comments", text=text, once="x")
    assert count_of(engine, creation_id) == 2


def test_nobody_can_take_the_sending_of_another(client, sign_in, send, engine, creation_id, wall):
    send(f"/c/{creation_id}/comments", text="blue", once="x")
    token = sign_in(client, wall.person("eve"))
    client.post(f"/c/{creation_id}/comments", data={"token": token, "text": "blue", "once": "x"})
    assert count_of(engine, creation_id) == 2


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "There are no words yet."),
        (" \n\u200b\u2800 ", "There are no words yet."),
        ("x" * 1001, "These are 1,001 characters"),
        ("x" * 30_000, "These are 30,000 characters"),
    ],
)
def test_what_is_not_taken_stays_in_its_field_with_the_reason_beside_it(send, engine, creation_id, typed, why):
    answer = send(f"/c/{creation_id}/comments", text=typed, once="my-once")
    assert answer.status_code == 422
    assert answer.context["thread"].draft.text == typed[:10_000]
    assert why in answer.context["thread"].draft.error
    assert 'aria-invalid="true"' in answer.text
    assert 'aria-describedby="text-error' in answer.text
    assert 'value="my-once"' in answer.text
    assert count_of(engine, creation_id) == 0


def test_unsafe_words_are_refused_in_plain_words_and_may_be_mended(send, engine, creation_id):
    answer = send(f"/c/{creation_id}/comments", text="looks like erotica", once="x")
    assert answer.status_code == 422
    assert "another way" in answer.context["thread"].draft.error
    assert ">\nlooks like erotica</textarea>" in answer.text
    assert count_of(engine, creation_id) == 0


def test_a_script_is_told_what_is_wrong(send, creation_id):
    answer = send(f"/c/{creation_id}/comments", {"Accept": "application/json"}, text="")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "text")


def test_a_few_lines_are_kept_and_many_are_not():
    assert words_of("one\r\n\r\n\r\n\r\ntwo\n three ") == "one\n\ntwo\nthree"
    many = words_of("\n".join(str(number) for number in range(100)))
    assert many.count("\n") == MOST_LINES - 1
    assert many.endswith("98 99")


def test_invisible_characters_are_dropped_and_emoji_and_right_to_left_stay():
    assert words_of("a\u202eb\x07c") == "abc"
    assert words_of("👩‍👩‍👧‍👦 شمس") == "👩‍👩‍👧‍👦 شمس"


def test_only_what_hangs_can_be_commented_on(send, wall, ada, engine, creation_id):
    waiting, deleted = wall.creation(person_id=ada), wall.hang(person_id=ada, deleted_at=now(), shown_at=None)
    for one, status in {waiting: 404, deleted: 410, 10**30: 404}.items():
        assert send(f"/c/{one}/comments", text="blue").status_code == status
    with transaction(engine) as session:
        conceal(session, creations.c.id == creation_id)
    assert send(f"/c/{creation_id}/comments", text="blue").status_code == 404
    assert say(engine, ada, creation_id, Words("blue", "")) is None


def test_a_protected_account_is_told_why_it_cannot_speak_here(send, engine, creation_id, bob):
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == bob).values(hidden_at=now()))
    answer = send(f"/c/{creation_id}/comments", text="blue")
    assert answer.status_code == 422
    assert "protected" in answer.context["thread"].draft.error


def test_a_stranger_is_sent_to_sign_in(client, creation_id, engine):
    answer = client.post(f"/c/{creation_id}/comments", data={"text": "blue"}, follow_redirects=False)
    assert answer.headers["Location"].startswith("/sign-in")
    assert count_of(engine, creation_id) == 0


def test_too_many_comments_in_a_minute_wait(send, creation_id):
    answers = [send(f"/c/{creation_id}/comments", text=f"no {number}") for number in range(35)]
    assert [answer.status_code for answer in answers[:30]] == [303] * 30
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"]


# -- threads


def test_answers_stand_under_what_they_answer_and_no_deeper_than_four(engine, creation_id, said):
    parent = None
    for depth in range(7):
        parent = said(f"level {depth}", under=parent)
    said("another root")
    depths = [depth for depth, _ in shown(engine, creation_id)]
    assert depths == [0, 1, 2, 3, 4, 4, 4, 0]


def test_threads_stand_oldest_first_with_their_answers(engine, creation_id, said):
    first, second = said("first"), said("second")
    late = said("to the second", under=second)
    said("to the first", under=first)
    said("to that", under=late)
    expected = [(0, "first"), (1, "to the first"), (0, "second"), (1, "to the second"), (2, "to that")]
    assert shown(engine, creation_id) == expected


def test_an_answer_is_told_to_whom_it_answers_and_to_the_painter_once_each(engine, creation_id, said, ada, bob, wall):
    root = said("what a blue", person_id=bob)
    said("thank you", person_id=ada, under=root)
    assert told(engine) == {(ada, "commented"), (bob, "answered")}
    said("indeed", person_id=wall.person("eve"), under=2)
    with reading(engine) as connection:
        kinds = connection.execute(select(notifications.c.kind).where(notifications.c.comment_id == 3)).scalars().all()
    assert kinds == ["answered"], "Ada painted it, and it is her comment: one notification"


def test_an_answer_to_a_comment_of_another_picture_or_one_that_is_gone_is_not_taken(send, wall, ada, creation_id, said):
    other = wall.hang(person_id=ada)
    elsewhere = said("elsewhere", creation=other)
    gone = said("gone")
    assert send(f"/c/{creation_id}/comments/{gone}/delete").status_code == 303
    for parent in (elsewhere, gone, 10**18):
        answer = send(f"/c/{creation_id}/comments", text="kept words", parent=parent)
        assert answer.status_code == 422
        assert "kept words" in answer.text


def test_a_page_holds_thirty_threads_and_leads_to_the_next(client, engine, creation_id, said):
    for number in range(reads.ROOTS + 2):
        said(f"no {number}")
    first = client.get(f"/c/{creation_id}/comments").context["thread"]
    assert len(first.comments) == reads.ROOTS
    rest = client.get(f"/c/{creation_id}/comments?after={first.newer}")
    assert [one.text for one in rest.context["thread"].comments] == ["no 30", "no 31"]
    assert rest.context["thread"].newer is None
    assert "From the beginning" in rest.text


def test_where_answers_are_too_many_each_thread_shows_some_and_a_link(client, engine, creation_id, said, monkeypatch):
    monkeypatch.setattr(reads, "ANSWERS", 6)
    monkeypatch.setattr(reads, "FEW", 2)
    long, short = said("long"), said("short")
    for number in range(8):
        said(f"answer {number}", under=long)
    said("one answer", under=short)
    page = client.get(f"/c/{creation_id}/comments")
    texts = [one.text for one in page.context["thread"].comments]
    assert texts == ["long", "answer 0", "answer 1", "short", "one answer"]
    assert f"?thread={long}#comments" in page.text
    answers = client.get(f"/c/{creation_id}/comments?thread={long}").context["thread"]
    assert [one.text for one in answers.comments] == [f"answer {number}" for number in range(8)]


def test_the_address_of_a_comment_leads_to_where_it_stands(client, engine, creation_id, said):
    ids = [said(f"no {number}") for number in range(reads.ROOTS + 1)]
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


def test_without_scripts_a_comment_is_answered_on_a_page_of_its_own(send, client, engine, creation_id, said):
    root = said("what a blue")
    page = client.get(f"/c/{creation_id}/comments?answer={root}")
    assert f'name="parent" value="{root}"' in page.text
    assert "You answer" in page.text
    once = re.search(r'name="once" value="([^"]+)"', page.text)[1]
    send(f"/c/{creation_id}/comments", text="indeed", parent=root, once=once)
    assert shown(engine, creation_id) == [(0, "what a blue"), (1, "indeed")]


def test_what_nobody_could_mean_by_an_address_is_not_found_or_the_beginning(client, creation_id, said):
    said("blue")
    assert client.get(f"/c/{creation_id}/comments?after=x&answer=-1").context["thread"].comments
    for query in ("?thread=77", f"?thread={10**18}"):
        assert client.get(f"/c/{creation_id}/comments{query}").status_code == 404
    assert client.get(f"/c/{creation_id}/comments?after={'9' * 5000}").status_code == 200


def test_a_page_of_comments_asks_as_often_however_many_there_are(client, creation_id, said, statements):
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


def test_who_said_it_and_who_painted_may_take_it_back_and_nobody_else(
    client, sign_in, send, engine, creation_id, said, ada, wall
):
    own, other, third = said("mine"), said("yours", person_id=wall.person("eve")), said("theirs", person_id=ada)
    path = f"/c/{creation_id}/comments"
    assert send(f"{path}/{own}/delete").status_code == 303
    assert send(f"{path}/{other}/delete").status_code == 403
    assert send(f"{path}/{third}/delete").status_code == 403
    assert count_of(engine, creation_id) == 2
    token = sign_in(client, ada)
    client.post(f"{path}/{other}/delete", data={"token": token})
    assert shown(engine, creation_id) == [(0, "theirs")]
    assert count_of(engine, creation_id) == 1


def test_taking_back_twice_counts_once_and_its_words_are_gone(send, engine, creation_id, said):
    one = said("blue")
    for _ in range(2):
        assert send(f"/c/{creation_id}/comments/{one}/delete").headers["Location"] == f"/c/{creation_id}#comments"
    assert count_of(engine, creation_id) == 0
    assert told(engine) == set(), "nor is anybody told of it any more"
    with reading(engine) as connection:
        assert connection.execute(select(comments.c.text)).scalar_one() == ""


def test_the_place_stays_while_others_answer_it(send, client, engine, creation_id, said, ada):
    root = said("mine")
    answer = said("an answer", person_id=ada, under=root)
    send(f"/c/{creation_id}/comments/{root}/delete")
    assert shown(engine, creation_id) == [(0, ""), (1, "an answer")]
    assert "This comment was taken back." in client.get(f"/c/{creation_id}/comments").text
    with transaction(engine) as session:
        session.execute(update(comments).where(comments.c.id == answer).values(deleted_at=now(), text=""))
    assert shown(engine, creation_id) == []


def test_a_comment_is_taken_back_only_under_its_own_picture(send, engine, wall, ada, creation_id, said):
    one = said("mine")
    other = wall.hang(person_id=ada)
    assert send(f"/c/{other}/comments/{one}/delete").status_code == 404
    assert send(f"/c/{creation_id}/comments/0/delete").status_code == 404
    assert count_of(engine, creation_id) == 1


def test_what_hidden_people_said_is_not_shown_and_keeps_its_place(client, engine, creation_id, said, wall, ada):
    eve = wall.person("eve", "Eve")
    root = said("secret words", person_id=eve)
    said("an answer", person_id=ada, under=root)
    said("more secret words", person_id=eve)
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == eve).values(hidden_at=now()))
    page = client.get(f"/c/{creation_id}/comments")
    assert shown(engine, creation_id) == [(0, ""), (1, "an answer")]
    assert "secret" not in page.text
    assert "This comment is not shown." in page.text


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
def test_hostile_words_are_shown_as_text(send, client, creation_id, hostile):
    send(f"/c/{creation_id}/comments", text=hostile, once="x")
    page = client.get(f"/c/{creation_id}/comments")
    assert html.escape(hostile, quote=False).replace('"', "&#34;") in page.text
    assert hostile not in page.text or "<" not in hostile
    assert 'href="http://evil' not in page.text
    refused = send(f"/c/{creation_id}/comments", text=hostile + "x" * 1000)
    assert hostile not in refused.text or "<" not in hostile


def test_a_nul_in_a_comment_is_no_matter(send, engine, creation_id):
    assert send(f"/c/{creation_id}/comments", text="a\0b", once="\0").status_code == 303
    assert count_of(engine, creation_id) == 1
