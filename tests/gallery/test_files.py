"""Pictures and static files."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import FILES_OF_PICTURES, creations, people
from core.storage import FolderStorage
from tests.support.gallery_data import GalleryData
from tests.support.pages import find_match

A_DAY = "public, max-age=86400"
FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def key(gallery_data: GalleryData) -> str:
    return gallery_data.picture(gallery_data.publish(pictures=0))


def test_picture_is_cached_for_a_day(client: TestClient, key: str) -> None:
    response = client.get(f"/pictures/{key}")
    assert response.status_code == 200
    assert response.headers["cache-control"] == A_DAY
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("extension", "mime"), [("jpg", "image/jpeg"), ("png", "image/png"), ("avif", "image/avif")])
def test_picture_has_the_media_type_of_its_key(
    client: TestClient, gallery_data: GalleryData, storage: FolderStorage, extension: Any, mime: Any
) -> None:
    key = gallery_data.picture(gallery_data.publish(pictures=0), key=storage.put(b"some bytes", extension))
    assert client.get(f"/pictures/{key}").headers["content-type"] == mime


def test_unchanged_picture_answers_304(client: TestClient, key: str) -> None:
    etag = client.get(f"/pictures/{key}").headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = client.get(f"/pictures/{key}", headers={"If-None-Match": known})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["cache-control"] == A_DAY
    assert client.get(f"/pictures/{key}", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("which", [column.name for column in FILES_OF_PICTURES])
def test_hidden_picture_is_not_served(
    client: TestClient, gallery_data: GalleryData, engine: Engine, storage: FolderStorage, which: Any
) -> None:
    key = storage.put(f"only here: {which}".encode(), "webp")
    creation_id = gallery_data.publish(pictures=0)
    column: dict[str, Any] = {which: key}
    gallery_data.picture(creation_id, **column)
    etag = client.get(f"/pictures/{key}").headers["etag"]
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == creation_id).values(published_at=None))
    assert client.get(f"/pictures/{key}").status_code == 404
    assert client.get(f"/pictures/{key}", headers={"If-None-Match": etag}).status_code == 404
    assert storage.get(key)


def test_file_of_another_public_creation_is_served(client: TestClient, gallery_data: GalleryData) -> None:
    hidden, shown = gallery_data.publish(pictures=0, published_at=None), gallery_data.publish(pictures=0)
    assert gallery_data.picture(hidden) == (key := gallery_data.picture(shown))
    assert client.get(f"/pictures/{key}").status_code == 200


def test_file_without_a_picture_is_not_served(client: TestClient, storage: FolderStorage) -> None:
    assert client.get(f"/pictures/{storage.put(b'left over', 'webp')}").status_code == 404


def test_file_lookup_uses_indexes(engine: Engine) -> None:
    its_files = " OR ".join(f"picture.{column.name} = 'a'" for column in FILES_OF_PICTURES)
    plan = f"""EXPLAIN QUERY PLAN SELECT picture.id FROM picture JOIN creation ON creation.id = picture.creation_id
              WHERE ({its_files}) AND creation.published_at IS NOT NULL"""
    with engine.connect() as connection:
        steps = " ".join(str(row[3]) for row in connection.exec_driver_sql(plan))
    for index in ("key", "thumb", "thumb_avif", "wide", "wide_avif"):
        assert f"ix_picture_{index} (" in steps
    assert "SCAN picture" not in steps


def test_deleted_creation_answers_410(client: TestClient, gallery_data: GalleryData, engine: Engine) -> None:
    creation_id = gallery_data.publish(prompt="a secret", deleted_at=now(), published_at=None)
    page, answer = client.get(f"/c/{creation_id}"), client.get(f"/api/creations/{creation_id}")
    assert (page.status_code, answer.status_code) == (410, 410)
    assert "This was deleted." in page.text
    assert "a secret" not in page.text + answer.text


def test_hidden_user_is_not_shown(client: TestClient, gallery_data: GalleryData, engine: Engine) -> None:
    person_id = gallery_data.person("ada")
    refused = gallery_data.creation(person_id=person_id, prompt="a secret", state="refused", reason_code="unsafe")
    assert client.get("/@ada").status_code == 200
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == person_id).values(hidden_at=now()))
    for path in ("/@ada", f"/c/{refused}", f"/api/creations/{refused}", "/api/creations?person=ada"):
        assert client.get(path).status_code == 404, path


def test_picture_supports_range_requests(client: TestClient, key: str) -> None:
    whole = client.get(f"/pictures/{key}").content
    response = client.get(f"/pictures/{key}", headers={"Range": "bytes=4-11"})
    assert response.status_code == 206
    assert response.content == whole[4:12]


def test_head_has_the_size_without_a_body(client: TestClient, key: str) -> None:
    response = client.head(f"/pictures/{key}")
    assert response.status_code == 200
    assert int(response.headers["content-length"]) > 0
    assert response.content == b""


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/threadpaint.db",
        "..%5c..%5cthreadpaint.db",
        "%2fetc%2fpasswd",
        "%00",
        "ab/%00.webp",
        "ab/" + "0" * 30 + ".webp",
        "ab/" + "0" * 30 + ".webp%0a",
        "a" * 9000,
        "",
    ],
)
def test_only_pictures_can_be_reached(client: TestClient, key: str, path: str) -> None:
    assert client.get(f"/pictures/{path}").status_code == 404


def test_versioned_stylesheet_is_immutable(client: TestClient) -> None:
    path = find_match(r'href="(/static/[0-9a-f]+/gallery.css)"', client.get("/").text)[1]
    response = client.get(path)
    assert response.headers["content-type"].startswith("text/css")
    assert response.headers["cache-control"] == FOR_EVER
    assert client.get(path, headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_stylesheet_of_another_version_is_not_cached(client: TestClient) -> None:
    response = client.get("/static/0123456789ab/gallery.css")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-cache"


def test_other_files_are_not_static(client: TestClient) -> None:
    for path in ("/static/x/app.py", "/static/x/..%2fapp.py", "/static/x/../app.py", "/static/", "/static/x/"):
        assert client.get(path).status_code == 404


def test_all_styles_weigh_under_20_kilobytes(client: TestClient) -> None:
    path = find_match(r'href="(/static/[0-9a-f]+/gallery.css)"', client.get("/").text)[1]
    assert len(client.get(path).content) < 20_000


def test_favicon_redirects_to_the_icon(client: TestClient) -> None:
    for path in ("/favicon.svg", "/favicon.ico"):
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("image/svg+xml")


def test_robots_disallow_the_api(client: TestClient) -> None:
    assert "Disallow: /api/" in client.get("/robots.txt").text
