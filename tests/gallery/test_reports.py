"""Reports about creations and comments."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, update

from core.clock import now
from core.database import write_session
from core.models import Comment, comments, reports
from core.report_reasons import REASONS
from gallery.services import reports as reporting
from tests.support.gallery_data import GalleryData


def rows(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(reports).order_by(reports.c.id)).all()


def comment_on(engine: Engine, creation_id: int, person_id: int, text: str = "foul words") -> Any:
    with write_session(engine) as session:
        row = Comment(creation_id=creation_id, person_id=person_id, text=text)
        session.add(row)
        session.flush()
        return row.id


def test_creation_page_links_to_the_form(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(prompt="a lighthouse")
    assert f'href="/c/{creation_id}/report"' in client.get(f"/c/{creation_id}").text
    html = client.get(f"/c/{creation_id}/report").text
    assert "a lighthouse" in html
    assert html.count('type="radio"') == len(REASONS)


def test_anonymous_report_is_stored_and_thanked(client: TestClient, engine: Engine, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish()
    response = client.post(f"/c/{creation_id}/report", data={"reason": "spam", "words": " look \0 there "})
    assert response.status_code == 200
    assert response.url.path == f"/c/{creation_id}/report"
    assert "Thank you." in response.text
    [row] = rows(engine)
    assert (row.creation_id, row.comment_id, row.person_id) == (creation_id, None, None)
    assert (row.reason, row.words, row.handled_at) == ("spam", "look \ufffd there", None)
    assert "testclient" not in row.key


def test_report_of_a_member_names_them(
    client: TestClient, engine: Engine, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    creation_id, grace = gallery_data.publish(), gallery_data.person("grace")
    token = sign_in(client, grace)
    client.post(f"/c/{creation_id}/report", data={"reason": "hateful", "token": token})
    assert [row.person_id for row in rows(engine)] == [grace]


def test_report_of_a_member_requires_the_token(
    client: TestClient, engine: Engine, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    sign_in(client, gallery_data.person("grace"))
    assert client.post(f"/c/{gallery_data.publish()}/report", data={"reason": "spam"}).status_code == 403
    assert rows(engine) == []


@pytest.mark.parametrize("member", [True, False])
def test_same_report_twice_is_stored_once(
    client: TestClient,
    engine: Engine,
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
    member: Any,
) -> None:
    creation_id, other = gallery_data.publish(), gallery_data.publish()
    token = sign_in(client, gallery_data.person("grace")) if member else ""
    for reason in ("spam", "spam", "hateful"):
        client.post(f"/c/{creation_id}/report", data={"reason": reason, "token": token})
    client.post(f"/c/{other}/report", data={"reason": "spam", "token": token})
    assert [(row.creation_id, row.reason) for row in rows(engine)] == [(creation_id, "spam"), (other, "spam")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose what is wrong with it."),
        ({"reason": "nonsense"}, "Choose what is wrong with it."),
        ({"reason": "other", "words": " "}, "Describe in a few words what is wrong with it."),
        ({"reason": "spam", "words": "x" * 1001}, "1 character over the 1,000 limit."),
    ],
)
def test_invalid_report_shows_errors_and_keeps_the_text(
    client: TestClient, engine: Engine, gallery_data: GalleryData, data: Any, words: Any
) -> None:
    response = client.post(f"/c/{gallery_data.publish()}/report", data={"words": "<b>my words</b>", **data})
    assert response.status_code == 422
    assert words in response.text
    assert ("&lt;b&gt;my words" in response.text) == ("words" not in data)
    assert rows(engine) == []


def test_comment_can_be_reported(client: TestClient, engine: Engine, gallery_data: GalleryData) -> None:
    creation_id, grace = gallery_data.publish(), gallery_data.person("grace")
    comment_id = comment_on(engine, creation_id, grace)
    assert "foul words" in client.get(f"/c/{creation_id}/report?comment={comment_id}").text
    client.post(f"/c/{creation_id}/report", data={"reason": "hateful", "comment": comment_id})
    client.post(f"/c/{creation_id}/report", data={"reason": "hateful"})
    assert [row.comment_id for row in rows(engine)] == [comment_id, None]


def test_unknown_comment_cannot_be_reported(client: TestClient, engine: Engine, gallery_data: GalleryData) -> None:
    creation_id, other = gallery_data.publish(), gallery_data.publish()
    comment_id = comment_on(engine, other, gallery_data.person("grace"))
    for number in (comment_id, 999, "x", "-1", "9" * 5000):
        assert client.get(f"/c/{creation_id}/report", params={"comment": number}).status_code == 404
        data = {"reason": "spam", "comment": number}
        assert client.post(f"/c/{creation_id}/report", data=data).status_code == 404
    with write_session(engine) as session:
        session.execute(update(comments).values(deleted_at=now()))
    assert client.get(f"/c/{other}/report?comment={comment_id}").status_code == 404
    assert rows(engine) == []


@pytest.mark.parametrize("out_of_sight", ["hidden_at", "banned_at"])
def test_form_omits_comments_of_hidden_users(
    client: TestClient, engine: Engine, gallery_data: GalleryData, out_of_sight: Any
) -> None:
    creation_id = gallery_data.publish()
    values: dict[str, Any] = {out_of_sight: now()}
    comment_id = comment_on(engine, creation_id, gallery_data.person("eve", **values))
    answer = client.get(f"/c/{creation_id}/report?comment={comment_id}")
    assert answer.status_code == 404
    assert "foul words" not in answer.text


def test_invisible_creation_cannot_be_reported(client: TestClient, engine: Engine, gallery_data: GalleryData) -> None:
    gone = gallery_data.publish(deleted_at=now(), published_at=None)
    hidden = gallery_data.publish(hidden_at=now(), published_at=None)
    for creation_id, status in ((gone, 410), (hidden, 404), (999, 404)):
        assert client.get(f"/c/{creation_id}/report").status_code == status
        assert client.post(f"/c/{creation_id}/report", data={"reason": "spam"}).status_code == status
    assert rows(engine) == []


def test_report_answers_scripts_in_json(client: TestClient, gallery_data: GalleryData) -> None:
    answer = client.post(
        f"/c/{gallery_data.publish()}/report", data={"reason": "spam"}, headers={"Accept": "application/json"}
    )
    assert answer.json() == {"reported": True}


def test_reports_are_rate_limited(client: TestClient, engine: Engine, gallery_data: GalleryData) -> None:
    answers = [client.post(f"/c/{gallery_data.publish()}/report", data={"reason": "spam"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert len(rows(engine)) == 5


def test_open_reports_of_one_creation_are_bounded(engine: Engine, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish()
    draft = reporting.ReportDraft("spam")
    for number in range(reporting.MAX_OPEN + 5):
        reporting.add_report(
            engine, f"stranger{number}", draft, creation_id=creation_id, comment_id=None, person_id=None
        )
    assert len(rows(engine)) == reporting.MAX_OPEN
