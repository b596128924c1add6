"""Uploading, describing, hanging and serving pictures."""

import struct

import pytest

from sandbox.images import sniff


def upload(play, data, *, username="threadpaint", category="tweet_image"):
    form = {"media_category": category} if category else {}
    return play.as_person(username).post(f"{play.url}/2/media/upload", data=form, files={"media": ("x", data)})


def describe(play, media_id, text, *, username="threadpaint"):
    body = {"id": media_id, "metadata": {"alt_text": {"text": text}}}
    return play.as_person(username).post(f"{play.url}/2/media/metadata", json=body)


def hang(play, *media_ids, username="threadpaint"):
    body = {"text": "Here.", "media": {"media_ids": list(media_ids)}}
    return play.as_person(username).post(f"{play.url}/2/tweets", json=body)


def test_it_takes_a_multipart_upload(play, picture):
    data = upload(play, picture.data).json()["data"]
    assert data["media_key"] == f"3_{data['id']}"
    assert data["size"] == len(picture.data)
    assert data["expires_after_secs"] == 86400
    assert data["image"] == {"w": 3, "h": 2, "image_type": "image/png"}


def test_it_takes_base64_in_json_through_tweepys_own_request(play, picture):
    body = {"media": picture.base64, "media_category": "tweet_image"}
    answer = play.client().request("POST", "/2/media/upload", json=body, user_auth=True)
    assert answer.json()["data"]["image"]["w"] == 3


def test_it_hangs_a_picture_with_its_alt_text_and_serves_the_very_bytes(play, picture):
    media_id = upload(play, picture.data).json()["data"]["id"]
    assert describe(play, media_id, "a blue field").json()["data"]["id"] == media_id
    post_id = hang(play, media_id).json()["data"]["id"]
    post = play.http.get(f"/sandbox/posts/{post_id}").json()
    assert post["attachments"] == {"media_keys": [f"3_{media_id}"]}
    link = post["entities"]["urls"][0]
    assert link["media_key"] == f"3_{media_id}"
    assert post["text"][link["start"] : link["end"]] == link["url"]
    assert post["text"][: post["display_text_range"][1]] == "Here."
    shown = post["media"][0]
    assert (shown["alt_text"], shown["width"], shown["height"], shown["type"]) == ("a blue field", 3, 2, "photo")
    served = play.http.get(shown["url"])
    assert (served.content, served.headers["content-type"]) == (picture.data, "image/png")


def test_it_describes_after_hanging_too(play, picture):
    media_id = upload(play, picture.data).json()["data"]["id"]
    post_id = hang(play, media_id).json()["data"]["id"]
    assert describe(play, media_id, "later").status_code == 200
    assert play.http.get(f"/sandbox/posts/{post_id}").json()["media"][0]["alt_text"] == "later"


def test_it_lets_only_the_owner_describe_and_hang(play, picture):
    media_id = upload(play, picture.data).json()["data"]["id"]
    assert describe(play, media_id, "mine now", username="oldtomcat").status_code == 403
    refused = hang(play, media_id, username="oldtomcat")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["message"] == "Your media IDs are invalid."


def test_a_picture_expires_after_a_day(play, picture):
    media_id = upload(play, picture.data).json()["data"]["id"]
    play.world.media[int(media_id)].created_ms -= 86_401_000
    assert hang(play, media_id).status_code == 400


def test_it_refuses_ids_it_never_gave(play):
    assert hang(play, "1234567890123456789").json()["errors"][0]["message"] == "Your media IDs are invalid."
    assert describe(play, "1", "x").status_code == 400


def test_it_refuses_an_alt_text_over_1000_letters(play, picture):
    media_id = upload(play, picture.data).json()["data"]["id"]
    assert describe(play, media_id, "x" * 1000).status_code == 200
    assert describe(play, media_id, "x" * 1001).status_code == 400


@pytest.mark.parametrize("category", ["", "portrait", "tweet_video"])
def test_it_wants_a_media_category_it_knows(play, picture, category):
    answer = upload(play, picture.data, category=category)
    assert answer.status_code == 400
    assert "media_category" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8 "]
)
def test_it_refuses_what_is_no_picture_whatever_it_is_called(play, data):
    assert upload(play, data).status_code == 400


def test_it_refuses_more_than_five_megabytes(play, picture):
    assert upload(play, picture.data + b"\0" * 5 * 1024 * 1024).status_code == 400
    assert upload(play, picture.data + b"\0" * 9 * 1024 * 1024).status_code == 413


@pytest.mark.parametrize(
    "body", [{"media": "%%%", "media_category": "tweet_image"}, {"media": 7, "media_category": "tweet_image"}, {}]
)
def test_it_refuses_json_that_holds_no_picture(play, body):
    assert play.as_person().post(f"{play.url}/2/media/upload", json=body).status_code == 400


def test_the_picture_goes_with_its_post(play, picture):
    media_id = upload(play, picture.data).json()["data"]["id"]
    post_id = hang(play, media_id).json()["data"]["id"]
    play.client().delete_tweet(post_id)
    assert play.http.get(f"/media/3_{media_id}.png").status_code == 404


@pytest.mark.parametrize(
    "name", ["3_1.png", "nothing", "3_.png", "..%2fworld.sqlite", "3_x.png", "3_" + "9" * 5000 + ".png"]
)
def test_it_serves_nothing_else(play, name):
    assert play.http.get(f"/media/{name}").status_code == 404


def test_it_reads_the_size_of_each_kind():
    gif = b"GIF89a" + struct.pack("<HH", 7, 5) + b"\0" * 8
    jpeg = b"\xff\xd8\xff\xe0\x00\x10" + b"\0" * 14 + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", 5, 7) + b"\0" * 9
    extended = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + (6).to_bytes(3, "little") + (4).to_bytes(3, "little")
    lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 6 | (4 << 14))
    lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0" + b"\0" * 3 + b"\x9d\x01\x2a" + struct.pack("<HH", 7, 5)
    kinds = [sniff(data) for data in (gif, jpeg, extended, lossless, lossy)]
    assert [(kind.width, kind.height) for kind in kinds] == [(7, 5)] * 5
    assert [kind.ext for kind in kinds] == ["gif", "jpg", "webp", "webp", "webp"]


def test_it_reads_real_pictures_as_pillow_does(material):
    from PIL import Image

    seen = 0
    for file in sorted(material("img-photos-skimage").rglob("*")):
        kind = sniff(file.read_bytes()) if file.suffix in (".png", ".jpg", ".jpeg", ".gif", ".webp") else None
        if kind is not None:
            with Image.open(file) as image:
                assert image.size == (kind.width, kind.height), file
            seen += 1
    assert seen > 5


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=b"])
def test_a_multipart_body_that_is_none_gets_an_error_of_x(play, kind):
    answer = play.as_person().post(f"{play.url}/2/media/upload", data=b"x", headers={"content-type": kind})
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid Request")
    assert play.answers()["calls"]["POST /2/media/upload"] == {"400": 1}
