"""Reports: somebody says that something should not hang here, and the host sees it."""

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.database import transaction
from core.models import Comment, comments, reports
from gallery.creation import reports as reporting


def rows(engine):
    with engine.connect() as connection:
        return connection.execute(select(reports).order_by(reports.c.id)).all()


def comment_on(engine, creation_id, person_id, text="foul words"):
    with transaction(engine) as session:
        row = Comment(creation_id=creation_id, person_id=person_id, text=text)
        session.add(row)
        session.flush()
        return row.id


def test_the_page_of_a_creation_leads_to_the_form(client, wall):
    creation_id = wall.hang(prompt="a lighthouse")
    assert f'href="/c/{creation_id}/report"' in client.get(f"/c/{creation_id}").text
    html = client.get(f"/c/{creation_id}/report").text
    assert "a lighthouse" in html
    assert html.count('type="radio"') == len(reporting.REASONS)


def test_a_stranger_reports_and_is_thanked(client, engine, wall):
    creation_id = wall.hang()
    response = client.post(f"/c/{creation_id}/report", data={"reason": "spam", "words": " look \0 there "})
    assert response.status_code == 200
    assert response.url.path == f"/c/{creation_id}/report"
    assert "Thank you." in response.text
    [row] = rows(engine)
    assert (row.creation_id, row.comment_id, row.person_id) == (creation_id, None, None)
    assert (row.reason, row.words, row.handled_at) == ("spam", "look \ufffd there", None)
    assert "testclient" not in row.key


def test_a_member_reports_under_their_name(client, engine, wall, sign_in):
    creation_id, grace = wall.hang(), wall.person("grace")
    token = sign_in(client, grace)
    client.post(f"/c/{creation_id}/report", data={"reason": "hateful", "token": token})
    assert [row.person_id for row in rows(engine)] == [grace]


def test_a_members_form_needs_their_token(client, engine, wall, sign_in):
    sign_in(client, wall.person("grace"))
    assert client.post(f"/c/{wall.hang()}/report", data={"reason": "spam"}).status_code == 403
    assert rows(engine) == []


@pytest.mark.parametrize("member", [True, False])
def test_twice_is_once(client, engine, wall, sign_in, member):
    creation_id, other = wall.hang(), wall.hang()
    token = sign_in(client, wall.person("grace")) if member else ""
    for reason in ("spam", "spam", "hateful"):
        client.post(f"/c/{creation_id}/report", data={"reason": reason, "token": token})
    client.post(f"/c/{other}/report", data={"reason": "spam", "token": token})
    assert [(row.creation_id, row.reason) for row in rows(engine)] == [(creation_id, "spam"), (other, "spam")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose what is wrong with it."),
        ({"reason": "nonsense"}, "Choose what is wrong with it."),
        ({"reason": "other", "words": " "}, "Say in a few words what is wrong with it."),
        ({"reason": "spam", "words": "x" * 1001}, "That is 1,001 characters; the host reads 1,000."),
    ],
)
def test_what_is_wrong_is_told_beside_the_field_and_what_was_typed_stays(client, engine, wall, data, words):
    response = client.post(f"/c/{wall.hang()}/report", data={"words": "<b>my words</b>", **data})
    assert response.status_code == 422
    assert words in response.text
    assert ("&lt;b&gt;my words" in response.text) == ("words" not in data)
    assert rows(engine) == []


def test_a_comment_is_reported_the_same_way(client, engine, wall):
    creation_id, grace = wall.hang(), wall.person("grace")
    comment_id = comment_on(engine, creation_id, grace)
    assert "foul words" in client.get(f"/c/{creation_id}/report?comment={comment_id}").text
    client.post(f"/c/{creation_id}/report", data={"reason": "hateful", "comment": comment_id})
    client.post(f"/c/{creation_id}/report", data={"reason": "hateful"})
    assert [row.comment_id for row in rows(engine)] == [comment_id, None]


def test_a_comment_that_is_not_there_cannot_be_reported(client, engine, wall):
    creation_id, other = wall.hang(), wall.hang()
    comment_id = comment_on(engine, other, wall.person("grace"))
    for number in (comment_id, 999, "x", "-1", "9" * 5000):
        assert client.get(f"/c/{creation_id}/report", params={"comment": number}).status_code == 404
        data = {"reason": "spam", "comment": number}
        assert client.post(f"/c/{creation_id}/report", data=data).status_code == 404
    with transaction(engine) as session:
        session.execute(update(comments).values(deleted_at=now()))
    assert client.get(f"/c/{other}/report?comment={comment_id}").status_code == 404
    assert rows(engine) == []


@pytest.mark.parametrize("out_of_sight", ["hidden_at", "banned_at"])
def test_words_of_somebody_out_of_sight_are_not_in_the_form_either(client, engine, wall, out_of_sight):
    creation_id = wall.hang()
    comment_id = comment_on(engine, creation_id, wall.person("eve", **{out_of_sight: now()}))
    answer = client.get(f"/c/{creation_id}/report?comment={comment_id}")
    assert answer.status_code == 404
    assert "foul words" not in answer.text


def test_what_hangs_no_more_or_never_did_cannot_be_reported(client, engine, wall):
    gone = wall.hang(deleted_at=now(), shown_at=None)
    hidden = wall.hang(hidden_at=now(), shown_at=None)
    for creation_id, status in ((gone, 410), (hidden, 404), (999, 404)):
        assert client.get(f"/c/{creation_id}/report").status_code == status
        assert client.post(f"/c/{creation_id}/report", data={"reason": "spam"}).status_code == status
    assert rows(engine) == []


def test_a_script_is_answered_in_json(client, wall):
    answer = client.post(f"/c/{wall.hang()}/report", data={"reason": "spam"}, headers={"Accept": "application/json"})
    assert answer.json() == {"reported": True}


def test_who_reports_everything_is_stopped_for_a_while(client, engine, wall):
    answers = [client.post(f"/c/{wall.hang()}/report", data={"reason": "spam"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert len(rows(engine)) == 5


def test_of_one_creation_no_more_are_kept_than_the_host_needs(engine, wall):
    creation_id = wall.hang()
    draft = reporting.Draft("spam")
    for number in range(reporting.MOST_OPEN + 5):
        reporting.write(engine, f"stranger{number}", draft, creation_id=creation_id, comment_id=None, person_id=None)
    assert len(rows(engine)) == reporting.MOST_OPEN
