"""Pictures are uploaded, described, posted and served."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from requests import Response

from sandbox.image_sniff import sniff
from tests.support.sandbox_world import Json, Picture, SandboxWorld


def upload(world: SandboxWorld, data: bytes, category: str = "tweet_image") -> Response:
    form = {"media_category": category} if category else {}
    return world.as_person().post(f"{world.url}/2/media/upload", data=form, files={"media": ("x", data)})


def describe(world: SandboxWorld, media_id: str, text: str, username: str = "threadpaint") -> Response:
    body = {"id": media_id, "metadata": {"alt_text": {"text": text}}}
    return world.as_person(username).post(f"{world.url}/2/media/metadata", json=body)


def attach(world: SandboxWorld, media_id: str, username: str = "threadpaint") -> Response:
    body = {"text": "Here.", "media": {"media_ids": [media_id]}}
    return world.as_person(username).post(f"{world.url}/2/tweets", json=body)


def test_multipart_uploads_are_accepted(world: SandboxWorld, picture: Picture) -> None:
    data = upload(world, picture.data).json()["data"]
    assert data["media_key"] == f"3_{data['id']}"
    assert data["size"] == len(picture.data)
    assert data["expires_after_secs"] == 86400
    assert data["image"] == {"w": 3, "h": 2, "image_type": "image/png"}


def test_base64_in_json_is_accepted_from_tweepy(world: SandboxWorld, picture: Picture) -> None:
    body = {"media": picture.base64, "media_category": "tweet_image"}
    response = world.client().request("POST", "/2/media/upload", json=body, user_auth=True)
    assert response.json()["data"]["image"]["w"] == 3


def test_a_picture_is_posted_with_alt_text_and_served_unchanged(world: SandboxWorld, picture: Picture) -> None:
    media_id = world.upload(picture)
    assert describe(world, media_id, "a blue field").json()["data"]["id"] == media_id
    post_id = attach(world, media_id).json()["data"]["id"]
    post = world.http.get(f"/sandbox/posts/{post_id}").json()
    assert post["attachments"] == {"media_keys": [f"3_{media_id}"]}
    link = post["entities"]["urls"][0]
    assert link["media_key"] == f"3_{media_id}"
    assert post["text"][link["start"] : link["end"]] == link["url"]
    assert post["text"][: post["display_text_range"][1]] == "Here."
    media = post["media"][0]
    assert (media["alt_text"], media["width"], media["height"], media["type"]) == ("a blue field", 3, 2, "photo")
    served = world.http.get(media["url"])
    assert (served.content, served.headers["content-type"]) == (picture.data, "image/png")


def test_alt_text_can_be_set_after_posting(world: SandboxWorld, picture: Picture) -> None:
    media_id = world.upload(picture)
    post_id = attach(world, media_id).json()["data"]["id"]
    assert describe(world, media_id, "later").status_code == 200
    assert world.http.get(f"/sandbox/posts/{post_id}").json()["media"][0]["alt_text"] == "later"


def test_only_the_owner_can_describe_and_post_a_picture(world: SandboxWorld, picture: Picture) -> None:
    media_id = world.upload(picture)
    assert describe(world, media_id, "mine now", username="oldtomcat").status_code == 403
    response = attach(world, media_id, username="oldtomcat")
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == "Your media IDs are invalid."


def test_a_picture_expires_after_a_day(world: SandboxWorld, picture: Picture) -> None:
    media_id = world.upload(picture)
    world.state.media[int(media_id)].created_ms -= 86_401_000
    assert attach(world, media_id).status_code == 400


def test_unknown_media_ids_are_rejected(world: SandboxWorld) -> None:
    assert attach(world, "1234567890123456789").json()["errors"][0]["message"] == "Your media IDs are invalid."
    assert describe(world, "1", "x").status_code == 400


def test_alt_text_is_limited_to_1000_characters(world: SandboxWorld, picture: Picture) -> None:
    media_id = world.upload(picture)
    assert describe(world, media_id, "x" * 1000).status_code == 200
    assert describe(world, media_id, "x" * 1001).status_code == 400


@pytest.mark.parametrize("category", ["", "portrait", "tweet_video"])
def test_missing_and_unknown_media_categories_are_rejected(
    world: SandboxWorld, picture: Picture, category: str
) -> None:
    response = upload(world, picture.data, category=category)
    assert response.status_code == 400
    assert "media_category" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8 "]
)
def test_files_that_are_no_pictures_are_rejected(world: SandboxWorld, data: bytes) -> None:
    assert upload(world, data).status_code == 400


def test_pictures_are_limited_to_5_mb(world: SandboxWorld, picture: Picture) -> None:
    assert upload(world, picture.data + b"\0" * 5 * 1024 * 1024).status_code == 400
    assert upload(world, picture.data + b"\0" * 9 * 1024 * 1024).status_code == 413


@pytest.mark.parametrize(
    "body", [{"media": "%%%", "media_category": "tweet_image"}, {"media": 7, "media_category": "tweet_image"}, {}]
)
def test_json_without_a_picture_is_rejected(world: SandboxWorld, body: Json) -> None:
    assert world.as_person().post(f"{world.url}/2/media/upload", json=body).status_code == 400


def test_a_deleted_post_deletes_its_picture(world: SandboxWorld, picture: Picture) -> None:
    media_id = world.upload(picture)
    post_id = attach(world, media_id).json()["data"]["id"]
    world.client().delete_tweet(post_id)
    assert world.http.get(f"/media/3_{media_id}.png").status_code == 404


@pytest.mark.parametrize(
    "name", ["3_1.png", "nothing", "3_.png", "..%2fworld.sqlite", "3_x.png", "3_" + "9" * 5000 + ".png"]
)
def test_other_media_names_return_404(world: SandboxWorld, name: str) -> None:
    assert world.http.get(f"/media/{name}").status_code == 404


def test_size_is_read_from_each_format() -> None:
    gif = b"GIF89a" + struct.pack("<HH", 7, 5) + b"\0" * 8
    jpeg = b"\xff\xd8\xff\xe0\x00\x10" + b"\0" * 14 + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", 5, 7) + b"\0" * 9
    extended = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + (6).to_bytes(3, "little") + (4).to_bytes(3, "little")
    lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 6 | (4 << 14))
    lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0" + b"\0" * 3 + b"\x9d\x01\x2a" + struct.pack("<HH", 7, 5)
    infos = [sniff(data) for data in (gif, jpeg, extended, lossless, lossy)]
    assert [(info.width, info.height) for info in infos if info] == [(7, 5)] * 5
    assert [info.ext for info in infos if info] == ["gif", "jpg", "webp", "webp", "webp"]


def test_sizes_of_real_pictures_match_pillow(material: Callable[[str], Path]) -> None:
    from PIL import Image

    compared = 0
    for file in sorted(material("img-photos-skimage").rglob("*")):
        info = sniff(file.read_bytes()) if file.suffix in (".png", ".jpg", ".jpeg", ".gif", ".webp") else None
        if info is not None:
            with Image.open(file) as image:
                assert image.size == (info.width, info.height), file
            compared += 1
    assert compared > 5


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=b"])
def test_a_malformed_multipart_body_returns_an_error_of_x(world: SandboxWorld, kind: str) -> None:
    response = world.as_person().post(f"{world.url}/2/media/upload", data=b"x", headers={"content-type": kind})
    assert (response.status_code, response.json()["title"]) == (400, "Invalid Request")
    assert world.stats()["calls"]["POST /2/media/upload"] == {"400": 1}
