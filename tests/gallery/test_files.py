"""Pictures and static files."""

import re

import pytest
from sqlalchemy import update

from core.clock import now
from core.database import transaction
from core.models import FILES_OF_PICTURES, creations, people

A_DAY = "public, max-age=86400"
FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def key(wall):
    return wall.picture(wall.hang(pictures=0))


def test_a_picture_may_be_kept_for_a_day_since_its_author_may_take_it_back(client, key):
    response = client.get(f"/pictures/{key}")
    assert response.status_code == 200
    assert response.headers["cache-control"] == A_DAY
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("extension", "mime"), [("jpg", "image/jpeg"), ("png", "image/png"), ("avif", "image/avif")])
def test_a_picture_has_the_type_of_its_key(client, wall, storage, extension, mime):
    key = wall.picture(wall.hang(pictures=0), key=storage.put(b"some bytes", extension))
    assert client.get(f"/pictures/{key}").headers["content-type"] == mime


def test_who_has_the_picture_already_gets_304(client, key):
    etag = client.get(f"/pictures/{key}").headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = client.get(f"/pictures/{key}", headers={"If-None-Match": known})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["cache-control"] == A_DAY
    assert client.get(f"/pictures/{key}", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("which", [column.name for column in FILES_OF_PICTURES])
def test_a_hidden_picture_is_served_to_nobody_who_knows_its_address(client, wall, engine, storage, which):
    key = storage.put(f"only here: {which}".encode(), "webp")
    creation_id = wall.hang(pictures=0)
    wall.picture(creation_id, **{which: key})
    etag = client.get(f"/pictures/{key}").headers["etag"]
    with transaction(engine) as session:
        session.execute(update(creations).where(creations.c.id == creation_id).values(shown_at=None))
    assert client.get(f"/pictures/{key}").status_code == 404
    assert client.get(f"/pictures/{key}", headers={"If-None-Match": etag}).status_code == 404
    assert storage.get(key)


def test_a_file_that_still_hangs_elsewhere_is_served(client, wall):
    hidden, shown = wall.hang(pictures=0, shown_at=None), wall.hang(pictures=0)
    assert wall.picture(hidden) == (key := wall.picture(shown))
    assert client.get(f"/pictures/{key}").status_code == 200


def test_a_file_of_no_picture_is_not_served(client, storage):
    assert client.get(f"/pictures/{storage.put(b'left over', 'webp')}").status_code == 404


def test_a_file_is_found_without_looking_through_all_pictures(engine):
    its_files = " OR ".join(f"picture.{column.name} = 'a'" for column in FILES_OF_PICTURES)
    plan = f"""EXPLAIN QUERY PLAN SELECT picture.id FROM picture JOIN creation ON creation.id = picture.creation_id
              WHERE ({its_files}) AND creation.shown_at IS NOT NULL"""
    with engine.connect() as connection:
        steps = " ".join(str(row[3]) for row in connection.exec_driver_sql(plan))
    for index in ("key", "thumb", "thumb_avif", "wide", "wide_avif"):
        assert f"ix_picture_{index} (" in steps
    assert "SCAN picture" not in steps


def test_what_was_taken_back_is_gone_and_says_so(client, wall, engine):
    creation_id = wall.hang(prompt="a secret", deleted_at=now(), shown_at=None)
    page, answer = client.get(f"/c/{creation_id}"), client.get(f"/api/creations/{creation_id}")
    assert (page.status_code, answer.status_code) == (410, 410)
    assert "This was taken down." in page.text
    assert "a secret" not in page.text + answer.text


def test_who_x_hides_is_nowhere_to_be_seen(client, wall, engine):
    person_id = wall.person("ada")
    refused = wall.creation(person_id=person_id, prompt="a secret", state="refused", code="unsafe")
    assert client.get("/@ada").status_code == 200
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == person_id).values(hidden_at=now()))
    for path in ("/@ada", f"/c/{refused}", f"/api/creations/{refused}", "/api/creations?person=ada"):
        assert client.get(path).status_code == 404, path


def test_a_part_of_a_picture_can_be_asked_for(client, key):
    whole = client.get(f"/pictures/{key}").content
    response = client.get(f"/pictures/{key}", headers={"Range": "bytes=4-11"})
    assert response.status_code == 206
    assert response.content == whole[4:12]


def test_head_tells_the_size_without_the_bytes(client, key):
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
def test_nothing_but_a_picture_can_be_reached(client, key, path):
    assert client.get(f"/pictures/{path}").status_code == 404


def test_the_stylesheet_may_be_kept_for_ever_under_its_versioned_address(client):
    path = re.search(r'href="(/static/[0-9a-f]+/gallery.css)"', client.get("/").text)[1]
    response = client.get(path)
    assert response.headers["content-type"].startswith("text/css")
    assert response.headers["cache-control"] == FOR_EVER
    assert client.get(path, headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_an_address_of_another_version_is_not_kept(client):
    response = client.get("/static/0123456789ab/gallery.css")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-cache"


def test_other_files_of_the_house_are_not_static(client):
    for path in ("/static/x/app.py", "/static/x/..%2fapp.py", "/static/x/../app.py", "/static/", "/static/x/"):
        assert client.get(path).status_code == 404


def test_all_styles_weigh_under_20_kilobytes(client):
    path = re.search(r'href="(/static/[0-9a-f]+/gallery.css)"', client.get("/").text)[1]
    assert len(client.get(path).content) < 20_000


def test_the_icon_is_found_where_browsers_look(client):
    for path in ("/favicon.svg", "/favicon.ico"):
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("image/svg+xml")


def test_robots_are_told_about_the_api(client):
    assert "Disallow: /api/" in client.get("/robots.txt").text
