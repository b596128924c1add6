"""Pictures and static files."""

import re

import pytest

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def key(wall):
    return wall.picture(wall.hang(pictures=0))


def test_a_picture_may_be_kept_for_ever(client, key):
    response = client.get(f"/pictures/{key}")
    assert response.status_code == 200
    assert response.headers["cache-control"] == FOR_EVER
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("extension", "mime"), [("jpg", "image/jpeg"), ("png", "image/png")])
def test_a_picture_has_the_type_of_its_key(client, storage, extension, mime):
    key = storage.put(b"some bytes", extension)
    assert client.get(f"/pictures/{key}").headers["content-type"] == mime


def test_who_has_the_picture_already_gets_304(client, key):
    etag = client.get(f"/pictures/{key}").headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = client.get(f"/pictures/{key}", headers={"If-None-Match": known})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["cache-control"] == FOR_EVER
    assert client.get(f"/pictures/{key}", headers={"If-None-Match": '"other"'}).status_code == 200


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
